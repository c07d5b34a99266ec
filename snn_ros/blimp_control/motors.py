"""Command to motor duty and shaft tilt: the PWM map of the published blimp."""

from __future__ import annotations

import math

COMMAND_LIMIT = 10.0  # u
DEAD_ZONE = 0.3  # u below which the motors stand still
TILT_UP, TILT_DOWN = 0.0, math.pi  # shaft angle in rad: the servo knows only these two

# The reference firmware writes floor(9 + 3 |u|) into a PWM register with 45 steps.
_REGISTER_OFFSET, _REGISTER_GAIN, _REGISTER_STEPS = 9.0, 3.0, 45.0


def pwm_duty(command: float) -> float:
    """Motor duty cycle, 0 or 0.2 to 0.867 in 31 levels.

    Args:
        command: u in ±10, clamped here.
    """
    speed = min(abs(command), COMMAND_LIMIT)
    if speed < DEAD_ZONE:
        return 0.0
    return math.floor(_REGISTER_OFFSET + _REGISTER_GAIN * speed) / _REGISTER_STEPS


def tilt_angle(direction: float) -> float:
    """Shaft angle in rad for a thrust direction (+1 up, -1 down)."""
    return TILT_UP if direction >= 0.0 else TILT_DOWN
