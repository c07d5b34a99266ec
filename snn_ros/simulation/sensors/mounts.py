"""Where sensors sit on the vehicle, and what their lenses are: the layouts of KITTI and nuScenes.

``base_link`` is the centre of the rear axle on the ground: x forward, y left, z up. A camera's
optical frame has x right, y down, z forward (REP-103); pixel coordinates are whole numbers at the
centres of pixels, (0, 0) the one at the top left, as in OpenCV and ``sensor_msgs/CameraInfo``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from snn_ros.geometry.rigid import Transform, rigid_transform

Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class CameraMount:
    """A pinhole camera fixed to the vehicle.

    Attributes:
        name: of the camera, in the model and in topics.
        width: of its images in pixels.
        height: of its images in pixels.
        fx: horizontal focal length in pixels.
        fy: vertical focal length in pixels.
        cx: column of the principal point in pixels.
        cy: row of the principal point in pixels.
        pose: (4, 4) ``T_base_camera`` of the optical frame.
    """

    name: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    pose: Transform

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) pinhole matrix."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def resized(self, width: int, height: int) -> CameraMount:
        """The same camera with its images shrunk to a width, then rows cut from the top.

        Raises:
            ValueError: the shrunk image has fewer rows than asked for.
        """
        scale = width / self.width
        rows = round(self.height * scale)
        if height > rows:
            raise ValueError(f"height = {height!r}: at width {width} there are only {rows} rows")
        return CameraMount(
            self.name,
            width,
            height,
            fx=self.fx * scale,
            fy=self.fy * scale,
            cx=(self.cx + 0.5) * scale - 0.5,
            cy=(self.cy + 0.5) * scale - 0.5 - (rows - height),
            pose=self.pose,
        )


def pixel_directions(
    mount: CameraMount, u: NDArray[np.float64], v: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where pixels look.

    Args:
        mount: the camera.
        u: (...) columns in pixels.
        v: (...) rows in pixels.

    Returns:
        (..., 3) unit vectors in the optical frame.
    """
    x, y = (u - mount.cx) / mount.fx, (v - mount.cy) / mount.fy
    directions = np.stack([x, y, np.ones_like(x)], axis=-1)
    unit: NDArray[np.float64] = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    return unit


def optical_pose(position: Point, yaw: float = 0.0, pitch: float = 0.0) -> Transform:
    """``T_base_camera`` of a camera that looks along a heading.

    Args:
        position: of the optical centre in ``base_link``, in m.
        yaw: heading in rad, 0 ahead, positive to the left.
        pitch: in rad, positive downwards.
    """
    body_to_optical = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("ZY", [yaw, pitch]).as_matrix() @ body_to_optical
    pose[:3, 3] = position
    return pose


def level_pose(position: Point) -> Transform:
    """``T_base_sensor`` of a sensor with the axes of the vehicle, at a position in m."""
    return rigid_transform(position, [0.0, 0.0, 0.0, 1.0])


# KITTI's recording platform: the LiDAR 0.76 m ahead of the rear axle and 1.73 m above the road, the
# cameras 0.27 m further ahead at 1.65 m (Geiger et al., "Vision meets robotics", 2013, figure 3).
KITTI_LIDAR = level_pose((0.76, 0.0, 1.73))
KITTI_BASELINE = 0.54  # m
_KITTI_LEFT = (1.03, 0.06, 1.65)
_KITTI_RIGHT = (1.03, 0.06 - KITTI_BASELINE, 1.65)

# nuScenes: layout of one vehicle of the fleet, rounded to 1 cm and 1 pixel.
NUSCENES_LIDAR = level_pose((0.94, 0.0, 1.84))
_NUSCENES_CAMERAS: dict[str, tuple[Point, float, float]] = {
    # name: position in m, yaw in degrees, focal length in pixels at 1600x900
    "front": ((1.70, 0.02, 1.51), 0.0, 1266.0),
    "front_left": ((1.58, 0.50, 1.51), 55.0, 1272.0),
    "front_right": ((1.55, -0.49, 1.50), -55.0, 1261.0),
    "back": ((0.03, 0.00, 1.58), 180.0, 809.0),
    "back_left": ((1.04, 0.48, 1.59), 110.0, 1257.0),
    "back_right": ((1.01, -0.48, 1.56), -110.0, 1259.0),
}
_NUSCENES_PRINCIPAL_POINT = (814.0, 490.0)


def kitti_stereo(width: int = 1242, height: int | None = None) -> tuple[CameraMount, CameraMount]:
    """KITTI's colour pair, rectified.

    Args:
        width: of the images; 1242 is the original.
        height: of the images; by default 375 at width 1242, 192 at 640, else to scale.

    Returns:
        The cameras ``left`` and ``right``.
    """
    if height is None:
        height = {640: 192}.get(width, round(375 * width / 1242))
    left, right = (
        CameraMount(
            name, 1242, 375, 721.5377, 721.5377, 609.5593, 172.854, optical_pose(position)
        ).resized(width, height)
        for name, position in (("left", _KITTI_LEFT), ("right", _KITTI_RIGHT))
    )
    return left, right


def surround_six(width: int = 1600, height: int | None = None) -> tuple[CameraMount, ...]:
    """Six cameras all round, as nuScenes has them.

    Args:
        width: of the images; 1600 is the original.
        height: of the images; by default to scale (900 at width 1600). Fewer rows lose sky.

    Returns:
        ``front``, ``front_left``, ``front_right``, ``back``, ``back_left``, ``back_right``.
    """
    if height is None:
        height = round(900 * width / 1600)
    cx, cy = _NUSCENES_PRINCIPAL_POINT
    return tuple(
        CameraMount(
            name, 1600, 900, focal, focal, cx, cy, optical_pose(position, math.radians(yaw))
        ).resized(width, height)
        for name, (position, yaw, focal) in _NUSCENES_CAMERAS.items()
    )


def attach_camera(body: Any, mount: CameraMount) -> Any:
    """Add a camera to a body whose frame is ``base_link``.

    Args:
        body: the ``mujoco.MjsBody``.
        mount: the camera; its name becomes the camera's in the model.

    Returns:
        The ``mujoco.MjsCamera``.
    """
    optical_to_mujoco = np.diag([1.0, -1.0, -1.0])  # MuJoCo's cameras look along -z, y up
    x, y, z, w = Rotation.from_matrix(mount.pose[:3, :3] @ optical_to_mujoco).as_quat()
    pixel = 1e-5  # m; only the ratio of focal length and sensor size matters
    return body.add_camera(
        name=mount.name,
        pos=mount.pose[:3, 3],
        quat=[w, x, y, z],
        resolution=[mount.width, mount.height],
        sensor_size=[mount.width * pixel, mount.height * pixel],
        focal_pixel=[mount.fx, mount.fy],
        principal_pixel=[(mount.width - 1) / 2 - mount.cx, (mount.height - 1) / 2 - mount.cy],
    )
