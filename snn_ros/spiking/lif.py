"""The leaky integrate-and-fire cell as a pure step on an explicit state.

Takes NumPy arrays or torch tensors and gives the same bits for both. Parameters are floats, or
arrays that broadcast against the neurons. The state starts at 0, the resting potential.
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
class LIFParameters:
    """Parameters of `lif_step`.

    Attributes:
        decay: share of the membrane that survives one step, 0..1; a time constant of n steps is
            1 - 1/n.
        scale_input: whether the input is scaled by 1 - decay, so that a constant input x drives
            the membrane to x; else it is added as it is.
        threshold: membrane at which the cell fires.
        reset: hard: a spike sets the membrane to `reset_potential`; soft: it takes `threshold` off.
        reset_potential: membrane after a hard reset.
        detach_reset: whether gradients ignore the path through the reset.
        inclusive: whether a membrane exactly at the threshold fires.
    """

    decay: Array = 0.5
    scale_input: bool = True
    threshold: Array = 1.0
    reset: Reset = "hard"
    reset_potential: float = 0.0
    detach_reset: bool = False
    inclusive: bool = True

    def __post_init__(self) -> None:
        refuse(
            self,
            [
                *outside("decay", self.decay, 0.0, 1.0),
                *outside("threshold", self.threshold, MIN_THRESHOLD),
                *not_one_of("reset", self.reset, RESETS),
            ],
        )


class LIFState(NamedTuple):
    """State of `lif_step`: the membrane after its reset, same shape as the input."""

    membrane: Array

    @classmethod
    def at_rest(cls, like: Array) -> LIFState:
        """Zero membrane of the shape, dtype and device of `like`."""
        return cls(zeros_like(like))


def lif_step(
    x: Array, state: LIFState, parameters: LIFParameters, spike: SpikeFunction = heaviside
) -> tuple[Array, LIFState]:
    """One step of a leaky integrate-and-fire cell.

        h = v + (1 - decay) (x - v)            (scale_input)
        h = decay v + x                        (else)
        s = 1 if h >= threshold else 0
        v = (1 - s) h + s reset_potential      (hard)
        v = h - s threshold                    (soft)

    Args:
        x: input of this step, any shape.
        state: membrane left by the step before.
        parameters: constants of the cell.
        spike: firing function; a surrogate where gradients are wanted.

    Returns:
        Spikes 0 or 1 of the shape and dtype of `x`, and the new state.
    """
    p = parameters
    if p.scale_input:
        charged = state.membrane + (1.0 - p.decay) * (x - state.membrane)
    else:
        charged = p.decay * state.membrane + x
    spikes = spike(charged - p.threshold, p.inclusive)
    fired = detached(spikes) if p.detach_reset else spikes
    if p.reset == "hard":
        membrane = (1.0 - fired) * charged + fired * p.reset_potential
    else:
        membrane = charged - fired * p.threshold
    return spikes, LIFState(membrane)
