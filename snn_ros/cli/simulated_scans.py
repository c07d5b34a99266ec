"""Labelled LiDAR scans of simulated drives, for training and scoring a detector.

Each drive is a folder named after its seed, and once made it stays as it is, so that a training run
that goes on for days sees the same scans whatever becomes of the simulator. Kind and height of the
LiDAR are drawn from the seed of the drive.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from snn_ros.geometry.rigid import inverse
from snn_ros.lidar_detection.scans import CameraView, LabelledScan, save_scan
from snn_ros.simulation.dataset import StreetDataset
from snn_ros.simulation.sensors.mounts import kitti_stereo
from snn_ros.simulation.street.random_scenario import RANDOM
from snn_ros.simulation.training_frames import Frame

HELD_OUT = 100_000
"""Seeds from here on are for scoring; nothing is ever trained on them."""

FRAMES_PER_DRIVE, FRAMES_TO_LEARN_FROM = 6, 12
"""Scans of a drive that is for scoring, and of one to learn from."""

_PERIODS = 180  # of the 200 that a random drive lasts
_LIDAR_SHARES = {"hdl_64e": 0.45, "hdl_32e": 0.4, "vlp_16": 0.15}
_HEIGHTS = (1.4, 2.2)  # m
_SENSOR_STREAM = 4  # keeps these draws apart from the scenario's own


def ensure_drives(
    folder: Path,
    seeds: Iterable[int],
    changes: Callable[[int], dict[str, Any]],
    watch: Callable[[], None] = lambda: None,
    frames: int = FRAMES_PER_DRIVE,
) -> list[Path]:
    """Folders of the drives of some seeds; those that are not there are simulated.

    Args:
        folder: of all drives.
        seeds: of ``street-random``.
        changes: of the scenario, by seed.
        watch: called after each drive.
        frames: scans of a drive, spread evenly over it.
    """
    drives = []
    for seed in seeds:
        drive = folder / f"{seed:06}"
        if not drive.is_dir():
            _simulate(drive, seed, changes(seed), frames)
        drives.append(drive)
        watch()
    return drives


def any_lidar(seed: int) -> dict[str, Any]:
    """Sensors for training: one of several kinds on cars of several heights."""
    rng = np.random.default_rng([seed, _SENSOR_STREAM])
    kind = str(rng.choice(list(_LIDAR_SHARES), p=list(_LIDAR_SHARES.values())))
    return {"sensors.lidar": kind, "sensors.lidar_height": float(rng.uniform(*_HEIGHTS))}


def one_lidar(kind: str) -> Callable[[int], dict[str, Any]]:
    """Sensors for scoring: one kind at its usual height."""
    return lambda _seed: {"sensors.lidar": kind}


def _simulate(drive: Path, seed: int, changes: dict[str, Any], frames: int) -> None:
    dataset = StreetDataset(
        [f"{RANDOM}:{seed}"], changes=changes, stride=_PERIODS // frames, frames_per_drive=frames
    )
    unfinished = drive.with_name(f"{drive.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for number in range(len(dataset)):
        save_scan(unfinished / f"{number:02}.npz", labelled_scan(dataset[number].present))
    unfinished.rename(drive)


def labelled_scan(frame: Frame) -> LabelledScan:
    """A moment of a drive as training takes it; the view is that of KITTI's left camera."""
    truth, sight, camera = frame.truth, frame.sight, kitti_stereo()[0]
    return LabelledScan(
        points=sight.points[:, :4],
        sensor_height=float(sight.lidar_pose[2, 3]),
        boxes=truth.boxes,
        classes=truth.classes,
        points_in_box=truth.lidar_points,
        view=CameraView(
            pose=inverse(camera.pose) @ sight.lidar_pose,
            intrinsics=camera.intrinsics,
            size=np.array([camera.width, camera.height]),
            boxes=truth.image_boxes,
            truncation=truth.truncation,
            occlusion=truth.occlusion,
        ),
    )
