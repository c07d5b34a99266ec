"""An IMU: attitude with white noise, accelerometer and gyroscope with noise and a constant bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from snn_ros.configuration import setting


@dataclass(frozen=True)
class ImuParameters:
    """Flaws of the IMU; the defaults are those of a small MEMS part."""

    orientation_noise: float = setting(
        0.005, "standard deviation of the attitude about each axis", unit="rad", minimum=0.0
    )
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
        orientation: (4,) x, y, z, w of ``base_link`` in the world.
        specific_force: (3,) acceleration less gravity in m/s²; +9.81 upwards at rest.
        angular_velocity: (3,) in rad/s.
    """

    orientation: NDArray[np.float64]
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
        self,
        rotation: NDArray[np.float64],
        specific_force: NDArray[np.float64],
        angular_velocity: NDArray[np.float64],
    ) -> ImuReading:
        """Sample the true motion.

        Args:
            rotation: (3, 3) of ``base_link`` in the world.
            specific_force: (3,) in m/s².
            angular_velocity: (3,) in rad/s.
        """
        force_noise = self._parameters.accelerometer_noise * self._generator.standard_normal(3)
        rate_noise = self._parameters.gyroscope_noise * self._generator.standard_normal(3)
        turn_noise = self._parameters.orientation_noise * self._generator.standard_normal(3)
        orientation = Rotation.from_matrix(rotation) * Rotation.from_rotvec(turn_noise)
        return ImuReading(
            orientation.as_quat(),
            specific_force + self._force_bias + force_noise,
            angular_velocity + self._rate_bias + rate_noise,
        )
