"""Thin torch layers around the cells. Every forward is one step; states go in and come out.

Their parameters are constants. A cell with arrays of parameters, or one simulated with NumPy,
calls its step function directly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from snn_ros.spiking.current_lif import CurrentLIFParameters, CurrentLIFState, current_lif_step
from snn_ros.spiking.firing import CountFunction, SpikeFunction
from snn_ros.spiking.integer_lif import IntegerLIFParameters, IntegerLIFState, integer_lif_step
from snn_ros.spiking.lif import LIFParameters, LIFState, lif_step
from snn_ros.spiking.surrogate import ArctanSurrogate, StraightThroughCount

State = TypeVar("State")


class SpikingModule(nn.Module):
    """A layer that emits spikes: its output, or the first of its outputs, is 0..max_count.

    The activity meter finds the spiking layers of a network by this class and counts each call
    of forward as one step.
    """

    max_count: int = 1


class Threshold(SpikingModule):
    """Stateless binary firing: 1 where the input is at least 0."""

    def __init__(self, spike: SpikeFunction | None = None) -> None:
        super().__init__()
        self.spike = spike or ArctanSurrogate()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the shape of `x`."""
        return self.spike(x)


class LIF(SpikingModule):
    """`lif_step` as a layer."""

    def __init__(
        self, parameters: LIFParameters | None = None, spike: SpikeFunction | None = None
    ) -> None:
        super().__init__()
        self.constants = parameters or LIFParameters()
        self.spike = spike or ArctanSurrogate()

    def forward(self, x: Tensor, state: LIFState | None = None) -> tuple[Tensor, LIFState]:
        """Spikes and state after one step; without a state, from rest."""
        state = LIFState.at_rest(x) if state is None else state
        return lif_step(x, state, self.constants, self.spike)


class CurrentLIF(SpikingModule):
    """`current_lif_step` as a layer."""

    def __init__(
        self, parameters: CurrentLIFParameters, spike: SpikeFunction | None = None
    ) -> None:
        super().__init__()
        self.constants = parameters
        self.spike = spike or ArctanSurrogate()

    def forward(
        self, x: Tensor, state: CurrentLIFState | None = None
    ) -> tuple[Tensor, CurrentLIFState]:
        """Spikes and state after one step; without a state, from rest."""
        state = CurrentLIFState.at_rest(x) if state is None else state
        return current_lif_step(x, state, self.constants, self.spike)


class IntegerLIF(SpikingModule):
    """`integer_lif_step` as a layer."""

    def __init__(
        self, parameters: IntegerLIFParameters | None = None, count: CountFunction | None = None
    ) -> None:
        super().__init__()
        self.constants = parameters or IntegerLIFParameters()
        self.max_count = self.constants.max_count
        self.count = count or StraightThroughCount()

    def forward(
        self, x: Tensor, state: IntegerLIFState | None = None
    ) -> tuple[Tensor, IntegerLIFState]:
        """Counts and state after one step; without a state, from rest."""
        state = IntegerLIFState.at_rest(x) if state is None else state
        return integer_lif_step(x, state, self.constants, self.count)


class IntegerSpike(SpikingModule):
    """The integer cell of networks with one time step: no state, fits into nn.Sequential."""

    def __init__(self, max_count: int = 4, count: CountFunction | None = None) -> None:
        super().__init__()
        self.max_count = max_count
        self.count = count or StraightThroughCount()

    def forward(self, x: Tensor) -> Tensor:
        """Counts 0..max_count of the shape of `x`."""
        return self.count(x, self.max_count)

    def extra_repr(self) -> str:
        """Shown when a network is printed."""
        return f"max_count={self.max_count}"


def run_sequence(
    cell: Callable[[Tensor, Any], tuple[Tensor, State]], inputs: Tensor, state: Any = None
) -> tuple[Tensor, State]:
    """Run a cell along the leading axis.

    Args:
        cell: a layer of this module, or any `cell(x, state) -> (output, state)`.
        inputs: (steps, ...), at least one step. Time must really be the leading axis: reshaping
            (batch, steps, ...) to (steps, batch, ...) instead of transposing it mixes samples.
        state: state to begin with; None for rest.

    Returns:
        Outputs (steps, ...) and the last state.
    """
    outputs = []
    for x in inputs:
        output, state = cell(x, state)
        outputs.append(output)
    return torch.stack(outputs), state
