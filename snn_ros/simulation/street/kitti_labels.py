"""Truth as KITTI's labels."""

from __future__ import annotations

import numpy as np

from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.kitti.difficulty import UNKNOWN
from snn_ros.kitti.labels import KittiLabel, placement_of
from snn_ros.simulation.street.simulation import ObjectTruth


def kitti_labels(objects: ObjectTruth, base: Transform) -> list[KittiLabel]:
    """Labels of who is in the image and can be seen by the camera or by the LiDAR.

    Args:
        objects: truth of one time.
        base: (4, 4) ``T_map_base``.
    """
    view, labels = objects.visibility, objects.labels
    chosen = view.image.in_view & ((view.occlusion != UNKNOWN) | (objects.points > 0))
    locations, rotations = placement_of(labels.boxes, inverse(base @ objects.camera.pose))
    return [
        KittiLabel(
            class_name=labels.classes[i],
            track_id=int(labels.identifiers[i]),
            truncation=float(view.image.truncation[i]),
            occlusion=int(view.occlusion[i]),
            image_box=tuple(view.image.boxes[i].tolist()),
            size=tuple(labels.boxes[i, [5, 4, 3]].tolist()),
            location=tuple(locations[i].tolist()),
            rotation_y=float(rotations[i]),
        )
        for i in np.flatnonzero(chosen).tolist()
    ]
