"""A folder of KITTI's object benchmark, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import Boxes
from snn_ros.geometry.image_boxes import ImageBoxes, project_boxes
from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.kitti.calibration import Calibration, read_object_calibration
from snn_ros.kitti.difficulty import UNKNOWN
from snn_ros.kitti.files import KittiFileError, read_image_size, read_scan
from snn_ros.kitti.labels import DONT_CARE, KittiLabel, boxes_of, placement_of, read_labels

_CAMERA = 2  # the left colour camera, in whose pictures objects are labelled


@dataclass(frozen=True, eq=False)
class KittiFrame:
    """One scan with its picture and labels; scans and pictures are read when asked for.

    Attributes:
        folder: that holds velodyne, image_2, calib, and label_2 if there are labels.
        name: such as ``000001``.
        calibration: cameras and frames.
        image_size: width and height of the left colour picture in pixels.
        labels: all of them, regions of ``DONT_CARE`` too; none without a label file.
    """

    folder: Path
    name: str
    calibration: Calibration
    image_size: tuple[int, int]
    labels: tuple[KittiLabel, ...]

    @property
    def camera_from_lidar(self) -> Transform:
        """``T_camera_lidar``, (4, 4), to the rectified camera 0."""
        return self.calibration.sensors["velodyne"][1]

    @property
    def image_file(self) -> Path:
        """The left colour picture."""
        return self.folder / "image_2" / f"{self.name}.png"

    def scan(self) -> NDArray[np.float32]:
        """(N, 4) x, y, z in m, reflectance in [0, 1]."""
        return read_scan(self.folder / "velodyne" / f"{self.name}.bin")

    def objects(self) -> list[KittiLabel]:
        """Labels that have a box."""
        return [label for label in self.labels if label.class_name != DONT_CARE]

    def boxes(self) -> NDArray[np.float64]:
        """(N, 7) of ``objects`` in the frame of the LiDAR."""
        return boxes_of(self.objects(), inverse(self.camera_from_lidar))

    @property
    def picture_from_lidar(self) -> Transform:
        """``T_camera_lidar``, (4, 4), to the left colour camera."""
        return inverse(self.calibration.camera_pose(_CAMERA)) @ self.camera_from_lidar

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) of the left colour camera."""
        return self.calibration.projections[_CAMERA][:, :3]

    def project(self, boxes: Boxes) -> ImageBoxes:
        """Where the left colour picture shows boxes (N, 7) of the LiDAR's frame."""
        return project_boxes(boxes, self.picture_from_lidar, self.intrinsics, *self.image_size)

    def detections(
        self, boxes: Boxes, classes: Sequence[str], scores: NDArray[np.floating]
    ) -> list[KittiLabel]:
        """Detections as KITTI has them: those that the left colour picture shows.

        Args:
            boxes: (N, 7) in the frame of the LiDAR.
            classes: N names.
            scores: (N,).
        """
        shown = self.project(boxes)
        locations, rotations = placement_of(boxes, self.camera_from_lidar)
        return [
            KittiLabel(
                class_name=classes[i],
                truncation=float(shown.truncation[i]),
                occlusion=UNKNOWN,
                image_box=tuple(shown.boxes[i].tolist()),
                size=tuple(boxes[i, [5, 4, 3]].tolist()),
                location=tuple(locations[i].tolist()),
                rotation_y=float(rotations[i]),
                score=float(scores[i]),
            )
            for i in np.flatnonzero(shown.in_view).tolist()
        ]


def read_frames(folder: Path) -> list[KittiFrame]:
    """The frames of a folder with ``training``, or of that itself, by name.

    Raises:
        KittiFileError: there are none, or one cannot be read.
    """
    if (folder / "training").is_dir():
        folder = folder / "training"
    files = sorted((folder / "calib").glob("*.txt"))
    if not files:
        raise KittiFileError(folder, "no calib/*.txt; expected velodyne, image_2, calib, label_2")
    return [read_frame(folder, file.stem) for file in files]


def read_frame(folder: Path, name: str) -> KittiFrame:
    """One frame of a folder with velodyne, image_2, calib, and label_2 if there are labels.

    Raises:
        KittiFileError: calibration, picture or labels cannot be read.
    """
    calibration = read_object_calibration(folder / "calib" / f"{name}.txt")
    image_size = read_image_size(folder / "image_2" / f"{name}.png")
    file = folder / "label_2" / f"{name}.txt"
    labels = tuple(read_labels(file)) if file.exists() else ()
    return KittiFrame(folder, name, calibration, image_size, labels)
