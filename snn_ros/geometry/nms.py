"""Non-maximum suppression of rotated boxes, seen from above: the best of each heap is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import Boxes
from snn_ros.geometry.rotated_iou import bev_iou, near

_BLOCK = 128  # boxes that are decided at a time; only speed depends on it


def rotated_nms(
    boxes: Boxes,
    scores: NDArray[np.floating],
    threshold: float,
    *,
    labels: NDArray[np.integer] | None = None,
    most_before: int = 4096,
    most_after: int = 500,
) -> NDArray[np.int64]:
    """Keep boxes by falling score, each unless it overlaps one kept before.

    Args:
        boxes: (N, 7), finite.
        scores: (N,), finite; among equal ones the earlier row counts as better.
        threshold: boxes are dropped whose BEV intersection over union with a kept one is more.
        labels: (N,) classes, if boxes of one class shall not drop those of another.
        most_before: only so many of the best scores are looked at.
        most_after: only so many are kept.

    Returns:
        (K,) rows that are kept, best first.
    """
    order = np.argsort(-scores, kind="stable")[:most_before].astype(np.int64)
    boxes = np.asarray(boxes, dtype=np.float64)

    def overlapping(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
        pairs = near(boxes[first, None], boxes[None, second])
        if labels is not None:
            pairs &= labels[first, None] == labels[None, second]
        row, column = np.nonzero(pairs)
        pairs[row, column] = bev_iou(boxes[first[row]], boxes[second[column]]) > threshold
        return pairs

    kept = order[:0]
    while len(order) and len(kept) < most_after:
        block, order = order[:_BLOCK], order[_BLOCK:]
        best = block[_undominated(overlapping(block, block))]
        kept = np.concatenate([kept, best])
        if len(kept) < most_after:
            order = order[~overlapping(best, order).any(axis=0)]
    return kept[:most_after]


def _undominated(overlap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) which rows stay, of (N, N) overlaps of rows in order of preference."""
    stays = np.ones(len(overlap), dtype=np.bool_)
    for i in range(len(overlap)):
        if stays[i]:
            stays[i + 1 :] &= ~overlap[i, i + 1 :]
    return stays
