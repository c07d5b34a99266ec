"""Lines of KITTI's label and result files, and the boxes they describe.

Locations are the centre of the box's bottom in the rectified camera, x right, y down, z forward, in
m. ``rotation_y`` turns about the camera's y axis, 0 where the object points along its x axis;
``alpha`` is the same as seen along the ray to the object.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import Boxes
from snn_ros.geometry.rigid import Transform
from snn_ros.kitti.files import KittiFileError, read_text

DONT_CARE = "DontCare"
"""Class of labels that are a region of the image without a box."""

# Tracking has levels of truncation instead of a share; where they begin is ours.
_TRUNCATION_LEVELS = np.array([0.01, 0.5])


@dataclass(frozen=True)
class KittiLabel:
    """One object that an image shows.

    Attributes:
        class_name: such as ``Car``.
        truncation: share outside the image.
        occlusion: level 0 to 3.
        image_box: left, top, right, bottom in pixels.
        size: height, width, length in m.
        location: see above.
        rotation_y: in rad, see above.
        track_id: the same in all frames, of tracking labels.
        score: of a detection.
    """

    class_name: str
    truncation: float
    occlusion: int
    image_box: tuple[float, ...]
    size: tuple[float, ...]
    location: tuple[float, ...]
    rotation_y: float
    track_id: int = -1
    score: float | None = None

    @property
    def alpha(self) -> float:
        """Observation angle in rad."""
        x, _, z = self.location
        return math.remainder(self.rotation_y - math.atan2(x, z), 2.0 * math.pi)

    def object_line(self) -> str:
        """As in ``label_2``, or as in a result file if there is a score."""
        line = f"{self.class_name} {self.truncation:.2f} {self.occlusion} {self._geometry()}"
        return line if self.score is None else f"{line} {self.score:.4f}"

    def tracking_line(self, frame: int) -> str:
        """As in ``label_02``."""
        level = int(np.searchsorted(_TRUNCATION_LEVELS, self.truncation, side="right"))
        head = f"{frame} {self.track_id} {self.class_name}"
        return f"{head} {level} {self.occlusion} {self._geometry()}"

    def _geometry(self) -> str:
        numbers = (self.alpha, *self.image_box, *self.size, *self.location, self.rotation_y)
        return " ".join(f"{number:.2f}" for number in numbers)


def read_labels(path: Path) -> list[KittiLabel]:
    """The lines of a label file (15 columns) or a result file (16, the last one the score).

    Raises:
        KittiFileError: the file is absent, or a line is no label.
    """
    return [_label_of(line, path) for line in read_text(path).splitlines() if line.strip()]


def _label_of(line: str, path: Path) -> KittiLabel:
    class_name, *words = line.split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) not in (14, 15) or not np.isfinite(numbers).all():
        raise KittiFileError(path, f"not a label of 15 columns: {line!r}")
    return KittiLabel(
        class_name=class_name,
        truncation=numbers[0],
        occlusion=int(numbers[1]),
        image_box=tuple(numbers[3:7]),
        size=tuple(numbers[7:10]),
        location=tuple(numbers[10:13]),
        rotation_y=numbers[13],
        score=numbers[14] if len(numbers) == 15 else None,
    )


def boxes_of(labels: Sequence[KittiLabel], T_frame_camera: Transform) -> NDArray[np.float64]:
    """Boxes of labels in a frame whose z axis is up, such as that of the LiDAR.

    The centre of the bottom and the heading are those of the label; the box stands upright there.

    Args:
        labels: N, without ``DONT_CARE``.
        T_frame_camera: (4, 4) from the rectified camera 0.

    Returns:
        (N, 7) as in ``snn_ros.geometry.boxes``.
    """
    rows = [(*label.location, *label.size, label.rotation_y) for label in labels]
    x, y, z, height, width, length, rotation_y = np.array(rows, dtype=np.float64).reshape(-1, 7).T
    bottom = np.stack([x, y, z], axis=1) @ T_frame_camera[:3, :3].T + T_frame_camera[:3, 3]
    heading = np.stack([np.cos(rotation_y), 0.0 * rotation_y, -np.sin(rotation_y)], axis=1)
    heading = heading @ T_frame_camera[:3, :3].T
    yaw = np.arctan2(heading[:, 1], heading[:, 0])
    centre_z = bottom[:, 2] + height / 2
    return np.column_stack([bottom[:, :2], centre_z, length, width, height, yaw])


def placement_of(
    boxes: Boxes, T_camera_frame: Transform
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where labels have boxes: the inverse of ``boxes_of``.

    Args:
        boxes: (N, 7).
        T_camera_frame: (4, 4) to the rectified camera 0.

    Returns:
        (N, 3) locations and (N,) rotation_y in [-pi, pi].
    """
    bottom = boxes[:, :3] - boxes[:, 5, None] * [0.0, 0.0, 0.5]
    yaw = boxes[:, 6]
    heading = np.stack([np.cos(yaw), np.sin(yaw), 0.0 * yaw], axis=1) @ T_camera_frame[:3, :3].T
    locations = bottom @ T_camera_frame[:3, :3].T + T_camera_frame[:3, 3]
    return locations, np.arctan2(-heading[:, 2], heading[:, 0])
