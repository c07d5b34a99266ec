"""When a membrane fires: the step and the integer staircase, without gradients.

`snn_ros.spiking.surrogate` holds the torch forms that also have a gradient; every cell takes
either through its `spike` or `count` argument.
"""

from typing import Protocol

from snn_ros.spiking.arrays import Array, as_numbers, floor


class SpikeFunction(Protocol):
    """Binary firing: `spike(membrane - threshold, inclusive)` gives 0 or 1."""

    def __call__(self, distance: Array, inclusive: bool = True) -> Array:
        """Spikes of the same shape and dtype as `distance`."""
        ...


class CountFunction(Protocol):
    """Integer firing: `count(membrane, max_count)` gives 0..max_count."""

    def __call__(self, membrane: Array, max_count: int) -> Array:
        """Counts of the same shape and dtype as `membrane`."""
        ...


def heaviside(distance: Array, inclusive: bool = True) -> Array:
    """1 where the membrane has reached its threshold, else 0.

    Args:
        distance: membrane minus threshold, any shape, floating point. In IEEE arithmetic
            `a - b >= 0` holds exactly when `a >= b`, so nothing is lost by the subtraction.
        inclusive: whether a membrane exactly at its threshold fires.
    """
    return as_numbers(distance >= 0 if inclusive else distance > 0, like=distance)


def spike_count(membrane: Array, max_count: int) -> Array:
    """Integer spike count `floor(clip(membrane, 0, max_count) + 0.5)`; halves round up.

    The value just below 0.5 counts as 1 in float32, because the sum rounds to 1. Any other
    evaluation order would differ there.
    """
    return floor(membrane.clip(0, max_count) + 0.5)
