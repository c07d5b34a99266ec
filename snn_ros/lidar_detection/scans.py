"""Labelled scans as training and evaluation take them, and folders of such.

A scan on disk is a few hundred kB: positions as whole multiples of 2 mm, intensities of 1/255.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import Transform

CLASSES = ("Car", "Pedestrian", "Cyclist")
POSITION_STEP = 0.002  # m
_INTENSITY_STEPS = 255

Floats = NDArray[np.float64]


class ScanFolderError(SnnRosError):
    """A folder of scans holds none, or a file in it is damaged."""


@dataclass(frozen=True, eq=False)
class CameraView:
    """A camera beside the LiDAR, by which KITTI's difficulties are told.

    Attributes:
        pose: (4, 4) ``T_camera_lidar``, optical frame.
        intrinsics: (3, 3).
        size: (2,) int64 width and height in pixels.
        boxes: (M, 4) of the objects, left, top, right, bottom in pixels; 0 out of view.
        truncation: (M,) share outside the image; 1 out of view.
        occlusion: (M,) int64 KITTI's level.
    """

    pose: Transform
    intrinsics: Floats
    size: NDArray[np.int64]
    boxes: Floats
    truncation: Floats
    occlusion: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """One sweep and what is true in it; the frame is that of the LiDAR (z up).

    Attributes:
        points: (N, 4) float32 x, y, z in m, intensity 0..1.
        sensor_height: of the LiDAR above the road in m.
        boxes: (M, 7) float64 ``x y z dx dy dz yaw``.
        classes: (M,) str, those of ``CLASSES`` and others such as ``Van``.
        points_in_box: (M,) int64.
        view: of the camera; None where there is none.
    """

    points: NDArray[np.float32]
    sensor_height: float
    boxes: Floats
    classes: NDArray[np.str_]
    points_in_box: NDArray[np.int64]
    view: CameraView | None = None


def save_scan(path: Path, scan: LabelledScan) -> None:
    """Write a scan; points beyond what 16 bits hold (65 m on any axis) are left out."""
    steps = np.rint(scan.points[:, :3] / POSITION_STEP)
    held = (np.abs(steps) <= np.iinfo(np.int16).max).all(axis=1)
    arrays = {
        "positions": steps[held].astype(np.int16),
        "intensities": np.rint(scan.points[held, 3].clip(0, 1) * _INTENSITY_STEPS).astype(np.uint8),
        "sensor_height": np.float64(scan.sensor_height),
        "boxes": scan.boxes,
        "classes": scan.classes,
        "points_in_box": scan.points_in_box,
    }
    if scan.view is not None:
        arrays |= {f"view/{name}": array for name, array in vars(scan.view).items()}
    np.savez_compressed(path, **arrays)


def load_scan(path: Path) -> LabelledScan:
    """Read a scan.

    Raises:
        ScanFolderError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
        views = {f.name: stored.get(f"view/{f.name}") for f in dataclasses.fields(CameraView)}
        intensity = stored["intensities"].astype(np.float32)[:, None] / _INTENSITY_STEPS
        position = stored["positions"].astype(np.float32) * np.float32(POSITION_STEP)
        return LabelledScan(
            points=np.hstack([position, intensity]),
            sensor_height=float(stored["sensor_height"]),
            boxes=stored["boxes"],
            classes=stored["classes"],
            points_in_box=stored["points_in_box"],
            view=CameraView(**views) if "view/pose" in stored else None,  # type: ignore[arg-type]
        )
    except (OSError, ValueError, KeyError, EOFError) as err:
        raise ScanFolderError(f"{path}: no labelled scan: {err}") from err


class ScanFolder(Dataset[LabelledScan]):
    """The scans of some drives: ``FOLDER/DRIVE/NUMBER.npz``, sorted by name."""

    def __init__(self, folders: list[Path]) -> None:
        """List the files.

        Args:
            folders: of the drives.

        Raises:
            ScanFolderError: there are none.
        """
        self.files = [file for folder in sorted(folders) for file in sorted(folder.glob("*.npz"))]
        if not self.files:
            raise ScanFolderError(f"no scans (*.npz) in {len(folders)} folders of drives")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> LabelledScan:
        """The scan of an index."""
        return load_scan(self.files[index])

    def __iter__(self) -> Iterator[LabelledScan]:
        """All scans, one after the other."""
        return map(load_scan, self.files)
