"""A network as a list of fused convolutions, found by tracing its forward pass.

Each takes in what stands behind a convolution: batch normalisation, one membrane shortcut, cell.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import torch.fx
from torch import nn
from torch.fx import Node
from torch.nn.modules.batchnorm import _BatchNorm

from snn_ros.errors import SnnRosError
from snn_ros.sparse.convolution import SparseConvolution
from snn_ros.spiking.folding import fold_batch_norm
from snn_ros.spiking.modules import IntegerSpike

LEAVES = (SparseConvolution, _BatchNorm, IntegerSpike, nn.Identity)
INPUT = -1


class NotCompiled(SnnRosError):
    """The network holds something that fused convolutions cannot do; the text names it."""


class Kind(Enum):
    """What of a convolution's result is meant."""

    MEMBRANE = "membrane"
    SPIKES = "spikes"


@dataclass(frozen=True)
class Signal:
    """What one step hands to another.

    Attributes:
        step: its place in the program; `INPUT` for the network's input.
        kind: membranes, or spikes of the cell behind them.
    """

    step: int
    kind: Kind = Kind.MEMBRANE


@dataclass(frozen=True, eq=False)
class Step:
    """One fused convolution.

    Attributes:
        name: of the convolution in the network.
        layer: with the batch normalisation folded in.
        source: its input.
        shortcut: membranes to add, at the output's sites.
        max_count: D of the cell behind; None where there is none.
        needs_membrane: whether anything but that cell uses the membrane.
    """

    name: str
    layer: SparseConvolution
    source: Signal
    shortcut: Signal | None
    max_count: int | None
    needs_membrane: bool


@dataclass(frozen=True, eq=False)
class Program:
    """Steps in order, and what the network returns: any structure of signals."""

    steps: tuple[Step, ...]
    outputs: Any


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
            elif not (node in self.same or node in self.signals or _makes_tuple(node)):
                self._lower(node)
        return Program(tuple(self.steps), outputs)

    def _find_users(self) -> None:
        for node in self.nodes:
            if self._passes_on(node):
                features = node.args[-1] if node.target == "with_features" else node.args[0]
                self.same[node] = self._origin(cast(Node, features))
            else:
                for argument in node.all_input_nodes:
                    self.users[self._origin(argument)].append(node)

    def _passes_on(self, node: Node) -> bool:
        if node.op == "call_function" and node.target is getattr:
            return node.args[1] == "features"
        if node.op == "call_method":
            return node.target == "with_features"
        return isinstance(self._module(node), nn.Identity)

    def _origin(self, node: Node) -> Node:
        return self.same.get(node, node)

    def _module(self, node: Node | None) -> nn.Module | None:
        if node is None or node.op != "call_module":
            return None
        return self.modules[str(node.target)]

    def _signal(self, node: Node) -> Signal:
        return self.signals[self._origin(node)]

    def _returned(self, node: Node) -> Any:
        """A signal, or a named tuple of them."""
        if not _makes_tuple(node):
            return self._signal(node)
        made = cast("type[Any]", node.target)
        return torch.fx.node.map_arg(made(*node.args, **node.kwargs), self._returned)

    def _lower(self, node: Node) -> None:
        layer = self._module(node)
        if not isinstance(layer, SparseConvolution):
            raise NotCompiled(f"{node.target}: {layer or node.op} is not behind a convolution")
        source = self._signal(node.all_input_nodes[0])
        last = node
        normalisation = self._only_user(last)
        if isinstance(after := self._module(normalisation), _BatchNorm):
            layer, last = fold_batch_norm(layer, after), cast(Node, normalisation)
        shortcut = None
        addition = self._only_user(last)
        if addition is not None and addition.target is operator.add:
            added = [n for n in map(self._origin, addition.all_input_nodes) if n is not last]
            if len(added) == 1 and added[0] in self.signals:
                shortcut, last = self.signals[added[0]], addition
        cells = [user for user in self.users[last] if isinstance(self._module(user), IntegerSpike)]
        self._emit(node, layer, source, shortcut, last, cells)

    def _emit(
        self,
        node: Node,
        layer: SparseConvolution,
        source: Signal,
        shortcut: Signal | None,
        last: Node,
        cells: list[Node],
    ) -> None:
        max_counts = {cast(IntegerSpike, self._module(cell)).max_count for cell in cells}
        if len(max_counts) > 1:
            raise NotCompiled(f"{node.target}: cells of different max_count {sorted(max_counts)}")
        self.steps.append(
            Step(
                name=str(node.target),
                layer=layer,
                source=source,
                shortcut=shortcut,
                max_count=next(iter(max_counts), None),
                needs_membrane=len(cells) < len(self.users[last]),
            )
        )
        place = len(self.steps) - 1
        self.signals[last] = Signal(place)
        for cell in cells:
            self.signals[cell] = Signal(place, Kind.SPIKES)
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


def _makes_tuple(node: Node) -> bool:
    return isinstance(node.target, type) and issubclass(node.target, tuple)
