"""Inference by fused convolutions on tensors of any device, by a back end of one's choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from snn_ros.errors import SnnRosError
from snn_ros.sparse.backends.fused import Precision, refuse_large_counts
from snn_ros.sparse.backends.program import (
    INPUT,
    Kind,
    NotCompiled,
    Part,
    Program,
    Returned,
    Step,
    assemble,
)
from snn_ros.sparse.tensor import RulebookCache, Sites, SparseTensor


class BackendMissing(SnnRosError):
    """What a back end is made of is not installed; the text names it and the reason."""


@dataclass(frozen=True, eq=False)
class Fired:
    """What one fused convolution gives.

    Attributes:
        sites: V' of them.
        membrane: (V', Cout) float32; None where nothing but the cell behind uses it.
        spikes: (V', Cout) whole numbers, int8 or float32; None where there is no cell behind.
    """

    sites: Sites
    membrane: Tensor | None
    spikes: Tensor | None = None

    def features(self, kind: Kind) -> Tensor:
        """The membranes, or what the cell or the ReLU behind makes of them."""
        found = self.spikes if kind is Kind.SPIKES else self.membrane
        assert found is not None  # the program made it
        return found.relu() if kind is Kind.RECTIFIED else found


class FusedConvolution(Protocol):
    """One step with its weights, ready to run."""

    def __call__(self, x: SparseTensor, shortcut: Tensor | None) -> Fired:
        """Convolve `x`, whose rulebooks the back end made; add the shortcut to the membrane."""
        ...


class Backend(Protocol):
    """How fused convolutions are computed."""

    def rulebooks(self) -> RulebookCache:
        """Of one input, empty; all convolutions of the network on that input share them."""
        ...

    def convolution(self, step: Step, precision: Precision) -> FusedConvolution:
        """Prepare the weights of a step on the device they are on.

        Raises:
            NotCompiled: if the back end cannot do it.
        """
        ...


class DeviceNetwork:
    """A compiled network; made by `compile_network`. It serves any number of calls at a time."""

    def __init__(self, program: Program, precision: Precision, backend: Backend) -> None:
        """Prepare all weights.

        Args:
            program: of the network.
            precision: of its layers.
            backend: how they are computed.

        Raises:
            NotCompiled: for what the back end or the precision cannot do.
        """
        if precision is Precision.INT8_CALIBRATED and any(s.rectified for s in program.steps):
            raise NotCompiled("int8 behind a ReLU: by the kernels of the CPU alone")
        if precision is Precision.INT16:
            raise NotCompiled("int16: by the kernels of the CPU alone")
        refuse_large_counts(program, precision)
        self._program = program
        self._backend = backend
        self._convolutions = [backend.convolution(step, precision) for step in program.steps]

    @torch.no_grad()
    def __call__(self, x: SparseTensor) -> Any:
        """What the network returns for `x`, without gradients, on the device of `x`."""
        rulebooks = self._backend.rulebooks()
        fired = {INPUT: Fired(x.sites, x.features.float().contiguous())}
        for place, (step, convolve) in enumerate(
            zip(self._program.steps, self._convolutions, strict=True)
        ):
            source = fired[step.source.step]
            given = SparseTensor(source.features(step.source.kind), source.sites, rulebooks)
            shortcut = None if step.shortcut is None else fired[step.shortcut.step].membrane
            made = convolve(given, shortcut)
            if step.from_above:
                made = replace(made, sites=rulebooks.seen_from_above(made.sites))
            fired[place] = made

        def returned(wanted: Returned) -> SparseTensor | Tensor | Sites:
            found = fired[wanted.signal.step]
            if wanted.part is Part.SITES:
                return found.sites
            features = found.features(wanted.signal.kind).float()
            return features if wanted.part is Part.FEATURES else SparseTensor(features, found.sites)

        return assemble(self._program.outputs, returned)
