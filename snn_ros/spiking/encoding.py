"""Turning real numbers into input for spiking cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn_ros.errors import SnnRosError
from snn_ros.spiking.arrays import Array, as_numbers, is_numpy


class InvalidRateError(SnnRosError):
    """A firing rate is negative, not a number, or too high for the time step."""


def direct_encode(values: Array, steps: int) -> Array:
    """Present the same real values at every step; the first layer turns them into spikes.

    Args:
        values: any shape.
        steps: number of time steps.

    Returns:
        (steps, *values.shape), a read-only view for NumPy and an expanded view for torch.
    """
    if is_numpy(values):
        return np.broadcast_to(values, (steps, *values.shape))
    return values.expand(steps, *values.shape)


def poisson_encode(rates: Array, steps: int, time_step: float, generator: Any) -> Array:
    """Independent random spikes whose mean rate is given.

    Each step fires with probability rate x time_step, which stands for a Poisson process as long
    as that product is small.

    Args:
        rates: firing rates in Hz, any shape, float32 or float64.
        steps: number of time steps.
        time_step: length of a step in s.
        generator: a numpy.random.Generator for NumPy rates, a torch.Generator for tensors.

    Returns:
        (steps, *rates.shape) of 0 or 1 in the dtype of `rates`.

    Raises:
        InvalidRateError: if a probability leaves [0, 1].
    """
    probabilities = rates * time_step
    valid = (probabilities >= 0) & (probabilities <= 1)
    if not valid.all():
        raise InvalidRateError(
            f"rates must lie in [0, {1 / time_step:g}] Hz for time_step = {time_step:g} s, "
            f"got {rates[~valid].ravel()[0]!r}"
        )
    return poisson_spikes(probabilities, _uniform(rates, steps, generator))


def poisson_spikes(probabilities: Array, uniform: Array) -> Array:
    """Fire where a uniform draw lies below the probability; the part both forms share bit for bit.

    Args:
        probabilities: of firing in one step, any shape.
        uniform: draws in [0, 1), (steps, *probabilities.shape): 0 never fires, 1 always does.
    """
    return as_numbers(uniform < probabilities, like=uniform)


def _uniform(like: Array, steps: int, generator: Any) -> Array:
    """Draws in [0, 1), (steps, *like.shape), in the dtype and on the device of `like`."""
    shape = (steps, *like.shape)
    if is_numpy(like):
        return generator.random(shape, dtype=like.dtype)
    return like.new_empty(shape).uniform_(generator=generator)
