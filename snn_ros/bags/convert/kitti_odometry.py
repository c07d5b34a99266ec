"""Sequences of KITTI's odometry benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from snn_ros.bags.convert.kitti import (
    CAMERAS,
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
    stamps_at,
    stamps_of,
)
from snn_ros.bags.errors import ConversionError
from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.kitti.calibration import T_BASE_CAMERA, read_odometry_calibration, rigid


def kitti_odometry(source: Source) -> Iterator[Entry]:
    """A sequence, or a part of one; without velocities, which the poses do not tell.

    Args:
        source: folder with calib.txt and any of velodyne, image_0 .. image_3, times.txt (or
            times.csv), and poses.txt (also looked for in ../../poses, where KITTI has it).
            Without times the frames are ``rate`` apart.
    """
    folder = source.path
    calibration = read_odometry_calibration(folder / "calib.txt")
    scans = frames_in(folder / "velodyne", ".bin")
    pictures = {n: frames_in(folder / f"image_{n}", ".png") for n in CAMERAS}
    poses = _poses(folder)
    if not (scans or any(pictures.values()) or poses):
        raise ConversionError(folder, "none of velodyne, image_0 .. image_3, poses.txt")
    longest = max(len(scans), len(poses), *(len(files) for files in pictures.values()))
    stamps = _times(folder) or stamps_at(source.options.rate, longest)
    if len(poses) > len(stamps):
        raise ConversionError(folder, f"{len(poses)} poses but {len(stamps)} times")

    yield static_entry(stamps[0], calibration)
    yield from in_time_order(
        _pose_entries(stamps, poses),
        (scan_entry(frame_stamp(file, stamps), file) for file in scans),
        *(
            camera_entries([(frame_stamp(f, stamps), f) for f in files], n, calibration)
            for n, files in pictures.items()
        ),
    )


def _pose_entries(stamps: list[int], poses: list[Transform]) -> Iterator[Entry]:
    """Poses of camera 0 in its first frame, as those of base_link in odom."""
    T_camera_base = inverse(T_BASE_CAMERA)
    for stamp, T_start_camera in zip(stamps[: len(poses)], poses, strict=True):
        yield from pose_entries(stamp, T_BASE_CAMERA @ T_start_camera @ T_camera_base)


def _poses(folder: Path) -> list[Transform]:
    path = _first(folder / "poses.txt", folder / "../../poses" / f"{folder.name}.txt")
    return [rigid(row.tolist(), path) for row in read_numbers(path, 12)] if path else []


def _times(folder: Path) -> list[int]:
    path = _first(folder / "times.txt", folder / "times.csv")
    return stamps_of(read_numbers(path)[:, -1]) if path else []


def _first(*paths: Path) -> Path | None:
    """The first path that exists."""
    return next((path for path in paths if path.exists()), None)
