"""Integer leaky integrate-and-fire (I-LIF) and its exact unrolling into binary spikes.

In training a cell emits a count 0..D in one step. In the unrolled form that runs on spiking
hardware the same count is D sub-steps of 0 or 1. Both forms are equal because the layers between
are linear: W n is the sum of W s over the n sub-steps with a spike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from snn_ros.spiking.arrays import Array, detached, zeros_like
from snn_ros.spiking.firing import CountFunction, heaviside, spike_count
from snn_ros.spiking.parameters import outside, refuse


@dataclass(frozen=True, kw_only=True)
class IntegerLIFParameters:
    """Parameters of `integer_lif_step`.

    Attributes:
        max_count: D, the largest count of one step; the threshold between counts is 1.
        decay: beta, the share of the membrane that survives one step, 0..1.
        detach_reset: whether gradients ignore the path through the reset.
    """

    max_count: int = 4
    decay: Array = 0.25
    detach_reset: bool = False

    def __post_init__(self) -> None:
        refuse(
            self,
            [
                *outside("max_count", self.max_count, 1, 127),  # counts fit int8
                *outside("decay", self.decay, 0.0, 1.0),
            ],
        )


class IntegerLIFState(NamedTuple):
    """State of `integer_lif_step`: the membrane H that the next step adds its input to."""

    membrane: Array

    @classmethod
    def at_rest(cls, like: Array) -> IntegerLIFState:
        """Zero membrane of the shape, dtype and device of `like`."""
        return cls(zeros_like(like))


def integer_lif_step(
    x: Array,
    state: IntegerLIFState,
    parameters: IntegerLIFParameters,
    count: CountFunction = spike_count,
) -> tuple[Array, IntegerLIFState]:
    """One step of an integer leaky integrate-and-fire cell.

        U = H + x
        S = floor(clip(U, 0, D) + 0.5)
        H = decay (U - S)

    From rest this is the count of `x` alone: a network of one time step needs no state.

    Args:
        x: input of this step, any shape.
        state: H left by the step before.
        parameters: constants of the cell.
        count: firing function; a straight-through one where gradients are wanted.

    Returns:
        Integer-valued counts 0..D of the shape and dtype of `x`, and the new state.
    """
    charged = state.membrane + x
    counts = count(charged, parameters.max_count)
    fired = detached(counts) if parameters.detach_reset else counts
    return counts, IntegerLIFState(parameters.decay * (charged - fired))


def unrolled_spikes(membrane: Array, max_count: int) -> list[Array]:
    """The count of a membrane as D binary sub-steps, fired as a binary cell fires them.

    The cell is loaded with `membrane + 0.5`; in each sub-step it fires at 1 and then loses 1.
    The spikes sum to `spike_count(membrane, max_count)` exactly.

    Returns:
        D arrays of 0 or 1, each of the shape of `membrane`.
    """
    potential = membrane + 0.5
    substeps = []
    for _ in range(max_count):
        spikes = heaviside(potential - 1.0)
        potential = potential - spikes
        substeps.append(spikes)
    return substeps


def unrolled_count(membrane: Array, max_count: int) -> Array:
    """`spike_count` by way of `unrolled_spikes`: a drop-in for the oracle mode."""
    return sum(unrolled_spikes(membrane, max_count))


def unrolled_counts(counts: Array, max_count: int) -> list[Array]:
    """Given counts 0..D as D binary sub-steps: sub-step d is 1 where the count is above d.

    Where the ones stand does not matter to a linear layer.

    Returns:
        D arrays of 0 or 1, each of the shape of `counts`.
    """
    return [heaviside(counts - float(level)) for level in range(1, max_count + 1)]
