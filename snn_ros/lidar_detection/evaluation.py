"""Scores of a detector on labelled scans, by KITTI's protocol: what its left camera sees counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.image_boxes import project_boxes
from snn_ros.kitti.difficulty import UNKNOWN
from snn_ros.kitti.labels import KittiLabel, placement_of
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.scans import CLASSES, CameraView, LabelledScan, ScanFolderError
from snn_ros.metrics.detection import score_frames
from snn_ros.metrics.kitti import Frame, evaluate_kitti

Floats = NDArray[np.float64]


def kitti_frame(scan: LabelledScan, detections: Detections) -> Frame:
    """Labels and detections of one scan as KITTI's evaluation takes them.

    Args:
        scan: with the view of a camera.
        detections: in the frame of the LiDAR.

    Raises:
        ScanFolderError: the scan has no view.
    """
    view = scan.view
    if view is None:
        raise ScanFolderError("view = None: KITTI's difficulties are told by a camera")
    seen = (view.boxes[:, 3] > view.boxes[:, 1]) & (
        (view.occlusion != UNKNOWN) | (scan.points_in_box > 0)
    )
    labels = _labels(
        scan.boxes[seen], scan.classes[seen], view, view.boxes[seen],
        view.truncation[seen], view.occlusion[seen],
    )  # fmt: skip
    width, height = view.size.tolist()
    image = project_boxes(detections.boxes, view.pose, view.intrinsics, width, height)
    found = image.in_view
    names = np.array(CLASSES)[detections.labels[found]]
    count = int(found.sum())
    return labels, _labels(
        detections.boxes[found], names, view, image.boxes[found],
        np.zeros(count), np.zeros(count, dtype=np.int64), detections.scores[found],
    )  # fmt: skip


def detection_scores(
    scans: Iterable[LabelledScan],
    detect: Callable[[LabelledScan], Detections],
    threshold: float,
) -> dict[str, float]:
    """Scores of a detector on scans with a view, see ``frame_scores``.

    Args:
        scans: labelled.
        detect: detections of a scan, also those with low scores, in the frame of the LiDAR.
        threshold: of the score.
    """
    return frame_scores([kitti_frame(scan, detect(scan)) for scan in scans], threshold)


def frame_scores(frames: Sequence[Frame], threshold: float) -> dict[str, float]:
    """Average precision (0-100) at 40 and at 11 recalls, and what is found at one threshold.

    Args:
        frames: labels and detections, also those with low scores.
        threshold: of the score, for ``recall_car_moderate_iou50`` and
            ``false_positives_per_frame``.
    """
    results = evaluate_kitti(frames)
    precision = {
        f"ap_{recalls}_{measure}_{name}_{difficulty}".lower(): getattr(result, recalls)
        for recalls in ("r40", "r11")
        for (name, measure, difficulty), result in results.items()
    }
    return precision | score_frames([confident(frame, threshold) for frame in frames])


def confident(frame: Frame, threshold: float) -> Frame:
    """A frame without the detections whose score is lower."""
    labels, found = frame
    return labels, [one for one in found if (one.score or 0.0) >= threshold]


def _labels(
    boxes: Floats,
    names: NDArray[np.str_],
    view: CameraView,
    image_boxes: Floats,
    truncation: Floats,
    occlusion: NDArray[np.int64],
    scores: Floats | None = None,
) -> list[KittiLabel]:
    locations, rotations = placement_of(boxes, view.pose)
    return [
        KittiLabel(
            class_name=str(name),
            truncation=float(truncation[i]),
            occlusion=int(occlusion[i]),
            image_box=tuple(image_boxes[i].tolist()),
            size=tuple(boxes[i, [5, 4, 3]].tolist()),
            location=tuple(locations[i].tolist()),
            rotation_y=float(rotations[i]),
            score=None if scores is None else float(scores[i]),
        )
        for i, name in enumerate(names)
    ]
