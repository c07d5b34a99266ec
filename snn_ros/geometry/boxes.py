"""Upright boxes in space: their corners, other frames, and the points in them.

Boxes are rows of seven, ``x y z dx dy dz yaw``: geometric centre in m, length, width and height in
m, heading in rad counter-clockwise from the frame's x axis; z is up.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.angles import wrap_angle
from snn_ros.geometry.rigid import Transform

Boxes = NDArray[np.floating]
"""(N, 7), see above."""

_CORNER_SIGNS = 0.5 * np.array(
    [(x, y, z) for z in (-1, 1) for x, y in ((1, -1), (1, 1), (-1, 1), (-1, -1))]
)


def box_corners(boxes: Boxes) -> NDArray[np.float64]:
    """Corners of boxes.

    ::

          6 ---- 5        x forward (heading), y left, z up
         /|     /|        0..3 below: front right, front left,
        7 ---- 4 |        rear left, rear right; 4..7 above them
        | 2 ---|-1
        3 ---- 0

    Args:
        boxes: (N, 7).

    Returns:
        (N, 8, 3) in m.
    """
    local = _CORNER_SIGNS * boxes[:, None, 3:6]
    cosine, sine = np.cos(boxes[:, 6])[:, None], np.sin(boxes[:, 6])[:, None]
    x = boxes[:, 0, None] + local[..., 0] * cosine - local[..., 1] * sine
    y = boxes[:, 1, None] + local[..., 0] * sine + local[..., 1] * cosine
    return np.stack([x, y, boxes[:, 2, None] + local[..., 2]], axis=-1)


def transform_boxes(boxes: Boxes, transform: Transform) -> NDArray[np.float64]:
    """The same boxes in another frame.

    Args:
        boxes: (N, 7).
        transform: ``T_frame_here``, (4, 4); boxes stay upright, of its rotation the yaw turns them.

    Returns:
        (N, 7), yaw in [-pi, pi).
    """
    moved = np.array(boxes, dtype=np.float64)
    moved[:, :3] = moved[:, :3] @ transform[:3, :3].T + transform[:3, 3]
    moved[:, 6] = wrap_angle(moved[:, 6] + math.atan2(transform[1, 0], transform[0, 0]))
    return moved


def count_points(
    points: NDArray[np.floating], boxes: Boxes, margin: float = 0.0
) -> NDArray[np.int64]:
    """How many points lie in each box, its faces included.

    Args:
        points: (M, 3 or more) x, y, z in m first, in the frame of the boxes.
        boxes: (N, 7).
        margin: by which the boxes are larger on each side, in m, e.g. for range noise.

    Returns:
        (N,) int64.
    """
    counts = np.zeros(len(boxes), dtype=np.int64)
    x, y, z = (np.ascontiguousarray(points[:, i], dtype=np.float64) for i in range(3))
    for i, (cx, cy, cz, length, width, height, yaw) in enumerate(boxes.tolist()):
        half_length, half_width = length / 2 + margin, width / 2 + margin
        near = np.flatnonzero(np.abs(x - cx) <= math.hypot(half_length, half_width))
        dx, dy, dz = x[near] - cx, y[near] - cy, z[near] - cz
        along = dx * math.cos(yaw) + dy * math.sin(yaw)
        across = dy * math.cos(yaw) - dx * math.sin(yaw)
        inside = (np.abs(along) <= half_length) & (np.abs(across) <= half_width)
        counts[i] = np.count_nonzero(inside & (np.abs(dz) <= height / 2 + margin))
    return counts
