"""KITTI's calibration files, and the frames of a recording made of them.

All frames hang below ``base_link``: at the rectified left grey camera, x forward, y left, z up::

    base_link -> camera_0 (optical) -> camera_1, camera_2, camera_3 (optical), velodyne -> imu_link
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.rigid import Transform
from snn_ros.kitti.files import KittiFileError, read_text

T_BASE_CAMERA = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=float)
"""From optical axes (x right, y down, z forward) to those of a robot (x forward, y left, z up)."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Cameras and frames of one recording."""

    file: Path
    """Where the cameras are described, for messages."""
    projections: dict[int, NDArray[np.float64]]
    """(3, 4) P of each rectified camera, by number, on points in camera 0."""
    sensors: dict[str, tuple[str, Transform]]
    """What else there is, ``velodyne`` or ``imu_link``: its parent frame and T_parent_sensor."""

    def camera_pose(self, number: int) -> Transform:
        """T_camera_0_camera of a camera: the rectified ones differ by a translation.

        Raises:
            KittiFileError: the file does not have this camera.
        """
        projection = self._projection(number)
        place = np.eye(4)
        place[:3, 3] = -np.linalg.solve(projection[:, :3], projection[:, 3])  # P = K [I | t]
        return place

    def links(self) -> list[tuple[str, str, Transform]]:
        """All static frames as (parent, child, T_parent_child)."""
        cameras = [(n, self.camera_pose(n)) for n in self.projections if n]
        return [
            ("base_link", "camera_0", T_BASE_CAMERA),
            *(("camera_0", f"camera_{n}", place) for n, place in cameras),
            *((parent, child, place) for child, (parent, place) in self.sensors.items()),
        ]

    def camera_matrix(self, number: int) -> NDArray[np.float64]:
        """(3, 4) P of a camera as ROS has it.

        Cameras 0 and 2 are left ones, 1 and 3 the right ones beside them: points are in the frame
        of the left one, so that P[0, 3] of the right one is -fx times the baseline of the pair.

        Raises:
            KittiFileError: the file does not have this camera.
        """
        projection = self._projection(number)
        matrix = np.hstack([projection[:, :3], np.zeros((3, 1))])
        left = self.projections.get(number - 1)
        if number % 2 and left is not None:
            matrix[0, 3] = projection[0, 3] - left[0, 3]
        return matrix

    def _projection(self, number: int) -> NDArray[np.float64]:
        if number not in self.projections:
            raise KittiFileError(self.file, f"no projection matrix of camera {number}")
        return self.projections[number]


def read_odometry_calibration(path: Path) -> Calibration:
    """The calib.txt of a KITTI odometry sequence: P0..P3 and Tr, any of them absent."""
    values = _read_named(path)
    projections = {n: _matrix(values[f"P{n}"], 3, 4, path) for n in range(4) if f"P{n}" in values}
    sensors = {"velodyne": ("camera_0", rigid(values["Tr"], path))} if "Tr" in values else {}
    return Calibration(path, projections, sensors)


def read_object_calibration(path: Path) -> Calibration:
    """The calib file of a KITTI object frame."""
    names = [f"P{n}" for n in range(4)]
    values = _read_named(path, *names, "R0_rect", "Tr_velo_to_cam", "Tr_imu_to_velo")
    rectification = np.eye(4)
    rectification[:3, :3] = _matrix(values["R0_rect"], 3, 3, path)
    sensors = {
        "velodyne": ("camera_0", rectification @ rigid(values["Tr_velo_to_cam"], path)),
        "imu_link": ("velodyne", rigid(values["Tr_imu_to_velo"], path)),
    }
    projections = {n: _matrix(values[name], 3, 4, path) for n, name in enumerate(names)}
    return Calibration(path, projections, sensors)


def read_raw_calibration(folder: Path) -> Calibration:
    """The three calib files of a day of KITTI raw data."""
    path = folder / "calib_cam_to_cam.txt"
    names = [f"P_rect_{n:02}" for n in range(4)]
    values = _read_named(path, *names, "R_rect_00")
    rectification = np.eye(4)
    rectification[:3, :3] = _matrix(values["R_rect_00"], 3, 3, path)
    to_camera = _rotation_and_translation(folder / "calib_velo_to_cam.txt")
    sensors = {
        "velodyne": ("camera_0", rectification @ to_camera),
        "imu_link": ("velodyne", _rotation_and_translation(folder / "calib_imu_to_velo.txt")),
    }
    projections = {n: _matrix(values[name], 3, 4, path) for n, name in enumerate(names)}
    return Calibration(path, projections, sensors)


def rigid(numbers: list[float], path: Path) -> Transform:
    """12 row-major numbers as a 4x4 transform.

    Args:
        numbers: of a 3x4 matrix.
        path: where they come from.

    Raises:
        KittiFileError: there are more or fewer.
    """
    return np.vstack([_matrix(numbers, 3, 4, path), [0.0, 0.0, 0.0, 1.0]])


def _read_named(path: Path, *needed: str) -> dict[str, list[float]]:
    """Lines of the form ``name: numbers``."""
    values: dict[str, list[float]] = {}
    for line in read_text(path).splitlines():
        name, _, numbers = line.partition(":")
        try:
            values[name.strip()] = [float(number) for number in numbers.split()]
        except ValueError:  # a date, such as calib_time in KITTI's raw data
            continue
    if missing := [name for name in needed if name not in values]:
        raise KittiFileError(path, f"no {', '.join(missing)}")
    return values


def _matrix(numbers: list[float], rows: int, columns: int, path: Path) -> NDArray[np.float64]:
    if len(numbers) != rows * columns or not np.isfinite(numbers).all():
        raise KittiFileError(path, f"{numbers!r} is no {rows}x{columns} matrix")
    return np.array(numbers).reshape(rows, columns)


def _rotation_and_translation(path: Path) -> Transform:
    values = _read_named(path, "R", "T")
    transform = np.eye(4)
    transform[:3, :3] = _matrix(values["R"], 3, 3, path)
    transform[:3, 3] = _matrix(values["T"], 1, 3, path)
    return transform
