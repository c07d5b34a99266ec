"""What is wrong with a message, and the checks that many messages share."""

from __future__ import annotations

import math
import reprlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snn_ros.errors import SnnRosError

QUATERNION_NORM_TOLERANCE = 1e-2
"""How far from 1 a norm may be: single precision and rounding to text pass, garbage does not."""


class BadMessage(SnnRosError):
    """An inbound message that must not be used."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field}: {reprlib.repr(value)}: {reason}")
        self.field = field


class BadStamp(BadMessage):
    """A time that cannot be."""


class BadFrame(BadMessage):
    """A missing or impossible frame name."""


class BadSize(BadMessage):
    """Sizes that contradict each other or the data."""


class BadEncoding(BadMessage):
    """Data in a form that is unknown or damaged."""


class BadValue(BadMessage):
    """A number without meaning: not finite, out of its range, no rotation."""


def finite(field: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Numbers of a message as a float64 array.

    Args:
        field: name of the field, for the error.
        values: as many numbers as the shape holds.
        shape: of the result.

    Raises:
        BadSize: another count.
        BadValue: one is NaN or infinite.
    """
    array = np.array(values, dtype=np.float64)
    if array.size != math.prod(shape):
        raise BadSize(field, array.size, f"expected {math.prod(shape)} numbers")
    if not np.isfinite(array).all():
        raise BadValue(field, array.ravel().tolist(), "not finite")
    return array.reshape(shape)


def unit_quaternion(field: str, values: ArrayLike) -> NDArray[np.float64]:
    """A quaternion (x, y, z, w) of norm 1 within tolerance, normalised.

    Raises:
        BadValue: not finite, or no rotation.
    """
    quaternion = finite(field, values, (4,))
    norm = math.hypot(*quaternion)
    if abs(norm - 1.0) > QUATERNION_NORM_TOLERANCE:
        raise BadValue(field, quaternion.tolist(), f"norm {norm:g}, expected 1")
    return quaternion / norm


def covariance(field: str, values: ArrayLike, size: int) -> NDArray[np.float64]:
    """A covariance matrix, (size, size) float64; all zero means unknown, by ROS's convention.

    Raises:
        BadSize: another count of numbers.
        BadValue: not finite, or a negative variance.
    """
    matrix = finite(field, values, (size, size))
    variances = matrix.diagonal()
    if variances.min() < 0:
        raise BadValue(field, variances.tolist(), "negative variance")
    return matrix
