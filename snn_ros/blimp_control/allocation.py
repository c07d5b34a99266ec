"""From forces to motors: who gets what of two thrusters on one tilting shaft.

Shaft angle d is 0 up, pi/2 forward, pi down; L and R are the thrusts of the motors, l their arm::

    F_z = (L + R) cos d        F_x = (L + R) sin d        N = (R - L) l sin d

so with T = L + R: T = hypot(F_x, F_z), d = atan2(F_x, F_z), R - L = N / (l sin d). What does not
fit is given up in the order surge, yaw, vertical force.

Motors that only push forward allow |R - L| <= T, hence |N| <= l F_x: turning costs forward thrust.
A backward force is dropped: the blimp coasts and its drag brakes it. It never turns round for it.

Motors that reverse (``reversible``) turn on the spot. A backward force is the opposite request with
both thrusts negated, taken only where it is at least as large as the vertical force, because it
turns the shaft over.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from snn_ros.blimp_control.safety import clamped
from snn_ros.configuration import setting

_HALVINGS = 40  # of an interval, until nothing is left that a motor could tell apart


class ForceRequest(NamedTuple):
    """What the body is to feel, in body axes (x forward, z up).

    Attributes:
        surge: F_x in N.
        vertical: F_z in N.
        yaw: N in N m, positive to the left.
    """

    surge: float = 0.0
    vertical: float = 0.0
    yaw: float = 0.0


class Thrust(NamedTuple):
    """What the motors give.

    Attributes:
        left: in N; negative only with reversible motors.
        right: as ``left``.
        tilt: shaft angle in rad.
    """

    left: float
    right: float
    tilt: float


@dataclass(frozen=True)
class ThrusterConfig:
    """The thrusters; defaults are those of the simulated blimp, plant A."""

    max_thrust: float = setting(
        0.184, "of one motor at full duty", unit="N", minimum=1e-3, maximum=100.0
    )
    exponent: float = setting(2.0, "thrust grows with duty to this power", minimum=1.0, maximum=5.0)
    arm: float = setting(
        0.12, "motor to the side of the middle", unit="m", minimum=0.01, maximum=10.0
    )
    servo_rate: float = setting(
        600.0, "speed of the shaft", unit="deg/s", minimum=10.0, maximum=10000.0
    )
    least_tilt: float = setting(
        20.0, "shaft off the vertical while yaw is asked for", unit="deg", minimum=1.0, maximum=80.0
    )
    reversible: bool = setting(False, "the motors turn both ways")

    def force(self, duty: float) -> float:
        """Thrust of one motor in N at a duty in [-1, 1]."""
        return math.copysign(self.max_thrust * abs(duty) ** self.exponent, duty)

    def duty(self, force: float) -> float:
        """Duty in [-1, 1] of one motor for a thrust in N; the inverse of ``force``."""
        share = min(abs(force) / self.max_thrust, 1.0)
        return math.copysign(share ** (1.0 / self.exponent), force)


def mixed(thrust: Thrust, arm: float) -> ForceRequest:
    """The forces that thrusts make; the inverse of ``allocate`` where the request is feasible."""
    total, difference = thrust.left + thrust.right, thrust.right - thrust.left
    sine, cosine = math.sin(thrust.tilt), math.cos(thrust.tilt)
    return ForceRequest(total * sine, total * cosine, difference * arm * sine)


def turned(tilt: float, target: float, period: float, config: ThrusterConfig) -> float:
    """Where the servo gets from ``tilt`` within a period, in rad."""
    reach = math.radians(config.servo_rate) * period
    return target if abs(target - tilt) <= reach else tilt + math.copysign(reach, target - tilt)


def allocate(
    request: ForceRequest, tilt: float, period: float, config: ThrusterConfig, idle_tilt: float
) -> Thrust:
    """Thrusts and shaft angle for a request.

    While the servo is on its way the vertical force comes first: the thrust is what gives it at
    the angle reached, and zero while the shaft still points to the wrong side.

    Args:
        request: finite numbers.
        tilt: shaft angle now in rad.
        period: time the servo has in s.
        config: the thrusters.
        idle_tilt: where the shaft goes while no force is asked for, in rad.

    Returns:
        Thrusts within ``max_thrust``, and the angle the servo can reach within [0, pi].
    """
    surge, vertical, yaw = request
    if surge < 0.0 and config.reversible and -surge >= abs(vertical):
        left, right, tilt = allocate(
            ForceRequest(-surge, -vertical, -yaw), tilt, period, config, idle_tilt
        )
        return Thrust(-left, -right, tilt)
    forward = surge if surge > 0.0 else 0.0  # never -0.0, which atan2 takes for backward
    surge, vertical, lever = _feasible(forward, vertical, abs(yaw) / config.arm, config)
    total = math.hypot(surge, vertical)
    if total > 0.0:
        target = math.atan2(surge, vertical)
    else:
        target = math.pi / 2 if lever > 0.0 else idle_tilt
    angle = turned(tilt, target, period, config)
    if angle != target and total > 0.0:
        along = math.cos(angle) * math.copysign(1.0, vertical)
        total = min(total, abs(vertical) / along) if along > 0.0 else 0.0
    spare = 2.0 * config.max_thrust - total
    reach = spare if config.reversible else min(total, spare)
    sine = math.sin(angle)
    difference = min(lever / sine, reach) if sine > 0.0 else 0.0
    difference = math.copysign(difference, yaw)
    return Thrust((total - difference) / 2.0, (total + difference) / 2.0, angle)


def _feasible(
    surge: float, vertical: float, lever: float, config: ThrusterConfig
) -> tuple[float, float, float]:
    """The nearest forward force, vertical force and |N| / l that the motors can give, in N."""
    limit = 2.0 * config.max_thrust
    vertical = clamped(vertical, limit)
    slope = math.tan(math.radians(config.least_tilt))

    def least_surge(lever: float) -> float:
        """What yaw costs: a shaft that is not upright, and |R - L| <= T unless motors reverse."""
        upright = slope * abs(vertical) if lever > 0.0 else 0.0
        return upright if config.reversible else max(lever, upright)

    def cheapest_surge(lever: float) -> float:
        """Where the motor that works harder works least: F_x^3 = |N| / l F_z^2."""
        return max(least_surge(lever), (lever * vertical**2) ** (1.0 / 3.0))

    def fits(surge: float, lever: float) -> bool:
        """Whether the motor that works harder stays within its limit: T + |R - L| <= limit."""
        total = math.hypot(surge, vertical)
        difference = lever * (total / surge if surge > 0.0 else 1.0)
        return total + difference <= limit

    lever = _nearest(lever, 0.0, lambda value: fits(cheapest_surge(value), value))
    wanted = max(surge, least_surge(lever))
    surge = _nearest(wanted, cheapest_surge(lever), lambda value: fits(value, lever))
    return surge, vertical, lever


def _nearest(wanted: float, good: float, fits: Callable[[float], bool]) -> float:
    """The value nearest to ``wanted`` that fits, on the way there from one that does."""
    if fits(wanted):
        return wanted
    bad = wanted
    for _ in range(_HALVINGS):
        middle = 0.5 * (good + bad)
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good
