"""The current-based leaky integrate-and-fire cell as a pure step on an explicit state.

Takes NumPy arrays or torch tensors and gives the same bits for both. Parameters are floats, or
arrays that broadcast against the neurons. All states start at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from snn_ros.spiking.arrays import Array, detached, zeros_like
from snn_ros.spiking.firing import SpikeFunction, heaviside
from snn_ros.spiking.parameters import (
    MIN_THRESHOLD,
    RESETS,
    Reset,
    not_one_of,
    outside,
    refuse,
)


@dataclass(frozen=True, kw_only=True)
class CurrentLIFParameters:
    """Parameters of `current_lif_step`.

    Attributes:
        current_decay: share of the synaptic current that survives one step, 0..1; at 0 the input
            is the current.
        membrane_decay: share of the membrane that survives one step, 0..1.
        threshold: membrane above which the cell fires.
        reset: hard: a spike clears the membrane; soft: it takes the threshold off.
        membrane_limit: clamps the membrane to ± this many thresholds, so that a long strong input
            leaves no debt of spikes; None for no clamp.
        detach_reset: whether gradients ignore the path through the reset.
        inclusive: whether a membrane exactly at the threshold fires.
    """

    membrane_decay: Array
    current_decay: Array = 0.0
    threshold: Array = 1.0
    reset: Reset = "soft"
    membrane_limit: float | None = None
    detach_reset: bool = False
    inclusive: bool = False

    def __post_init__(self) -> None:
        refuse(
            self,
            [
                *outside("membrane_decay", self.membrane_decay, 0.0, 1.0),
                *outside("current_decay", self.current_decay, 0.0, 1.0),
                *outside("threshold", self.threshold, MIN_THRESHOLD),
                *not_one_of("reset", self.reset, RESETS),
                *outside("membrane_limit", self.membrane_limit, 1.0),
            ],
        )


class CurrentLIFState(NamedTuple):
    """State of `current_lif_step`, all of the shape of the input.

    The membrane is the one the fire test saw: `spikes` take effect in the next step.
    """

    current: Array
    membrane: Array
    spikes: Array

    @classmethod
    def at_rest(cls, like: Array) -> CurrentLIFState:
        """Zero state of the shape, dtype and device of `like`."""
        return cls(zeros_like(like), zeros_like(like), zeros_like(like))


def integrate_current(
    x: Array,
    state: CurrentLIFState,
    parameters: CurrentLIFParameters,
    fired_threshold: Array,
) -> tuple[Array, Array]:
    """Current and membrane of the next step, before the fire test.

    Args:
        x: weighted input of this step.
        state: what the step before left.
        parameters: constants of the cell.
        fired_threshold: threshold at which `state.spikes` fired; a soft reset takes it off.
    """
    p = parameters
    fired = detached(state.spikes) if p.detach_reset else state.spikes
    current = p.current_decay * state.current + x
    if p.reset == "hard":
        membrane = p.membrane_decay * ((1.0 - fired) * state.membrane) + current
    else:
        membrane = p.membrane_decay * state.membrane + current - fired * fired_threshold
    if p.membrane_limit is not None:
        bound = p.membrane_limit * p.threshold
        membrane = membrane.clip(-bound, bound)
    return current, membrane


def current_lif_step(
    x: Array,
    state: CurrentLIFState,
    parameters: CurrentLIFParameters,
    spike: SpikeFunction = heaviside,
) -> tuple[Array, CurrentLIFState]:
    """One step of a current-based leaky integrate-and-fire cell.

        i[k] = current_decay i[k-1] + x[k]
        v[k] = membrane_decay v[k-1] + i[k] - s[k-1] threshold     (soft)
        v[k] = membrane_decay (1 - s[k-1]) v[k-1] + i[k]           (hard)
        s[k] = 1 if v[k] > threshold else 0

    Unlike in `lif_step` the soft reset of a spike lands one step later and does not leak.
    Source: Burgers, Stroobants and de Croon, arXiv 2309.12937.

    Args:
        x: weighted input of this step, any shape.
        state: what the step before left.
        parameters: constants of the cell.
        spike: firing function; a surrogate where gradients are wanted.

    Returns:
        Spikes 0 or 1 of the shape and dtype of `x`, and the new state.
    """
    current, membrane = integrate_current(x, state, parameters, parameters.threshold)
    spikes = spike(membrane - parameters.threshold, parameters.inclusive)
    return spikes, CurrentLIFState(current, membrane, spikes)
