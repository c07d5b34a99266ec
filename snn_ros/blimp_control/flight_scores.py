"""Figures of merit of flights, the definitions of the published evaluation.

Arrays are (..., K): any leading axes (controllers, domains), K ticks of 0.1 s last.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from snn_ros.blimp_control.pid import NOMINAL_PERIOD

FloatArray: TypeAlias = NDArray[np.floating[Any]]

OVERSHOOT_WINDOW = 300  # ticks after a step in which the excursion counts
SETTLED_WINDOW = 100  # ticks before the next step over which the remaining error is averaged
MEAN_WINDOW = 30  # ticks; single ticks of a spiking controller mean nothing
STEP_SIZE = 0.25  # m; a smaller change of the setpoint between two ticks is a ramp


def rms(error: FloatArray) -> FloatArray:
    """Root mean square over time."""
    return np.sqrt(np.mean(np.square(error), axis=-1))


def worst_share(values: FloatArray, share: float = 0.1) -> FloatArray:
    """Mean of the largest ``share`` of the last axis (conditional value at risk)."""
    count = max(1, round(share * values.shape[-1]))
    return np.partition(values, -count, axis=-1)[..., -count:].mean(axis=-1)


def steps(setpoint: FloatArray) -> NDArray[np.int64]:
    """Ticks at which one setpoint sequence (K,) jumps."""
    return np.flatnonzero(np.abs(np.diff(setpoint)) >= STEP_SIZE) + 1


def overshoots(altitude: FloatArray, setpoint: FloatArray) -> FloatArray:
    """Worst excursion past the setpoint within 30 s of each step, or until the next.

    Args:
        altitude: (..., K) in m.
        setpoint: (K,) in m.

    Returns:
        (..., steps) in m; negative where the setpoint was never reached.
    """
    found = []
    starts = steps(setpoint)
    for start, following in zip(starts, [*starts[1:], setpoint.size], strict=False):
        end = min(start + OVERSHOOT_WINDOW, following)
        direction = np.sign(setpoint[start] - setpoint[start - 1])
        past = (altitude[..., start:end] - setpoint[start:end]) * direction
        found.append(past.max(axis=-1))
    return np.stack(found, axis=-1) if found else np.zeros((*altitude.shape[:-1], 0))


def settled_errors(altitude: FloatArray, setpoint: FloatArray) -> FloatArray:
    """|mean error| over the last 10 s before each next step and the end; (..., steps) in m."""
    ends = [*steps(setpoint)[1:], setpoint.size]
    error = setpoint - altitude
    return np.stack(
        [np.abs(error[..., end - SETTLED_WINDOW : end].mean(axis=-1)) for end in ends], axis=-1
    )


def reversals_per_minute(direction: FloatArray) -> FloatArray:
    """How often the shaft turns."""
    minutes = direction.shape[-1] * NOMINAL_PERIOD / 60.0
    return np.count_nonzero(np.diff(direction, axis=-1), axis=-1) / minutes


def moving_means(values: FloatArray, window: int = MEAN_WINDOW) -> FloatArray:
    """Means over every full window of ticks; (..., K - window + 1)."""
    total = np.cumsum(values, axis=-1, dtype=float)
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), total], axis=-1)
    return (total[..., window:] - total[..., :-window]) / window


def correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Pearson correlation over time; 0 where one of them is constant."""
    a = a - a.mean(axis=-1, keepdims=True)
    b = b - b.mean(axis=-1, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    product = (a * b).sum(axis=-1)
    return np.divide(product, scale, out=np.zeros_like(product), where=scale > 0.0)


def flight_cost(
    altitude: FloatArray, setpoint: FloatArray, u: FloatArray, direction: FloatArray
) -> FloatArray:
    """Closed-loop cost of a domain, in m with small charges for effort.

    ``mean|e| + 0.5 CVaR10|e| + 0.3 overshoot + 0.02 mean|du| + 0.01 reversals per minute``, and
    one more for every m that |e| exceeds 2 m.

    Args:
        altitude: (P, D, K) in m.
        setpoint: (D, K) in m.
        u: (P, D, K) command.
        direction: (P, D, K) of the shaft.

    Returns:
        (P, D).
    """
    error = np.abs(setpoint - altitude)
    cost = error.mean(axis=-1) + 0.5 * worst_share(error)
    cost += 0.02 * np.abs(np.diff(u, axis=-1)).mean(axis=-1)
    cost += 0.01 * reversals_per_minute(direction)
    cost += np.maximum(error.max(axis=-1) - 2.0, 0.0)
    for domain, profile in enumerate(setpoint):
        past = overshoots(altitude[:, domain], profile)
        if past.shape[-1]:
            cost[:, domain] += 0.3 * np.maximum(past, 0.0).mean(axis=-1)
    return cost
