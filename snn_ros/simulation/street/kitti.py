"""KITTI's labels of visibility: 2D boxes, truncation, occlusion and difficulty.

A. Geiger, P. Lenz, R. Urtasun: Are we ready for autonomous driving? CVPR 2012, and the object
development kit: truncation is a share in 0 (inside the image) to 1; occlusion is 0 (fully visible),
1 (partly occluded), 2 (largely occluded) or 3 (unknown).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import box_corners
from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.street.planar import FloatArray

FULLY_VISIBLE, PARTLY_OCCLUDED, LARGELY_OCCLUDED, UNKNOWN = 0, 1, 2, 3
EASY, MODERATE, HARD, NO_DIFFICULTY = 0, 1, 2, -1
DIFFICULTIES = ("easy", "moderate", "hard")

# Of the development kit, per difficulty: the height must be more, the others at most this.
_SMALLEST_HEIGHT = np.array([40.0, 25.0, 25.0])
_LARGEST_OCCLUSION = np.array([0, 1, 2])
_LARGEST_TRUNCATION = np.array([0.15, 0.30, 0.50])

# KITTI's people judged occlusion by eye; these shares of visible surface are ours.
_FULLY_VISIBLE_SHARE = 0.8
_PARTLY_OCCLUDED_SHARE = 0.5

_NEAR = 0.1  # nearest depth that is projected, in m
_EDGES = np.array(
    [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
)


@dataclass(frozen=True)
class ImageBoxes:
    """What of each 3D box an image shows.

    Attributes:
        boxes: (N, 4) left, top, right, bottom in pixels, within the image.
        truncation: (N,) share of the unclipped 2D box that lies outside the image, in [0, 1].
        in_view: (N,) whether anything lies in the image; the other two are 0 and 1 where not.
    """

    boxes: FloatArray
    truncation: FloatArray
    in_view: NDArray[np.bool_]

    @property
    def heights(self) -> FloatArray:
        """(N,) in pixels, by which difficulty is told."""
        return self.boxes[:, 3] - self.boxes[:, 1]


def project_boxes(
    boxes: FloatArray, camera_from_boxes: Transform, intrinsics: FloatArray, width: int, height: int
) -> ImageBoxes:
    """2D boxes around projected 3D boxes.

    Args:
        boxes: (N, 7) in some frame.
        camera_from_boxes: ``T_camera_frame``, (4, 4); camera axes x right, y down, z forward.
        intrinsics: (3, 3) pinhole matrix.
        width: of the image in pixels; pixel centres run from 0 to ``width - 1``.
        height: of the image in pixels.
    """
    corners = box_corners(boxes) @ camera_from_boxes[:3, :3].T + camera_from_boxes[:3, 3]
    points, shown = _cut_at_near_plane(corners)
    pixels = points @ intrinsics.T
    with np.errstate(invalid="ignore", divide="ignore"):
        pixels = pixels[..., :2] / pixels[..., 2:]
    low = np.where(shown[..., None], pixels, np.inf).min(axis=1)
    high = np.where(shown[..., None], pixels, -np.inf).max(axis=1)
    limit = np.array([width - 1.0, height - 1.0])
    clipped_low, clipped_high = np.clip(low, 0.0, limit), np.clip(high, 0.0, limit)
    visible = np.prod(clipped_high - clipped_low, axis=1)
    in_view = shown.any(axis=1) & (clipped_high > clipped_low).all(axis=1)
    whole = np.where(in_view, np.prod(np.where(in_view[:, None], high - low, 1.0), axis=1), 1.0)
    truncation = np.where(in_view, 1.0 - visible / whole, 1.0)
    clipped = np.where(in_view[:, None], np.hstack([clipped_low, clipped_high]), 0.0)
    return ImageBoxes(clipped, np.clip(truncation, 0.0, 1.0), in_view)


def _cut_at_near_plane(corners: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """(N, 20, 3) corners and points of edges on the near plane; (N, 20) which of them count."""
    start, end = corners[:, _EDGES[:, 0]], corners[:, _EDGES[:, 1]]
    depth = end[..., 2] - start[..., 2]
    crosses = (start[..., 2] < _NEAR) != (end[..., 2] < _NEAR)
    share = np.where(crosses, (_NEAR - start[..., 2]) / np.where(crosses, depth, 1.0), 0.0)
    meeting = start + share[..., None] * (end - start)
    points = np.concatenate([corners, meeting], axis=1)
    return points, np.concatenate([corners[..., 2] >= _NEAR, crosses], axis=1)


def occlusion_levels(share: FloatArray) -> NDArray[np.int64]:
    """KITTI's occlusion level of visible shares.

    Args:
        share: (N,) in [0, 1]; 0 (wholly hidden) and NaN (not judged) are ``UNKNOWN``.

    Returns:
        (N,) 0 from 0.8 on, 1 from 0.5 on, 2 above 0, else 3.
    """
    levels = np.full(len(share), UNKNOWN, dtype=np.int64)
    levels[share > 0.0] = LARGELY_OCCLUDED
    levels[share >= _PARTLY_OCCLUDED_SHARE] = PARTLY_OCCLUDED
    levels[share >= _FULLY_VISIBLE_SHARE] = FULLY_VISIBLE
    return levels


def difficulties(
    heights: FloatArray, occlusion: NDArray[np.integer], truncation: FloatArray
) -> NDArray[np.int64]:
    """The easiest difficulty that an object counts for.

    Args:
        heights: (N,) of the 2D boxes in pixels.
        occlusion: (N,) levels.
        truncation: (N,) shares.

    Returns:
        (N,) ``EASY``, ``MODERATE``, ``HARD``, or ``NO_DIFFICULTY`` for what is ignored in all.
    """
    counts = (
        (heights[:, None] > _SMALLEST_HEIGHT)
        & (occlusion[:, None] <= _LARGEST_OCCLUSION)
        & (truncation[:, None] <= _LARGEST_TRUNCATION)
    )
    return np.where(counts.any(axis=1), counts.argmax(axis=1), NO_DIFFICULTY)
