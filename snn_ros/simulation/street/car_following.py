"""The Intelligent Driver Model: how fast one drives behind another.

M. Treiber, A. Hennecke, D. Helbing: Congested traffic states in empirical observations and
microscopic simulations. Physical Review E 62, 2000, equations 2 and 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snn_ros.simulation.street.planar import FloatArray

HARDEST_BRAKING = 8.0  # in m/s²
_EXPONENT = 4.0
_SMALLEST_GAP = 0.05  # keeps the quotient finite when bodies touch, in m


class Drivers(NamedTuple):
    """How drivers drive, (N,) float64 each.

    Attributes:
        acceleration: largest, in m/s².
        deceleration: comfortable, in m/s².
        headway: time to the one ahead, in s.
        standstill_gap: to the one ahead when both stand, in m.
    """

    acceleration: FloatArray
    deceleration: FloatArray
    headway: FloatArray
    standstill_gap: FloatArray

    def of(self, rows: object) -> Drivers:
        """Those of some rows."""
        return Drivers(*(values[rows] for values in self))  # type: ignore[call-overload]


def follow(
    speed: FloatArray,
    desired_speed: FloatArray,
    gap: FloatArray,
    leader_speed: FloatArray,
    drivers: Drivers,
) -> FloatArray:
    """Accelerations by the Intelligent Driver Model.

    ::

        a = a_max (1 - (v / v0)^4 - (s* / s)^2)
        s* = s0 + max(0, v T + v (v - v_leader) / (2 sqrt(a_max b)))

    Args:
        speed: (N,) v in m/s.
        desired_speed: (N,) v0 in m/s; zero stops.
        gap: (N,) s between bumpers in m; infinite when nobody is ahead.
        leader_speed: (N,) in m/s.
        drivers: how they drive.

    Returns:
        (N,) in m/s², at least ``-HARDEST_BRAKING``.
    """
    strength = 2.0 * np.sqrt(drivers.acceleration * drivers.deceleration)
    dynamic = speed * drivers.headway + speed * (speed - leader_speed) / strength
    wanted = drivers.standstill_gap + np.maximum(dynamic, 0.0)
    ratio = speed / np.maximum(desired_speed, 1e-3)
    free = 1.0 - np.minimum(ratio, 10.0) ** _EXPONENT
    # above the desired speed (a lower limit begins) one slows down comfortably
    free = np.maximum(free, -drivers.deceleration / drivers.acceleration)
    interaction = (wanted / np.maximum(gap, _SMALLEST_GAP)) ** 2
    return np.maximum(drivers.acceleration * (free - interaction), -HARDEST_BRAKING)
