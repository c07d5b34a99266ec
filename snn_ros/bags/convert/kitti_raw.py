"""Drives of KITTI's raw data, synchronised and rectified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from snn_ros.bags.convert.kitti import (
    CAMERAS,
    Frames,
    camera_entries,
    pose_entries,
    scan_entry,
    static_entry,
)
from snn_ros.bags.convert.sources import (
    Entry,
    Source,
    frame_stamp,
    frames_in,
    in_time_order,
    read_numbers,
    read_text,
)
from snn_ros.bags.errors import ConversionError
from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.kitti.calibration import T_BASE_CAMERA, read_raw_calibration

_EARTH_RADIUS = 6378137.0  # m, of the Mercator projection in KITTI's development kit
_OXTS_COLUMNS = 30


def kitti_raw(source: Source) -> Iterator[Entry]:
    """One drive; each sensor has its own stamps, which are taken as UTC.

    Args:
        source: folder ``<date>_drive_<number>_sync``, with the calib files of the day beside it.
    """
    folder = source.path
    calibration = read_raw_calibration(folder.parent)
    scans = _stamped_frames(folder / "velodyne_points", ".bin")
    pictures = {n: _stamped_frames(folder / f"image_{n:02}", ".png") for n in CAMERAS}
    motion = _stamped_frames(folder / "oxts", ".txt")
    first = [frames[0][0] for frames in (scans, motion, *pictures.values()) if frames]
    if not first:
        raise ConversionError(folder, "none of velodyne_points, image_00 .. image_03, oxts")
    T_camera_velodyne, T_velodyne_imu = (
        calibration.sensors[name][1] for name in ("velodyne", "imu_link")
    )
    T_base_imu = T_BASE_CAMERA @ T_camera_velodyne @ T_velodyne_imu

    yield static_entry(min(first), calibration)
    yield from in_time_order(
        _motion_entries(motion, T_base_imu),
        (scan_entry(stamp, file) for stamp, file in scans),
        *(camera_entries(frames, n, calibration) for n, frames in pictures.items()),
    )


def _motion_entries(frames: Frames, T_base_imu: Transform) -> Iterator[Entry]:
    """Poses and velocities of the GPS/IMU unit, as those of base_link in odom.

    odom is where base_link stood first. Velocities are those of the unit in the axes of base_link;
    the lever arm between the two is not taken into account.
    """
    T_imu_base, axes = inverse(T_base_imu), T_base_imu[:3, :3]
    T_odom_world: Transform | None = None
    scale = 1.0
    for stamp, file in frames:
        values = read_numbers(file, _OXTS_COLUMNS)[0]
        if T_odom_world is None:
            scale = float(np.cos(np.radians(values[0])))
        T_world_base = _oxts_pose(values, scale) @ T_imu_base
        if T_odom_world is None:
            T_odom_world = inverse(T_world_base)
        linear = axes @ values[8:11]  # vf, vl, vu: forward, left, up
        angular = axes @ values[17:20]  # wx, wy, wz
        yield from pose_entries(
            stamp, T_odom_world @ T_world_base, linear.tolist(), angular.tolist()
        )


def _oxts_pose(values: np.ndarray, scale: float) -> Transform:
    """Pose of the unit, x east, y north, z up in metres, as KITTI's development kit has it.

    Args:
        values: a row of oxts: latitude, longitude [degrees], altitude [m], roll, pitch, yaw [rad].
        scale: cosine of the latitude where the drive begins (Mercator projection).
    """
    latitude, longitude, altitude, roll, pitch, yaw = values[:6].tolist()
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("ZYX", [yaw, pitch, roll]).as_matrix()
    pose[0, 3] = scale * _EARTH_RADIUS * np.radians(longitude)
    pose[1, 3] = scale * _EARTH_RADIUS * np.log(np.tan(np.pi / 4 + np.radians(latitude) / 2))
    pose[2, 3] = altitude
    return pose


def _stamped_frames(folder: Path, suffix: str) -> list[tuple[int, Path]]:
    """Files of a sensor's folder with the stamps of its timestamps.txt; none without a folder."""
    files = frames_in(folder / "data", suffix)
    if not files:
        return []
    path = folder / "timestamps.txt"
    stamps = [_stamp(line, path) for line in read_text(path).splitlines() if line.strip()]
    return [(frame_stamp(file, stamps), file) for file in files]


def _stamp(line: str, path: Path) -> int:
    """Nanoseconds of a time such as 2011-09-26 13:02:25.964389445."""
    text, _, fraction = line.strip().partition(".")
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
        return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0")[:9])
    except ValueError:
        raise ConversionError(path, f"not a time: {line!r}") from None
