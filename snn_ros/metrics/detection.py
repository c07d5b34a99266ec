"""Found cars and false alarms at one fixed threshold: what a user of a detector sees.

Only detections whose projected box the picture shows, at least 25 pixels high, are scored. Each
takes, best score first, the object of its own class that it overlaps most in space, by at least
half; all difficulties may be taken. What took nothing is a false alarm, unless a region that
neither counts nor hurts covers more than half of its projected box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn_ros.kitti.difficulty import MODERATE, SMALLEST_HEIGHT, counts_for
from snn_ros.kitti.labels import KittiLabel
from snn_ros.metrics.kitti import (
    MEASURES,
    Frame,
    image_cover_matrix,
    image_heights,
)
from snn_ros.metrics.matching import MISSED, match_by_score

CLASSES = ("Car", "Pedestrian", "Cyclist")
NEITHER_COUNT_NOR_HURT = ("DontCare", "Van", "Misc")

_LEAST_OVERLAP = 0.5
_COVERED = 0.5


@dataclass(frozen=True)
class FrameScore:
    """Of one frame.

    Attributes:
        cars: that are easy or moderate.
        cars_found: of those.
        false_positives: of all classes.
    """

    cars: int
    cars_found: int
    false_positives: int


def score_frame(
    labels: Sequence[KittiLabel],
    detections: Sequence[KittiLabel],
    classes: Sequence[str] = CLASSES,
) -> FrameScore:
    """Count what was found.

    Args:
        labels: all of the frame, regions of ``DontCare`` too.
        detections: with scores, those in the picture.
        classes: which detections and objects to look at.
    """
    high = image_heights(detections) >= SMALLEST_HEIGHT[MODERATE]
    scored = [found for found, tall in zip(detections, high, strict=True) if tall]
    regions = [label for label in labels if label.class_name in NEITHER_COUNT_NOR_HURT]
    cars = cars_found = false_positives = 0
    for name in classes:
        own = [found for found in scored if found.class_name == name]
        objects = [label for label in labels if label.class_name == name]
        overlaps = MEASURES["3d"](own, objects)
        partners = match_by_score(overlaps, np.array([one.score for one in own]), _LEAST_OVERLAP)
        excused = (image_cover_matrix(own, regions) > _COVERED).any(axis=1)
        false_positives += int(np.count_nonzero((partners == MISSED) & ~excused))
        if name == "Car":
            counted = _moderate(objects)
            cars, cars_found = int(counted.sum()), int(counted[partners[partners != MISSED]].sum())
    return FrameScore(cars, cars_found, false_positives)


def score_frames(frames: Sequence[Frame]) -> dict[str, float]:
    """``recall_car_moderate_iou50`` and ``false_positives_per_frame`` over labelled frames.

    Recall is of easy and moderate cars together; NaN where there are none.
    """
    scores = [score_frame(*frame) for frame in frames]
    cars, found = sum(one.cars for one in scores), sum(one.cars_found for one in scores)
    false_positives = sum(one.false_positives for one in scores)
    return {
        "recall_car_moderate_iou50": found / cars if cars else float("nan"),
        "false_positives_per_frame": false_positives / len(scores) if scores else float("nan"),
    }


def _moderate(labels: Sequence[KittiLabel]) -> np.ndarray:
    """(N,) which are moderate; what is easy is moderate too."""
    occlusion = np.array([label.occlusion for label in labels], dtype=np.int64)
    truncation = np.array([label.truncation for label in labels], dtype=np.float64)
    return counts_for(image_heights(labels), occlusion, truncation)[:, MODERATE]
