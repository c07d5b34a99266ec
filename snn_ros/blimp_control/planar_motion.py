"""Forward speed and heading: velocity commands and measurements in, forward force and torque out.

A velocity command is proof of life: without a fresh one nothing pushes forward or turns. The yaw
rate asked for moves a heading that the yaw head holds, so that zero means straight on. Each axis
needs its own fresh measurement and rests without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from snn_ros.blimp_control.allocation import ThrusterConfig
from snn_ros.blimp_control.heads import Head
from snn_ros.blimp_control.motors import COMMAND_LIMIT
from snn_ros.blimp_control.safety import clamped
from snn_ros.configuration import check, setting


@dataclass(frozen=True)
class PlanarConfig:
    """Rules for surge and yaw."""

    velocity_timeout: float = setting(
        0.5, "age of a velocity command after which surge and yaw stop", unit="s", minimum=0.1
    )
    sensor_timeout: float = setting(
        0.3, "age of attitude or speed after which its axis stops", unit="s", minimum=0.1
    )
    max_speed: float = setting(
        0.5, "fastest forward speed that is followed", unit="m/s", minimum=0.0, maximum=5.0
    )
    max_yaw_rate: float = setting(
        0.4, "fastest turn that is followed", unit="rad/s", minimum=0.0, maximum=3.0
    )
    heading_lead: float = setting(
        0.6, "how far the heading asked for may run ahead", unit="rad", minimum=0.1, maximum=3.0
    )
    yaw_torque: float = setting(
        0.01, "torque of the yaw head's largest command", unit="N m", minimum=1e-5
    )
    surge_force: float = setting(
        0.1, "force of the surge head's largest command", unit="N", minimum=1e-4
    )
    dead_zone: float = setting(
        0.3, "command of a head that is too small to tilt the shaft", unit="u", minimum=0.0
    )
    pitch_damping: float = setting(
        0.0, "forward force per nose-down rate, against swinging; 0: off", unit="N s/rad"
    )
    thrusters: ThrusterConfig = setting(ThrusterConfig, "the motors and their shaft")


class PlanarDemand(NamedTuple):
    """What surge and yaw ask for in a tick.

    Attributes:
        active: a fresh velocity command is being followed.
        surge: forward force in N.
        yaw: torque in N m, positive to the left.
        heading_error: in rad, 0 while yaw rests.
        speed_error: in m/s, 0 while surge rests.
        u_yaw: command of the yaw head.
        u_surge: command of the surge head.
    """

    active: bool = False
    surge: float = 0.0
    yaw: float = 0.0
    heading_error: float = 0.0
    speed_error: float = 0.0
    u_yaw: float = 0.0
    u_surge: float = 0.0


class _Velocity(NamedTuple):
    speed: float
    yaw_rate: float
    time: float


class _Attitude(NamedTuple):
    heading: float
    yaw_rate: float
    pitch_rate: float
    time: float


class _Speed(NamedTuple):
    speed: float
    time: float


class PlanarMotion:
    """Surge and yaw between velocity commands and forces.

    All times are seconds of one clock; after a jump back everything counts as stale.

    Args:
        yaw: the yaw head.
        surge: the surge head.
        config: the rules.

    Raises:
        ConfigurationError: a value of the configuration is wrong.
    """

    def __init__(self, yaw: Head, surge: Head, config: PlanarConfig) -> None:
        self.yaw, self.surge, self.config = yaw, surge, check(config)
        self.forget()

    @property
    def fault(self) -> str | None:
        """Why a PD has taken over from its head; None while both are trusted."""
        faults = (f"{h.axis.name}: {h.fault}" for h in (self.yaw, self.surge) if h.fault)
        return "; ".join(faults) or None

    def forget(self) -> None:
        """Everything measured or asked for."""
        self._velocity: _Velocity | None = None
        self._attitude: _Attitude | None = None
        self._speed: _Speed | None = None
        self.rest()

    def rest(self) -> None:
        """Let both axes go; the next velocity command starts from the heading of then."""
        self._heading: float | None = None
        self.yaw.reset()
        self.surge.reset()

    def set_velocity(self, speed: float, yaw_rate: float, now: float) -> str | None:
        """Take a velocity command.

        Args:
            speed: forward in m/s; a backward one counts as 0 unless the motors reverse.
            yaw_rate: in rad/s, positive to the left.
            now: time in s.

        Returns:
            None, or why it was rejected.
        """
        if not (math.isfinite(speed) and math.isfinite(yaw_rate)):
            return f"velocity is {(speed, yaw_rate)!r}"
        limits = self.config
        speed = clamped(speed, limits.max_speed)
        if not limits.thrusters.reversible:
            speed = max(speed, 0.0)
        self._velocity = _Velocity(speed, clamped(yaw_rate, limits.max_yaw_rate), now)
        return None

    def add_attitude(self, heading: float, yaw_rate: float, pitch_rate: float, now: float) -> None:
        """Take heading in rad, and turning rates to the left and nose down in rad/s; finite."""
        self._attitude = _Attitude(heading, yaw_rate, pitch_rate, now)

    def add_speed(self, speed: float, now: float) -> None:
        """Take the forward speed in m/s; finite."""
        self._speed = _Speed(speed, now)

    def tick(self, now: float, period: float) -> PlanarDemand:
        """What to push and turn in this tick.

        Args:
            now: time in s.
            period: time since the last tick in s.
        """
        velocity, limits = self._velocity, self.config
        if velocity is None or not 0.0 <= now - velocity.time <= limits.velocity_timeout:
            self.rest()
            return PlanarDemand()
        heading_error, u_yaw = self._turn(velocity, now, period)
        speed_error, u_surge = self._push(velocity, now)
        surge = limits.surge_force * self._effective(u_surge)
        if limits.pitch_damping and self._attitude is not None:
            surge += limits.pitch_damping * self._attitude.pitch_rate
        yaw = limits.yaw_torque * self._effective(u_yaw)
        return PlanarDemand(True, surge, yaw, heading_error, speed_error, u_yaw, u_surge)

    def _turn(self, velocity: _Velocity, now: float, period: float) -> tuple[float, float]:
        attitude = self._attitude
        if attitude is None or not self._fresh(attitude.time, now):
            self._heading = None
            self.yaw.reset()
            return 0.0, 0.0
        if self._heading is None:
            self._heading = attitude.heading
        ahead = self._heading + velocity.yaw_rate * period - attitude.heading
        error = clamped(math.remainder(ahead, math.tau), self.config.heading_lead)
        self._heading = attitude.heading + error
        return error, self.yaw.step(error, velocity.yaw_rate - attitude.yaw_rate)

    def _push(self, velocity: _Velocity, now: float) -> tuple[float, float]:
        if self._speed is None or not self._fresh(self._speed.time, now):
            self.surge.reset()
            return 0.0, 0.0
        error = velocity.speed - self._speed.speed
        return error, self.surge.step(error)

    def _fresh(self, time: float, now: float) -> bool:
        return 0.0 <= now - time <= self.config.sensor_timeout

    def _effective(self, u: float) -> float:
        """The command as a share of the largest; small ones are none."""
        return u / COMMAND_LIMIT if abs(u) >= self.config.dead_zone else 0.0
