"""The rectangles around boxes in the picture of a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import Boxes, box_corners
from snn_ros.geometry.rigid import Transform

Floats = NDArray[np.float64]

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

    boxes: Floats
    truncation: Floats
    in_view: NDArray[np.bool_]

    @property
    def heights(self) -> Floats:
        """(N,) in pixels, by which difficulty is told."""
        return self.boxes[:, 3] - self.boxes[:, 1]


def project_boxes(
    boxes: Boxes, camera_from_boxes: Transform, intrinsics: Floats, width: int, height: int
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


def project_edges(boxes: Boxes, camera_from_boxes: Transform, intrinsics: Floats) -> Floats:
    """Where the edges of boxes are seen, the part before the near plane.

    Args:
        boxes: (N, 7) in some frame.
        camera_from_boxes: ``T_camera_frame``, (4, 4); camera axes x right, y down, z forward.
        intrinsics: (3, 3) pinhole matrix.

    Returns:
        (N, 12, 2, 2) column and row in pixels of both ends; NaN where all of an edge is behind.
    """
    corners = box_corners(boxes) @ camera_from_boxes[:3, :3].T + camera_from_boxes[:3, 3]
    ends = corners[:, _EDGES]
    meeting, crosses = _at_near_plane(ends[..., 0, :], ends[..., 1, :])
    behind = ends[..., 2] < _NEAR
    ends = np.where((behind & crosses[..., None])[..., None], meeting[..., None, :], ends)
    ends[behind.all(axis=-1)] = np.nan
    pixels = ends @ intrinsics.T
    return np.asarray(pixels[..., :2] / pixels[..., 2:])


def _cut_at_near_plane(corners: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(N, 20, 3) corners and points of edges on the near plane; (N, 20) which of them count."""
    meeting, crosses = _at_near_plane(corners[:, _EDGES[:, 0]], corners[:, _EDGES[:, 1]])
    points = np.concatenate([corners, meeting], axis=1)
    return points, np.concatenate([corners[..., 2] >= _NEAR, crosses], axis=1)


def _at_near_plane(start: Floats, end: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(..., 3) where edges meet the near plane; (...) whether they do."""
    depth = end[..., 2] - start[..., 2]
    crosses = (start[..., 2] < _NEAR) != (end[..., 2] < _NEAR)
    share = np.where(crosses, (_NEAR - start[..., 2]) / np.where(crosses, depth, 1.0), 0.0)
    return start + share[..., None] * (end - start), crosses
