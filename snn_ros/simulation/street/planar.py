"""Motion and footprints in the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Floats = float | Sequence[float] | FloatArray

_CORNERS = np.array([[0.5, -0.5], [0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5]])


def advance(pose: Floats, distance: Floats, curvature: Floats) -> FloatArray:
    """The pose after a distance along a circle.

    Args:
        pose: (..., 3) x, y in m and yaw in rad.
        distance: (...) in m.
        curvature: (...) in 1/m; 0 is a straight line.

    Returns:
        (..., 3), exact for any curvature.
    """
    pose, distance = np.asarray(pose, dtype=np.float64), np.asarray(distance, dtype=np.float64)
    half_turn = 0.5 * distance * np.asarray(curvature, dtype=np.float64)
    chord = distance * np.sinc(half_turn / np.pi)
    heading = pose[..., 2] + half_turn
    x = pose[..., 0] + chord * np.cos(heading)
    y = pose[..., 1] + chord * np.sin(heading)
    return np.stack(np.broadcast_arrays(x, y, pose[..., 2] + 2.0 * half_turn), axis=-1)


def footprint_corners(footprints: FloatArray) -> FloatArray:
    """Corners of rectangles on the ground.

    ::

        2 ---- 1      x forward (yaw), y left:
        |  ->  |      corner 0 is front right,
        3 ---- 0      counter-clockwise from there

    Args:
        footprints: (N, 5) x, y of the centre in m, yaw in rad, length and width in m.

    Returns:
        (N, 4, 2) in m.
    """
    cosine, sine = np.cos(footprints[:, 2]), np.sin(footprints[:, 2])
    local = _CORNERS * footprints[:, None, 3:5]
    x = footprints[:, 0, None] + local[..., 0] * cosine[:, None] - local[..., 1] * sine[:, None]
    y = footprints[:, 1, None] + local[..., 0] * sine[:, None] + local[..., 1] * cosine[:, None]
    return np.stack([x, y], axis=-1)


def overlap(first: FloatArray, second: FloatArray) -> NDArray[np.bool_]:
    """Which pairs of rectangles overlap, by the separating axis theorem.

    Args:
        first: (P, 5) footprints as ``footprint_corners`` takes them.
        second: (P, 5) the others.

    Returns:
        (P,); rectangles that only touch do not overlap.
    """
    offset = second[:, :2] - first[:, :2]
    turn = second[:, 2] - first[:, 2]
    cosine, sine = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    apart = np.zeros(len(first), dtype=np.bool_)
    for one, other in ((first, second), (second, first)):
        axis = np.stack([np.cos(one[:, 2]), np.sin(one[:, 2])], axis=1)
        along = np.abs((offset * axis).sum(axis=1))
        across = np.abs(offset[:, 1] * axis[:, 0] - offset[:, 0] * axis[:, 1])
        reach_along = one[:, 3] + other[:, 3] * cosine + other[:, 4] * sine
        reach_across = one[:, 4] + other[:, 3] * sine + other[:, 4] * cosine
        apart |= (2.0 * along >= reach_along) | (2.0 * across >= reach_across)
    return ~apart


def overlapping_pairs(
    footprints: FloatArray, moving: NDArray[np.bool_] | None = None
) -> list[tuple[int, int]]:
    """Indices of rectangles that overlap, each pair once, the smaller index first.

    Args:
        footprints: (N, 5) as ``footprint_corners`` takes them.
        moving: (N,) which can have moved; pairs of which neither can are left out.
    """
    if len(footprints) < 2:
        return []
    rows = np.arange(len(footprints)) if moving is None else np.flatnonzero(moving)
    reach = 0.5 * np.hypot(footprints[:, 3], footprints[:, 4])
    x, y = footprints[:, 0], footprints[:, 1]
    near = (x[rows, None] - x) ** 2 + (y[rows, None] - y) ** 2 < (reach[rows, None] + reach) ** 2
    first, second = np.nonzero(near)
    first = rows[first]
    once = first < second if moving is None else (first < second) | ~moving[second]
    first, second = first[once], second[once]
    if not len(first):
        return []
    hit = overlap(footprints[first], footprints[second])
    pairs = np.sort(np.stack([first[hit], second[hit]], axis=1), axis=1)
    return [(int(a), int(b)) for a, b in pairs]


def inside_any(polygons: Sequence[FloatArray], points: FloatArray) -> NDArray[np.bool_]:
    """(N,) whether points (N, 2) lie in any of some convex counter-clockwise polygons."""
    inside = np.zeros(len(points), dtype=np.bool_)
    for polygon in polygons:
        edges = np.roll(polygon, -1, axis=0) - polygon
        offset = points[:, None] - polygon
        inside |= (edges[:, 0] * offset[..., 1] - edges[:, 1] * offset[..., 0] >= 0.0).all(axis=1)
    return inside
