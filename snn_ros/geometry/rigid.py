"""Rigid motions as 4x4 homogeneous matrices; rotations by scipy.

A transform ``T_a_b`` maps coordinates in frame b to coordinates in frame a: ``p_a = T_a_b @ p_b``.
Quaternions are Hamilton, scalar last (x, y, z, w), as in ROS messages and in scipy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation, Slerp

Transform = NDArray[np.float64]
"""(4, 4) float64, last row 0 0 0 1."""


def rigid_transform(translation: ArrayLike, quaternion: ArrayLike) -> Transform:
    """The transform of a translation and a rotation.

    Args:
        translation: (3,) in metres.
        quaternion: (4,) x, y, z, w of any non-zero norm.

    Returns:
        (4, 4) float64.

    Raises:
        ValueError: the quaternion is zero.
    """
    transform = np.eye(4)
    transform[:3, :3] = Rotation.from_quat(quaternion).as_matrix()
    transform[:3, 3] = translation
    return transform


def quaternion_of(transform: Transform) -> NDArray[np.float64]:
    """(4,) unit quaternion x, y, z, w with w >= 0 of a transform's rotation."""
    quaternion = Rotation.from_matrix(transform[:3, :3]).as_quat()
    return -quaternion if quaternion[3] < 0 else quaternion


def inverse(transform: Transform) -> Transform:
    """The inverse of a rigid transform, by transposing its rotation."""
    rotation = transform[:3, :3]
    inverted = np.eye(4)
    inverted[:3, :3] = rotation.T
    inverted[:3, 3] = -rotation.T @ transform[:3, 3]
    return inverted


def interpolate(start: Transform, end: Transform, fraction: float) -> Transform:
    """The transform a fraction of the way from start to end, as tf2 does it.

    The translation moves along the straight line, the rotation at constant rate about one axis
    (spherical linear interpolation) the shorter way round.

    Args:
        start: (4, 4), at fraction 0.
        end: (4, 4), at fraction 1.
        fraction: between 0 and 1.
    """
    rotations = Rotation.from_matrix(np.stack([start[:3, :3], end[:3, :3]]))
    transform = np.eye(4)
    transform[:3, :3] = Slerp([0.0, 1.0], rotations)(fraction).as_matrix()
    transform[:3, 3] = start[:3, 3] + fraction * (end[:3, 3] - start[:3, 3])
    return transform
