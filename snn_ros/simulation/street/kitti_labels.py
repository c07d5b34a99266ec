"""Truth as lines of KITTI's label files: object benchmark (15 columns) and tracking (17 columns).

Locations are the centre of the box's bottom in the rectified camera, x right, y down, z forward, in
m. ``rotation_y`` turns about the camera's y axis, 0 where the object points along its x axis;
``alpha`` is the same as seen along the ray to the object.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.simulation.street.kitti import UNKNOWN
from snn_ros.simulation.street.planar import FloatArray
from snn_ros.simulation.street.simulation import ObjectTruth

# Tracking has levels of truncation instead of a share; where they begin is ours.
_TRUNCATION_LEVELS = np.array([0.01, 0.5])


@dataclass(frozen=True)
class KittiLabel:
    """One object that an image shows.

    Attributes:
        class_name: such as ``Car``.
        track_id: the same in all frames.
        truncation: share outside the image.
        occlusion: level 0 to 3.
        image_box: left, top, right, bottom in pixels.
        size: height, width, length in m.
        location: see above.
        rotation_y: in rad, see above.
    """

    class_name: str
    track_id: int
    truncation: float
    occlusion: int
    image_box: tuple[float, ...]
    size: tuple[float, ...]
    location: tuple[float, ...]
    rotation_y: float

    @property
    def alpha(self) -> float:
        """Observation angle in rad."""
        x, _, z = self.location
        return math.remainder(self.rotation_y - math.atan2(x, z), 2.0 * math.pi)

    def object_line(self) -> str:
        """As in ``label_2``."""
        return f"{self.class_name} {self.truncation:.2f} {self.occlusion} {self._geometry()}"

    def tracking_line(self, frame: int) -> str:
        """As in ``label_02``."""
        level = int(np.searchsorted(_TRUNCATION_LEVELS, self.truncation, side="right"))
        head = f"{frame} {self.track_id} {self.class_name}"
        return f"{head} {level} {self.occlusion} {self._geometry()}"

    def _geometry(self) -> str:
        numbers = (self.alpha, *self.image_box, *self.size, *self.location, self.rotation_y)
        return " ".join(f"{number:.2f}" for number in numbers)


def kitti_labels(objects: ObjectTruth, base: Transform) -> list[KittiLabel]:
    """Labels of who is in the image and can be seen by the camera or by the LiDAR.

    Args:
        objects: truth of one time.
        base: (4, 4) ``T_map_base``.
    """
    view, labels = objects.visibility, objects.labels
    chosen = view.image.in_view & ((view.occlusion != UNKNOWN) | (objects.points > 0))
    T_camera_map = inverse(base @ objects.camera.pose)
    return [
        KittiLabel(
            class_name=labels.classes[i],
            track_id=int(labels.identifiers[i]),
            truncation=float(view.image.truncation[i]),
            occlusion=int(view.occlusion[i]),
            image_box=tuple(view.image.boxes[i].tolist()),
            size=tuple(labels.boxes[i, [5, 4, 3]].tolist()),
            location=_location(labels.boxes[i], T_camera_map),
            rotation_y=_rotation_y(labels.boxes[i], T_camera_map),
        )
        for i in np.flatnonzero(chosen).tolist()
    ]


def _location(box: FloatArray, T_camera_map: Transform) -> tuple[float, ...]:
    x, y, z, height = box[[0, 1, 2, 5]].tolist()
    bottom = T_camera_map @ [x, y, z - height / 2, 1.0]
    return tuple(bottom[:3].tolist())


def _rotation_y(box: FloatArray, T_camera_map: Transform) -> float:
    right, _, forward = T_camera_map[:3, :3] @ [math.cos(box[6]), math.sin(box[6]), 0.0]
    return math.atan2(-forward, right)
