"""Topics and frames that all recordings made of KITTI share.

``/kitti/points``, ``/kitti/camera_N/image`` and ``/kitti/camera_N/camera_info``,
``/kitti/odometry``, ``/kitti/ground_truth``, ``/tf`` and ``/tf_static``; for the frames see
``snn_ros.kitti.calibration``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from snn_ros.bags.convert import messages
from snn_ros.bags.convert.sources import (
    STATIC_TRANSFORMS,
    TRANSFORMS,
    Entry,
    read_image,
    read_points,
)
from snn_ros.geometry.rigid import Transform
from snn_ros.kitti.calibration import Calibration

CAMERAS = range(4)

_POINT = np.dtype([(name, "<f4") for name in ("x", "y", "z", "intensity")])

Frames = Iterable[tuple[int, Path]]
"""Files with their stamps in ns."""


def static_entry(stamp: int, calibration: Calibration) -> Entry:
    """The frames of all sensors."""
    return Entry(stamp, STATIC_TRANSFORMS, messages.transforms(stamp, calibration.links()))


def scan_entry(stamp: int, file: Path) -> Entry:
    """One scan: x, y, z in metres and reflectance 0..1 as intensity."""
    cloud = messages.point_cloud(stamp, "velodyne", read_points(file, _POINT))
    return Entry(stamp, "/kitti/points", cloud)


def camera_entries(frames: Frames, camera: int, calibration: Calibration) -> Iterator[Entry]:
    """Images, each behind the calibration that belongs to it."""
    frame, topic = f"camera_{camera}", f"/kitti/camera_{camera}"
    for stamp, file in frames:
        pixels = read_image(file)
        height, width = pixels.shape[:2]
        matrix = calibration.camera_matrix(camera)
        info = messages.camera_info(stamp, frame, width, height, matrix)
        yield Entry(stamp, f"{topic}/camera_info", info)
        yield Entry(stamp, f"{topic}/image", messages.image(stamp, frame, pixels))


def pose_entries(
    stamp: int,
    T_odom_base: Transform,
    linear: Sequence[float] = (0.0, 0.0, 0.0),
    angular: Sequence[float] = (0.0, 0.0, 0.0),
) -> Iterator[Entry]:
    """Where the vehicle is, as transform and as odometry with velocities in its own axes."""
    links = [("odom", "base_link", T_odom_base)]
    message = messages.odometry(stamp, "odom", "base_link", T_odom_base, linear, angular)
    yield Entry(stamp, TRANSFORMS, messages.transforms(stamp, links))
    yield Entry(stamp, "/kitti/odometry", message)
