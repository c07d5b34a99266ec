"""Flat areas as triangles, lines as strips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snn_ros.simulation.street.meshes import Mesh, flat_faces, merged, quads

Floats = NDArray[np.float64]


def area(polygon: ArrayLike, height: float, tile: float) -> Mesh:
    """A level area seen from above.

    Args:
        polygon: (M, 2) corners in m, counter-clockwise, without crossings; may be concave.
        height: z in m.
        tile: size of one repetition of the texture in m.
    """
    triangles = triangulated(polygon)
    corners = np.concatenate([triangles, np.full((*triangles.shape[:2], 1), height)], axis=-1)
    return flat_faces(corners, triangles / tile)


def outer_edges(polygons: Sequence[Floats]) -> Floats:
    """(E, 2, 2) start and end of the edges of counter-clockwise polygons that no two share."""
    edges = [np.stack([part, np.roll(part, -1, axis=0)], axis=1) for part in polygons]
    if not edges:
        return np.zeros((0, 2, 2))
    every = np.concatenate(edges)
    keys = [tuple(map(tuple, edge)) for edge in np.round(every, 3).tolist()]
    present = set(keys)
    return every[[(end, start) not in present for start, end in keys]]


def walls(edges: Floats, bottom: float, top: float) -> Mesh:
    """Upright faces on edges (E, 2, 2) of counter-clockwise outlines, seen from outside."""
    start, end = edges[:, 0], edges[:, 1]
    low, high = np.full((len(edges), 1), bottom), np.full((len(edges), 1), top)
    return quads(
        np.stack(
            [np.hstack(p) for p in ((start, low), (end, low), (end, high), (start, high))], axis=1
        )
    )


def border(edges: Floats, width: float, height: float) -> Mesh:
    """Level strips along the inside of edges (E, 2, 2) of counter-clockwise outlines."""
    start, end = edges[:, 0], edges[:, 1]
    forward = _directions(end - start)
    inward = width * np.stack([-forward[:, 1], forward[:, 0]], axis=-1)
    ring = np.stack([start, end, end + inward, start + inward], axis=1)
    return quads(np.concatenate([ring, np.full((*ring.shape[:2], 1), height)], axis=-1))


def strip(points: ArrayLike, width: float, height: float) -> Mesh:
    """A level band of a ``width`` along a line (N, 2), both in m; texture u across, v along."""
    line = np.asarray(points, dtype=np.float64)
    if len(line) < 2:
        return merged([])
    left, right = offset_line(line, width / 2), offset_line(line, -width / 2)
    ring = np.stack([right[:-1], right[1:], left[1:], left[:-1]], axis=1)
    corners = np.concatenate([ring, np.full((*ring.shape[:2], 1), height)], axis=-1)
    return quads(corners, [(0, 0), (0, 1), (1, 1), (1, 0)])


def offset_line(line: Floats, distance: float) -> Floats:
    """A line (N, 2) shifted to its left by a distance in m, mitred at its corners."""
    forward = _directions(np.diff(line, axis=0))
    normal = np.stack([-forward[:, 1], forward[:, 0]], axis=-1)
    before, after = np.vstack([normal[:1], normal]), np.vstack([normal, normal[-1:]])
    mitre = (before + after) / np.maximum(1.0 + (before * after).sum(-1, keepdims=True), 0.5)
    return line + distance * mitre


def dashes(line: ArrayLike, dash: float, gap: float) -> list[Floats]:
    """The painted pieces of a dashed line, each an (N, 2) line; lengths in m."""
    line = np.asarray(line, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=-1))])
    pieces = []
    for start in np.arange(gap / 2, along[-1], dash + gap):
        end = min(start + dash, along[-1])
        inner = line[(along > start + 1e-9) & (along < end - 1e-9)]
        ends = [_at(line, along, s) for s in (start, end)]
        pieces.append(np.vstack([ends[0], inner, ends[1]]))
    return pieces


def triangulated(polygon: ArrayLike) -> Floats:
    """Triangles (T, 3, 2) of a simple counter-clockwise polygon (M, 2), by clipping ears."""
    points = np.asarray(polygon, dtype=np.float64)
    remaining = list(range(len(points)))
    triangles = []
    while len(remaining) > 3:
        ear = next(
            (i for i in range(len(remaining)) if _is_ear(points, remaining, i)),
            0,  # touching edges leave no proper ear; any cut goes on
        )
        triangles.append(_neighbours(remaining, ear))
        del remaining[ear]
    triangles.append((remaining[0], remaining[1], remaining[2]))
    return points[np.array(triangles)]


def _is_ear(points: Floats, remaining: list[int], index: int) -> bool:
    a, b, c = (points[i] for i in _neighbours(remaining, index))
    if _cross(b - a, c - a) <= 1e-12:
        return False
    others = points[[i for i in remaining if i not in _neighbours(remaining, index)]]
    inside = (
        (_cross(b - a, others - a) > 1e-12)
        & (_cross(c - b, others - b) > 1e-12)
        & (_cross(a - c, others - c) > 1e-12)
    )
    return not inside.any()


def _neighbours(remaining: list[int], index: int) -> tuple[int, int, int]:
    return remaining[index - 1], remaining[index], remaining[(index + 1) % len(remaining)]


def _cross(a: Floats, b: Floats) -> Floats:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _directions(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _at(line: Floats, along: Floats, distance: float) -> Floats:
    return np.array([np.interp(distance, along, line[:, axis]) for axis in (0, 1)])
