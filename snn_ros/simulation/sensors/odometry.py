"""Odometry of a car from its wheels: what encoders and steering tell, and the drift of summing it.

The reference point is the centre of the rear axle, which does not slip sideways.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting

GRAVITY = 9.81  # m/s²


@dataclass(frozen=True)
class OdometryParameters:
    """Flaws of dead reckoning; the defaults drift by about 1 % of the way and 1 degree a minute."""

    scale_error: float = setting(
        0.01, "standard deviation of the constant relative error of the speed", minimum=0.0
    )
    speed_noise: float = setting(
        0.02, "standard deviation of a sample of the speed", unit="m/s", minimum=0.0
    )
    yaw_rate_bias: float = setting(
        0.0003, "standard deviation of the bias of the yaw rate at the start", unit="rad/s",
        minimum=0.0,
    )  # fmt: skip
    yaw_rate_walk: float = setting(
        0.00005, "growth of the bias as a random walk", unit="rad/s/√s", minimum=0.0
    )  # fmt: skip
    yaw_rate_noise: float = setting(
        0.002, "standard deviation of a sample of the yaw rate", unit="rad/s", minimum=0.0
    )


@dataclass(frozen=True)
class OdometryReading:
    """Dead reckoning since the start.

    Attributes:
        x: in m, in the frame where the car stood at the start (``odom``).
        y: in m.
        yaw: in rad, not wrapped.
        speed: measured, in m/s.
        yaw_rate: measured, in rad/s.
    """

    x: float
    y: float
    yaw: float
    speed: float
    yaw_rate: float


class WheelOdometry:
    """Sums measured motion. The scale error is drawn once, the bias of the yaw rate wanders."""

    def __init__(self, parameters: OdometryParameters, generator: np.random.Generator) -> None:
        self._parameters = parameters
        self._generator = generator
        self._scale = 1.0 + parameters.scale_error * generator.standard_normal()
        self._bias = parameters.yaw_rate_bias * generator.standard_normal()
        self._pose = (0.0, 0.0, 0.0)

    def step(self, speed: float, yaw_rate: float, duration: float) -> OdometryReading:
        """Measure and sum the motion of one period.

        Args:
            speed: true, of the rear axle along the heading, in m/s; negative in reverse.
            yaw_rate: true, in rad/s.
            duration: of the period in s; speed and yaw rate are constant in it.
        """
        parameters, normal = self._parameters, self._generator.standard_normal
        self._bias += parameters.yaw_rate_walk * math.sqrt(duration) * normal()
        measured_speed = self._scale * speed + parameters.speed_noise * normal()
        measured_rate = yaw_rate + self._bias + parameters.yaw_rate_noise * normal()
        self._pose = along_arc(self._pose, measured_speed, measured_rate, duration)
        return OdometryReading(*self._pose, measured_speed, measured_rate)


def along_arc(
    pose: tuple[float, float, float], speed: float, yaw_rate: float, duration: float
) -> tuple[float, float, float]:
    """Where constant speed and yaw rate lead, exactly.

    Args:
        pose: x and y in m, yaw in rad.
        speed: in m/s.
        yaw_rate: in rad/s.
        duration: in s.
    """
    x, y, yaw = pose
    half_turn = yaw_rate * duration / 2.0
    # the chord of the arc points along the heading at half the turn
    chord = speed * duration * float(np.sinc(half_turn / math.pi))
    heading = yaw + half_turn
    return x + chord * math.cos(heading), y + chord * math.sin(heading), yaw + 2.0 * half_turn


@dataclass(frozen=True)
class WheelParameters:
    """Geometry of the car and flaws of its wheel and steering encoders."""

    wheelbase: float = setting(2.71, "distance of the axles", unit="m", minimum=0.5)
    track: float = setting(1.55, "distance of the wheels of an axle", unit="m", minimum=0.2)
    wheel_radius: float = setting(0.31, "of a rolling wheel", unit="m", minimum=0.05)
    speed_quantum: float = setting(0.05, "step of a wheel's rate", unit="rad/s", minimum=0.0)
    steering_noise: float = setting(
        0.001, "standard deviation of a steering angle", unit="rad", minimum=0.0
    )
    steering_offset: float = setting(
        0.002, "standard deviation of the constant error of the steering angle", unit="rad",
        minimum=0.0,
    )  # fmt: skip


@dataclass(frozen=True)
class WheelReading:
    """One sample of all encoders.

    Attributes:
        rates: (4,) front left, front right, rear left, rear right in rad/s.
        steering: angle of the front wheels (of the bicycle model) in rad, positive to the left.
    """

    rates: NDArray[np.float64]
    steering: float


class WheelEncoders:
    """Rates of the four wheels and the steering angle. Its offset is drawn once."""

    def __init__(self, parameters: WheelParameters, generator: np.random.Generator) -> None:
        self._parameters = parameters
        self._generator = generator
        self._offset = parameters.steering_offset * generator.standard_normal()

    def measure(self, speed: float, yaw_rate: float, steering: float) -> WheelReading:
        """Sample the true motion.

        Args:
            speed: of the rear axle in m/s.
            yaw_rate: in rad/s.
            steering: angle of the front wheels in rad.
        """
        parameters = self._parameters
        rates = wheel_rates(speed, yaw_rate, parameters)
        if parameters.speed_quantum > 0.0:
            rates = np.round(rates / parameters.speed_quantum) * parameters.speed_quantum
        noise = parameters.steering_noise * self._generator.standard_normal()
        return WheelReading(rates, steering + self._offset + noise)


def wheel_rates(speed: float, yaw_rate: float, parameters: WheelParameters) -> NDArray[np.float64]:
    """Rates of wheels that roll without slip.

    Args:
        speed: of the rear axle in m/s.
        yaw_rate: in rad/s.
        parameters: of the car.

    Returns:
        (4,) front left, front right, rear left, rear right in rad/s.
    """
    half = parameters.track / 2.0
    along = speed - yaw_rate * np.array([half, -half, half, -half])
    across = yaw_rate * np.array([parameters.wheelbase, parameters.wheelbase, 0.0, 0.0])
    return np.copysign(np.hypot(along, across), along) / parameters.wheel_radius


def planar_motion(
    yaw: float, speed: float, acceleration: float, yaw_rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What the IMU of a car on level ground feels at the rear axle; goes into ``Imu.measure``.

    Args:
        yaw: heading in rad.
        speed: in m/s.
        acceleration: along the heading in m/s².
        yaw_rate: in rad/s.

    Returns:
        (3, 3) rotation of ``base_link`` in the world, (3,) specific force in m/s² and (3,)
        angular velocity in rad/s, both in ``base_link``.
    """
    cosine, sine = math.cos(yaw), math.sin(yaw)
    rotation = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    force = np.array([acceleration, speed * yaw_rate, GRAVITY])
    return rotation, force, np.array([0.0, 0.0, yaw_rate])
