"""Accelerometer and gyroscope with white noise and a constant bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting


@dataclass(frozen=True)
class ImuParameters:
    """Flaws of the IMU; the defaults are those of a small MEMS part."""

    accelerometer_noise: float = setting(
        0.02, "standard deviation of a sample", unit="m/s²", minimum=0.0
    )
    accelerometer_bias: float = setting(
        0.03, "standard deviation of the constant bias of an axis", unit="m/s²", minimum=0.0
    )
    gyroscope_noise: float = setting(
        0.002, "standard deviation of a sample", unit="rad/s", minimum=0.0
    )
    gyroscope_bias: float = setting(
        0.003, "standard deviation of the constant bias of an axis", unit="rad/s", minimum=0.0
    )


@dataclass(frozen=True)
class ImuReading:
    """One sample in ``base_link`` axes.

    Attributes:
        specific_force: (3,) acceleration less gravity in m/s²; +9.81 upwards at rest.
        angular_velocity: (3,) in rad/s.
    """

    specific_force: NDArray[np.float64]
    angular_velocity: NDArray[np.float64]


class Imu:
    """Turns true motion into samples. The biases are drawn once."""

    def __init__(self, parameters: ImuParameters, generator: np.random.Generator) -> None:
        self._parameters = parameters
        self._generator = generator
        self._force_bias = parameters.accelerometer_bias * generator.standard_normal(3)
        self._rate_bias = parameters.gyroscope_bias * generator.standard_normal(3)

    def measure(
        self, specific_force: NDArray[np.float64], angular_velocity: NDArray[np.float64]
    ) -> ImuReading:
        """Sample the true motion.

        Args:
            specific_force: (3,) in m/s².
            angular_velocity: (3,) in rad/s.
        """
        force_noise = self._parameters.accelerometer_noise * self._generator.standard_normal(3)
        rate_noise = self._parameters.gyroscope_noise * self._generator.standard_normal(3)
        return ImuReading(
            specific_force + self._force_bias + force_noise,
            angular_velocity + self._rate_bias + rate_noise,
        )
