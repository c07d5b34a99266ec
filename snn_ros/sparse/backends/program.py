"""A network as a list of fused convolutions, found by tracing its forward pass.

Each takes in what stands behind a convolution: batch normalisation, one membrane shortcut, cell.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import torch.fx
from torch import nn
from torch.fx import Node
from torch.fx.node import map_aggregate
from torch.nn.modules.batchnorm import _BatchNorm

from snn_ros.errors import SnnRosError
from snn_ros.sparse.convolution import SparseConvolution
from snn_ros.sparse.layers import ChannelAffine, SeenFromAbove, SparseLayer
from snn_ros.spiking.folding import fold_batch_norm
from snn_ros.spiking.modules import IntegerSpike

CONVOLUTIONS = (SparseConvolution, nn.Linear)
CELLS = (IntegerSpike, nn.ReLU)
LEAVES = (*CONVOLUTIONS, *CELLS, _BatchNorm, ChannelAffine, SeenFromAbove, nn.Identity)
INPUT = -1


class NotCompiled(SnnRosError):
    """The network holds something that fused convolutions cannot do; the text names it."""


class Kind(Enum):
    """What of a convolution's result is meant."""

    MEMBRANE = "membrane"
    SPIKES = "spikes"
    RECTIFIED = "rectified"


class Part(Enum):
    """What of a sparse tensor a network returns."""

    TENSOR = "tensor"
    FEATURES = "features"
    SITES = "sites"


@dataclass(frozen=True)
class Signal:
    """What one step hands to another.

    Attributes:
        step: its place in the program; `INPUT` for the network's input.
        kind: membranes, or what the cell or the ReLU behind them makes of these.
    """

    step: int
    kind: Kind = Kind.MEMBRANE


@dataclass(frozen=True)
class Returned:
    """Part of a signal that the network returns."""

    signal: Signal
    part: Part


@dataclass(frozen=True, eq=False)
class Built:
    """A named tuple or dataclass that the network builds of what it returns."""

    made: type[Any]
    arguments: Any
    named: Any


@dataclass(frozen=True, eq=False)
class Step:
    """One fused convolution.

    Attributes:
        name: of the convolution in the network.
        layer: with a batch normalisation behind it folded in.
        affine: behind the layer.
        source: its input.
        shortcut: membranes to add, at the output's sites.
        max_count: D of the cells behind; None where there are none.
        cells: their names; those of one step emit the same.
        rectified: whether there is a ReLU behind.
        needs_membrane: whether anything but that cell uses the membrane.
        from_above: whether the output's sites then lose their single z.
    """

    name: str
    layer: SparseConvolution | nn.Linear
    affine: ChannelAffine | None
    source: Signal
    shortcut: Signal | None
    max_count: int | None
    cells: tuple[str, ...]
    rectified: bool
    needs_membrane: bool
    from_above: bool


@dataclass(frozen=True, eq=False)
class Program:
    """Steps in order, and what the network returns: any structure of `Returned` and `Built`."""

    steps: tuple[Step, ...]
    outputs: Any


def assemble(outputs: Any, made: Callable[[Returned], Any]) -> Any:
    """What a network returns, in its own tuples and classes.

    Args:
        outputs: of a `Program`.
        made: gives each part of a signal.
    """

    def resolve(leaf: Any) -> Any:
        if not isinstance(leaf, Built):
            return made(leaf)
        return leaf.made(*assemble(leaf.arguments, made), **assemble(leaf.named, made))

    return map_aggregate(outputs, resolve)


class _Tracer(torch.fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, LEAVES) or super().is_leaf_module(m, module_qualified_name)


def trace(network: nn.Module) -> Program:
    """The program of a network in evaluation mode.

    Raises:
        NotCompiled: for a layer or operation that no fused convolution contains.
        FoldingError: for a batch normalisation in training mode.
    """
    return _Lowering(network, _Tracer().trace(network)).program()


