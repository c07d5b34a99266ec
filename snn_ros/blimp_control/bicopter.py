"""Allocation for two thrusters that each have a servo of their own.

Per side a force vector in the vertical plane; with arm l, left at +l::

    F_left  = (F_x - N / l, F_z + K / l) / 2       F_right = (F_x + N / l, F_z - K / l) / 2
    thrust  = hypot(F_side)                        tilt    = atan2(F_side)

so roll K and yaw N come from the difference between the sides, and yaw costs no forward thrust.
Forces are normalised to what one motor can give, as in the scheme this follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from snn_ros.blimp_control.safety import clamped
from snn_ros.configuration import setting


class BicopterRequest(NamedTuple):
    """What the body is to feel; forces in maximum thrusts of one motor.

    Attributes:
        surge: F_x.
        vertical: F_z.
        roll: K, in maximum thrusts times m, positive to the right.
        yaw: N, as ``roll``, positive to the left.
    """

    surge: float = 0.0
    vertical: float = 0.0
    roll: float = 0.0
    yaw: float = 0.0


class SideThrust(NamedTuple):
    """One side: thrust in 0..1 and the angle of its servo in rad (0 up, pi/2 forward)."""

    thrust: float = 0.0
    tilt: float = 0.0


@dataclass(frozen=True)
class BicopterConfig:
    """The airframe and its limits."""

    arm: float = setting(0.15, "motor to the side of the middle", unit="m", minimum=0.01)
    surge_limit: float = setting(1.0, "clamp of the forward force", minimum=0.0, maximum=2.0)
    yaw_limit: float = setting(0.1, "clamp of the yaw torque", unit="m", minimum=0.0)
    tilt_limit: float = setting(
        180.0, "servo travel to either side of up", unit="deg", minimum=1.0, maximum=180.0
    )
    least_move: float = setting(
        3.0, "smaller servo moves are left out", unit="deg", minimum=0.0, maximum=45.0
    )


def mixed_sides(left: SideThrust, right: SideThrust, arm: float) -> BicopterRequest:
    """The forces that two sides make; the inverse of ``allocate_sides`` where it is feasible."""
    (left_x, left_z), (right_x, right_z) = (
        (side.thrust * math.sin(side.tilt), side.thrust * math.cos(side.tilt))
        for side in (left, right)
    )
    return BicopterRequest(
        left_x + right_x, left_z + right_z, arm * (left_z - right_z), arm * (right_x - left_x)
    )


def allocate_sides(
    request: BicopterRequest, before: tuple[SideThrust, SideThrust], config: BicopterConfig
) -> tuple[SideThrust, SideThrust]:
    """Thrust and servo angle of the left and the right side.

    Args:
        request: finite numbers.
        before: what both sides do now.
        config: the airframe.
    """
    surge = clamped(request.surge, config.surge_limit)
    yaw = clamped(request.yaw, config.yaw_limit) / config.arm
    roll = request.roll / config.arm
    left = _side(0.5 * (surge - yaw), 0.5 * (request.vertical + roll), before[0].tilt, config)
    right = _side(0.5 * (surge + yaw), 0.5 * (request.vertical - roll), before[1].tilt, config)
    return left, right


def _side(forward: float, upward: float, tilt: float, config: BicopterConfig) -> SideThrust:
    thrust = min(math.hypot(forward, upward), 1.0)
    if thrust == 0.0:
        return SideThrust(0.0, tilt)
    wanted = clamped(math.atan2(forward, upward), math.radians(config.tilt_limit))
    small = abs(wanted - tilt) < math.radians(config.least_move)
    return SideThrust(thrust, tilt if small else wanted)
