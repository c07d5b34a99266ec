"""Input-weighted threshold adaptation (IWTA): input spikes also move the threshold.

With a slow trace the cell remembers past input in its threshold, which makes a spiking integral
term possible. Works on NumPy arrays and torch tensors alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from snn_ros.spiking.arrays import Array, zeros_like
from snn_ros.spiking.current_lif import (
    CurrentLIFParameters,
    CurrentLIFState,
    integrate_current,
)
from snn_ros.spiking.firing import SpikeFunction, heaviside
from snn_ros.spiking.parameters import MIN_THRESHOLD, not_one_of, outside, refuse

Project = Callable[[Array], Array]
"""Presynaptic activity (..., inputs) to its weighted sum at each cell (..., neurons)."""


@dataclass(frozen=True, kw_only=True)
class AdaptiveThresholdParameters:
    """Parameters of `adaptive_threshold_step`.

    Attributes:
        neuron: the cell itself; its `threshold` is the base to which the trace adds.
        trace_decay: share of the threshold trace that survives one step, 0..1. Per neuron in the
            paper mode, per presynaptic cell in the legacy mode.
        threshold_floor: least threshold. Below 0 a soft reset would add to the membrane and the
            cell would fire for ever. None reproduces the published cell, which has no floor.
        trace_limit: clamps what the trace adds to ± this many base thresholds, against windup; None
            for no clamp.
        mode: paper: the trace sums weighted input spikes. legacy: what the published flight code
            does: the trace is updated twice in a step, first by the cell's own last spikes, then
            by the input spikes, and weighted afterwards.
    """

    neuron: CurrentLIFParameters
    trace_decay: Array
    threshold_floor: float | None = 0.05
    trace_limit: float | None = None
    mode: Literal["paper", "legacy"] = "paper"

    def __post_init__(self) -> None:
        refuse(
            self,
            [
                *outside("trace_decay", self.trace_decay, 0.0, 1.0),
                *outside("threshold_floor", self.threshold_floor, MIN_THRESHOLD),
                *outside("trace_limit", self.trace_limit, 0.0),
                *not_one_of("mode", self.mode, ("paper", "legacy")),
            ],
        )


class AdaptiveThresholdState(NamedTuple):
    """State of `adaptive_threshold_step`.

    `trace` has the shape of the neurons in the paper mode, of the presynaptic cells in the legacy
    mode; `threshold` is the one of the last fire test.
    """

    neuron: CurrentLIFState
    trace: Array
    threshold: Array

    @classmethod
    def at_rest(
        cls, like: Array, parameters: AdaptiveThresholdParameters
    ) -> AdaptiveThresholdState:
        """Zero state of the shape, dtype and device of `like`, thresholds at their base."""
        zeros = zeros_like(like)
        base = zeros + parameters.neuron.threshold
        return cls(CurrentLIFState.at_rest(like), zeros, base)


def adaptive_threshold_step(
    x: Array,
    input_spikes: Array,
    state: AdaptiveThresholdState,
    parameters: AdaptiveThresholdParameters,
    project: Project,
    spike: SpikeFunction = heaviside,
) -> tuple[Array, AdaptiveThresholdState]:
    """One step of a current-based LIF cell whose threshold follows its input.

        i[k]  = current_decay i[k-1] + x[k]
        v[k]  = membrane_decay v[k-1] + i[k] - s[k-1] th[k-1]     (soft reset by the old threshold)
        a[k]  = trace_decay a[k-1] + W s_in[k]
        th[k] = max(base + a[k], threshold_floor)
        s[k]  = 1 if v[k] > th[k] else 0                          (fire test by the new one)

    In the legacy mode, with d the trace decay:
    `a[k] = d (d a[k-1] + s[k-1]) + s_in[k]` and `th[k] = max(base + W a[k], threshold_floor)`.
    Source: Burgers, Stroobants and de Croon, arXiv 2309.12937.

    Args:
        x: weighted input of this step, (..., neurons).
        input_spikes: presynaptic spikes of this step, (..., inputs).
        state: what the step before left.
        parameters: constants of the cell.
        project: applies the threshold weights W, dense or by blocks, to (..., inputs).
        spike: firing function; a surrogate where gradients are wanted.

    Returns:
        Spikes 0 or 1, (..., neurons), and the new state.
    """
    p = parameters
    if p.mode == "paper":
        trace = _limited(p.trace_decay * state.trace + project(input_spikes), p)
        threshold = p.neuron.threshold + trace
    else:
        own = p.trace_decay * state.trace + state.neuron.spikes
        trace = p.trace_decay * own + input_spikes
        threshold = p.neuron.threshold + _limited(project(trace), p)
    if p.threshold_floor is not None:
        threshold = threshold.clip(p.threshold_floor)
    current, membrane = integrate_current(x, state.neuron, p.neuron, state.threshold)
    spikes = spike(membrane - threshold, p.neuron.inclusive)
    neuron = CurrentLIFState(current, membrane, spikes)
    return spikes, AdaptiveThresholdState(neuron, trace, threshold)


def _limited(rise: Array, parameters: AdaptiveThresholdParameters) -> Array:
    if parameters.trace_limit is None:
        return rise
    bound = parameters.trace_limit * parameters.neuron.threshold
    return rise.clip(-bound, bound)