class _Lowering:
    """Turns a traced graph into steps."""

    def __init__(self, network: nn.Module, graph: torch.fx.Graph) -> None:
        self.modules = dict(network.named_modules())
        self.nodes = list(graph.nodes)
        self.same: dict[Node, Node] = {}  # nodes that only pass on the features of another
        self.users: dict[Node, list[Node]] = defaultdict(list)
        self.above: set[Node] = set()  # those of them at sites seen from above
        self.used_as: dict[Node, set[bool]] = defaultdict(set)  # seen from above, or not
        self.signals: dict[Node, Signal] = {}
        self.steps: list[Step] = []
        self._find_users()

    def program(self) -> Program:
        outputs: Any = None
        for node in self.nodes:
            if node.op == "output":
                outputs = torch.fx.node.map_arg(node.args[0], self._returned)
            elif node.op == "placeholder":
                self.signals[node] = Signal(INPUT)
            elif not (node in self.same or node in self.signals or _builds_output(node)):
                self._lower(node)
        return Program(tuple(self.steps), outputs)

    def _find_users(self) -> None:
        for node in self.nodes:
            if self._passes_on(node):
                source = cast(Node, node.args[-1 if node.target == "with_features" else 0])
                self.same[node] = self._origin(source)
                if source in self.above or isinstance(self._module(node), SeenFromAbove):
                    self.above.add(node)
            else:
                for argument in node.all_input_nodes:
                    self.users[self._origin(argument)].append(node)
                    self.used_as[self._origin(argument)].add(argument in self.above)

    def _passes_on(self, node: Node) -> bool:
        if node.op == "call_function" and node.target is getattr:
            return node.args[1] in ("features", "sites")
        if node.op == "call_method":
            return node.target == "with_features"
        return isinstance(self._module(node), nn.Identity | SeenFromAbove)

    def _origin(self, node: Node) -> Node:
        return self.same.get(node, node)

    def _module(self, node: Node | None) -> nn.Module | None:
        if node is None or node.op != "call_module":
            return None
        return self.modules[str(node.target)]

    def _signal(self, node: Node) -> Signal:
        return self.signals[self._origin(node)]

    def _returned(self, node: Node) -> Any:
        """Part of a signal, or what the network builds of several."""
        if not _builds_output(node):
            return Returned(self._signal(node), self._part(node))
        arguments, named = torch.fx.node.map_arg((node.args, node.kwargs), self._returned)
        return Built(cast("type[Any]", node.target), arguments, named)

    def _part(self, node: Node) -> Part:
        if node.target is getattr:
            return Part(node.args[1])
        module = self._module(node)
        return Part.TENSOR if module is None or isinstance(module, SparseLayer) else Part.FEATURES

    def _lower(self, node: Node) -> None:
        layer = self._module(node)
        if not isinstance(layer, CONVOLUTIONS):
            raise NotCompiled(f"{node.target}: {layer or node.op} is not behind a convolution")
        source = self._signal(node.all_input_nodes[0])
        last, affine, shortcut = node, None, None
        following = self._only_user(last)
        after = self._module(following)
        if isinstance(after, _BatchNorm):
            layer, last = fold_batch_norm(layer, after), cast(Node, following)
        elif isinstance(after, ChannelAffine):
            affine, last = after, cast(Node, following)
        addition = self._only_user(last)
        if addition is not None and addition.target is operator.add:
            added = [n for n in map(self._origin, addition.all_input_nodes) if n is not last]
            other = self.signals.get(added[0]) if len(added) == 1 else None
            if other is not None and other.kind is Kind.MEMBRANE:
                shortcut, last = other, addition
        self._emit(node, last, layer=layer, affine=affine, source=source, shortcut=shortcut)

    def _emit(self, node: Node, last: Node, **known: Any) -> None:
        """Add the step that begins with `node` and gives the value of `last`."""
        users = self.users[last]
        rectifiers = [user for user in users if isinstance(self._module(user), nn.ReLU)]
        cells = [user for user in users if isinstance(self._module(user), IntegerSpike)]
        max_counts = {cast(IntegerSpike, self._module(cell)).max_count for cell in cells}
        if len(max_counts) > 1:
            raise NotCompiled(f"{node.target}: cells of different max_count {sorted(max_counts)}")
        if cells and rectifiers:
            raise NotCompiled(f"{node.target}: both a cell and a ReLU behind it")
        if len(self.used_as[last]) > 1:
            raise NotCompiled(f"{node.target}: used both in 3D and seen from above")
        self.steps.append(
            Step(
                name=str(node.target),
                max_count=next(iter(max_counts), None),
                cells=tuple(str(cell.target) for cell in cells),
                rectified=bool(rectifiers),
                needs_membrane=len(cells) + len(rectifiers) < len(users),
                from_above=True in self.used_as[last],
                **known,
            )
        )
        place = len(self.steps) - 1
        self.signals[last] = Signal(place)
        for cell in cells:
            self.signals[cell] = Signal(place, Kind.SPIKES)
        for rectifier in rectifiers:
            self.signals[rectifier] = Signal(place, Kind.RECTIFIED)
        # nodes that were fused on the way are done
        for fused in {node, *self._fused_between(node, last)} - {last}:
            self.same[fused] = last

    def _fused_between(self, node: Node, last: Node) -> list[Node]:
        between = []
        while node is not last:
            between.append(node)
            node = cast(Node, self._only_user(node))
        return between

    def _only_user(self, node: Node) -> Node | None:
        users = self.users[node]
        return users[0] if len(users) == 1 else None


def _builds_output(node: Node) -> bool:
    """Whether it is a named tuple or dataclass of results."""
    return isinstance(node.target, type)
