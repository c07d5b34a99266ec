"""Average precision by the protocol of KITTI's object benchmark, without a GPU.

As the development kit (A. Geiger et al., CVPR 2012) has it:

- what is too small, too occluded or too truncated for a difficulty is ignored there, and so are
  objects of a neighbouring class (a van for a car, a sitting person for a pedestrian): they need
  not be found, and a detection that finds one is not wrong;
- detections lower than the difficulty's limit are ignored: one that finds an object is neither
  right nor wrong, and nor is one that finds nothing;
- detections on a ``DontCare`` region are not wrong, if the region covers more of them than the
  least overlap. Regions have no box, so this only acts on the overlap of image boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.rotated_iou import bev_iou_matrix, iou_3d_matrix
from snn_ros.kitti.calibration import T_BASE_CAMERA
from snn_ros.kitti.difficulty import DIFFICULTIES, SMALLEST_HEIGHT, counts_for
from snn_ros.kitti.labels import DONT_CARE, KittiLabel, boxes_of
from snn_ros.metrics.average_precision import (
    AveragePrecision,
    average_precision,
    sampled_thresholds,
)
from snn_ros.metrics.precision_recall import PrecisionRecall

STRICT_OVERLAP: Mapping[str, float] = {"Car": 0.7, "Pedestrian": 0.5, "Cyclist": 0.5}
"""Least overlap by class, as of the benchmark."""

_NEIGHBOURS = {"Car": "Van", "Pedestrian": "Person_sitting"}

Frame = tuple[Sequence[KittiLabel], Sequence[KittiLabel]]
"""Labels, regions of ``DontCare`` too, and detections with scores."""

Matrix = NDArray[np.float64]


def evaluate_kitti(
    frames: Sequence[Frame],
    *,
    least_overlap: Mapping[str, float] = STRICT_OVERLAP,
    measures: Sequence[str] = ("3d", "bev"),
) -> dict[tuple[str, str, str], AveragePrecision]:
    """Average precision by class, measure and difficulty.

    Args:
        frames: labels and detections of each picture.
        least_overlap: by class; an object is found by a detection that overlaps it more.
        measures: of ``MEASURES``.

    Returns:
        By (class, measure, difficulty), e.g. ``("Car", "3d", "moderate")``.
    """
    results = {}
    for measure in measures:
        for class_name, overlap in least_overlap.items():
            scenes = [_scene(*frame, class_name, overlap, measure) for frame in frames]
            for level, difficulty in enumerate(DIFFICULTIES):
                result = _average_precision(scenes, level)
                results[class_name, measure, difficulty] = result
    return results


@dataclass(frozen=True, eq=False)
class _Scene:
    """A frame as one class sees it: D detections, N objects of it or of its neighbour."""

    scores: Matrix
    """(D,) of the detections."""
    counted: NDArray[np.bool_]
    """(3, N) by difficulty: objects that are to be found; the others are ignored."""
    valid: NDArray[np.bool_]
    """(3, D) by difficulty: detections that can be right or wrong."""
    ignored: NDArray[np.bool_]
    """(3, D) by difficulty: detections that are too low; those of another class are neither."""
    candidates: tuple[tuple[NDArray[np.int64], Matrix], ...]
    """Of each object, the detections that overlap it enough, and by how much."""
    excused: NDArray[np.bool_]
    """(D,) lies on a region that is not cared for."""


def _scene(
    labels: Sequence[KittiLabel],
    detections: Sequence[KittiLabel],
    class_name: str,
    least_overlap: float,
    measure: str,
) -> _Scene:
    names = (class_name.lower(), _NEIGHBOURS.get(class_name, class_name).lower())
    objects = [label for label in labels if label.class_name.lower() in names]
    own = np.array([label.class_name.lower() == names[0] for label in objects], dtype=bool)
    heights = image_heights(objects)
    occlusion = np.array([label.occlusion for label in objects], dtype=np.int64)
    truncation = np.array([label.truncation for label in objects], dtype=np.float64)
    same = np.array([found.class_name.lower() == names[0] for found in detections], dtype=bool)
    low = image_heights(detections) < SMALLEST_HEIGHT[:, None]
    overlaps = MEASURES[measure](detections, objects)
    candidates = [np.flatnonzero(column > least_overlap) for column in overlaps.T]
    regions = [label for label in labels if label.class_name == DONT_CARE and measure == "image"]
    covered: NDArray[np.bool_] = image_cover_matrix(detections, regions) > least_overlap
    return _Scene(
        scores=np.array([found.score for found in detections], dtype=np.float64),
        counted=own & counts_for(heights, occlusion, truncation).T,
        valid=same & ~low,
        ignored=low,
        candidates=tuple((rows, overlaps[rows, i]) for i, rows in enumerate(candidates)),
        excused=np.logical_or.reduce(covered, axis=1),
    )


def _average_precision(scenes: Sequence[_Scene], level: int) -> AveragePrecision:
    objects = sum(int(scene.counted[level].sum()) for scene in scenes)
    scores = [score for scene in scenes for score in _scores_of_found(scene, level)]
    thresholds = sampled_thresholds(scores, objects)
    right, wrong = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    for scene in scenes:
        more_right, more_wrong = _count(scene, level, thresholds)
        right += more_right
        wrong += more_wrong
    precision = right / np.maximum(right + wrong, 1.0)
    curve = PrecisionRecall(thresholds, precision, right / max(objects, 1))
    return average_precision(curve, objects)


def _scores_of_found(scene: _Scene, level: int) -> list[float]:
    """Scores with which objects are found if each takes its best-scored detection."""
    usable = scene.valid[level] | scene.ignored[level]
    scores = []
    for counted, (rows, _) in zip(scene.counted[level], scene.candidates, strict=True):
        free = rows[usable[rows]]
        if not len(free):
            continue
        best = int(free[scene.scores[free].argmax()])
        usable[best] = False
        if counted and scene.valid[level, best]:
            scores.append(float(scene.scores[best]))
    return scores


def _count(scene: _Scene, level: int, thresholds: Matrix) -> tuple[Matrix, Matrix]:
    """Right and wrong detections (T,) for each threshold.

    Each object takes the detection that overlaps it most, an ignored one only if there is no other.
    """
    valid, ignored = scene.valid[level], scene.ignored[level]
    free = scene.scores >= thresholds[:, None]  # (T, D)
    free &= valid | ignored
    right = np.zeros(len(thresholds))
    for counted, (rows, overlaps) in zip(scene.counted[level], scene.candidates, strict=True):
        if not len(rows):
            continue
        preference = np.where(valid[rows], overlaps, -np.arange(len(rows)) - 1.0)
        preference = np.where(free[:, rows], preference, -np.inf)
        choice = preference.argmax(axis=1)
        at = np.flatnonzero(preference[np.arange(len(thresholds)), choice] > -np.inf)
        taken = rows[choice[at]]
        free[at, taken] = False
        if counted:
            right[at] += valid[taken]
    wrong = free & valid & ~scene.excused
    return right, wrong.sum(axis=1).astype(np.float64)


def image_heights(labels: Sequence[KittiLabel]) -> Matrix:
    """(N,) heights of image boxes in pixels."""
    boxes = _image_boxes(labels)
    return boxes[:, 3] - boxes[:, 1]


def image_iou_matrix(first: Sequence[KittiLabel], second: Sequence[KittiLabel]) -> Matrix:
    """(N, M) intersection over union of image boxes."""
    common, areas, others = _image_overlap(first, second)
    return common / np.maximum(areas[:, None] + others - common, 1e-12)


def image_cover_matrix(first: Sequence[KittiLabel], second: Sequence[KittiLabel]) -> Matrix:
    """(N, M) share of the first image boxes that lies in the second."""
    common, areas, _ = _image_overlap(first, second)
    return common / np.maximum(areas[:, None], 1e-12)


def upright_boxes(labels: Sequence[KittiLabel]) -> Matrix:
    """(N, 7) in the axes of a robot at camera 0, where overlaps are those of KITTI."""
    return boxes_of(labels, T_BASE_CAMERA)


MEASURES: Mapping[str, Callable[[Sequence[KittiLabel], Sequence[KittiLabel]], Matrix]] = {
    "3d": lambda first, second: iou_3d_matrix(upright_boxes(first), upright_boxes(second)),
    "bev": lambda first, second: bev_iou_matrix(upright_boxes(first), upright_boxes(second)),
    "image": image_iou_matrix,
}
"""Overlaps (N, M) of N with M labels that have boxes, by name."""


def _image_overlap(
    first: Sequence[KittiLabel], second: Sequence[KittiLabel]
) -> tuple[Matrix, Matrix, Matrix]:
    """Common areas (N, M), and areas (N,) and (M,), of image boxes in square pixels."""
    one, other = _image_boxes(first)[:, None], _image_boxes(second)[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    areas = [np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1) for boxes in (one[:, 0], other[0])]
    return np.prod(np.maximum(sides, 0.0), axis=-1), *areas


def _image_boxes(labels: Sequence[KittiLabel]) -> Matrix:
    return np.array([label.image_box for label in labels], dtype=np.float64).reshape(-1, 4)
