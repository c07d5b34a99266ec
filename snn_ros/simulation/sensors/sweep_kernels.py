"""Compiled loops of a LiDAR's sweep: which surface each beam meets first.

A column of beams spans a vertical half-plane, which cuts a triangle in a segment: all beams between
the ends of the segment meet the triangle, none of the others do. So instead of tracing each beam
through the world, each triangle is drawn into the columns it is seen in, in the manner of a
scan-line renderer. Every column has its own pose, so motion during the sweep costs nothing more.

In a column's frame u points away from the sensor, w to the left, z up; a beam of tangent t that
leaves at height h is ``z = h + t · u``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NOTHING = -1
_REFINEMENTS = 3
_FAR = 10.0  # times the drift; from there one refinement is enough
_ROUNDING = 1e-9  # columns
_PARALLEL = 1e-12


@njit(cache=True, nogil=True)
def place(
    triangles: Floats,
    ends: Integers,
    rotations: Floats,
    positions: Floats,
    first: int,
    last: int,
    placed: Floats,
) -> None:
    """Move the triangles ``first`` to ``last`` from their geoms' frames to the sensor's.

    Args:
        triangles: (T, 3, 3) corners in the geoms' frames.
        ends: (G,) index behind the last triangle of each geom.
        rotations: (G, 3, 3) of the geoms in the sensor's frame.
        positions: (G, 3) of the geoms in the sensor's frame.
        first: index of a triangle.
        last: index behind the last triangle.
        placed: (T, 3, 3), written.
    """
    geom = 0
    for i in range(first, last):
        while i >= ends[geom]:
            geom += 1
        turn, shift = rotations[geom], positions[geom]
        for corner in range(3):
            x, y, z = triangles[i, corner]
            for axis in range(3):
                placed[i, corner, axis] = (
                    turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2] * z + shift[axis]
                )


@njit(cache=True, nogil=True)
def draw(
    placed: Floats,
    first: int,
    last: int,
    is_glass: NDArray[np.bool_],
    frames: Floats,
    origins: Floats,
    margin: int,
    blocks: Floats,
    tangents: Floats,
    drift: float,
    tilt: float,
    reach: Floats,
    met: Integers,
    pane: Floats,
) -> None:
    """Draw the triangles ``first`` to ``last`` into the columns that see them.

    Args:
        placed: (T, 3, 3) corners in the sensor's frame in the middle of the sweep.
        first: index of a triangle.
        last: index behind the last triangle.
        is_glass: (T,) whether beams go through.
        frames: (margin + C + margin, 3, 3) rotations from the sensor's frame in the middle of the
            sweep to the columns'; the sensor's motion is continued before and after the sweep.
        origins: (margin + C + margin, 3) of the columns in the sensor's frame.
        margin: columns before and after the sweep.
        blocks: (K, 3) first ring, ring behind the last one, and height of each block of beams,
            ascending.
        tangents: (B,) of the beams, ascending.
        drift: how far the sensor moves at most from the middle of the sweep, in m.
        tilt: how far it tilts at most, in rad.
        reach: (C, B) u of the nearest opaque surface, lowered.
        met: (C, B) index of its triangle, written.
        pane: (C, B) u of the nearest glass, lowered.
    """
    columns = len(reach)
    # blocks and beams are in ascending order
    top, bottom = max(tangents[-1], 0.0), max(-tangents[0], 0.0)
    highest, lowest = blocks[-1, 2], blocks[0, 2]
    moving = drift > 0.0 or tilt > 0.0
    for i in range(first, last):
        corners = placed[i]
        if _outside_the_fan(corners, top, bottom, highest, lowest, drift, tilt):
            continue
        a, b, c, encloses = _columns_of(corners, columns)
        if encloses or _axis_may_pierce(corners, drift):
            _draw_columns(
                i, corners, 0, columns, is_glass[i], frames, origins, margin, blocks, tangents,
                reach, met, pane,
            )  # fmt: skip
            continue
        # what is near the seam behind the sensor may be seen at the beginning, at the end, or both
        for turn in range(-1, 2):
            shift = turn * columns
            low, high = min(a, b, c) + shift, max(a, b, c) + shift
            if high < -margin or low > columns + margin:
                continue
            if moving:
                a1 = _refined(corners[0], a + shift, columns, frames, origins, margin, drift)
                b1 = _refined(corners[1], b + shift, columns, frames, origins, margin, drift)
                c1 = _refined(corners[2], c + shift, columns, frames, origins, margin, drift)
                low, high = min(a1, b1, c1) - 1.0, max(a1, b1, c1) + 1.0
            low_column = max(math.ceil(low - _ROUNDING), 0)
            high_column = min(math.floor(high + _ROUNDING) + 1, columns)
            _draw_columns(
                i, corners, low_column, high_column, is_glass[i], frames, origins, margin, blocks,
                tangents, reach, met, pane,
            )  # fmt: skip


@njit(cache=True, nogil=True)
def _outside_the_fan(
    corners: Floats, top: float, bottom: float, highest: float, lowest: float, drift: float,
    tilt: float,
) -> bool:  # fmt: skip
    """Whether all corners lie above the highest beam's cone, or all below the lowest's.

    The insides of both cones are convex, so then the whole triangle does.
    """
    above, below = 0, 0
    for corner in range(3):
        x, y, z = corners[corner]
        away = math.sqrt(x * x + y * y)
        slack = drift * (1.0 + max(top, bottom)) + 2.0 * tilt * (away + abs(z))
        above += z > highest + top * away + slack
        below += z < lowest - bottom * away - slack
    return above == 3 or below == 3


@njit(cache=True, nogil=True)
def _columns_of(corners: Floats, columns: int) -> tuple[float, float, float, bool]:
    """Which columns (with fractions, without wrap from corner to corner) the corners are in.

    Returns:
        The three columns, and whether the triangle goes round the sensor's axis.
    """
    per_turn = columns / (2.0 * math.pi)
    a = (math.pi - math.atan2(corners[0, 1], corners[0, 0])) * per_turn - 0.5
    b = (math.pi - math.atan2(corners[1, 1], corners[1, 0])) * per_turn - 0.5
    c = (math.pi - math.atan2(corners[2, 1], corners[2, 0])) * per_turn - 0.5
    to_b, to_c, to_a = _shorter(b - a, columns), _shorter(c - b, columns), _shorter(a - c, columns)
    return a, a + to_b, a + to_b + to_c, abs(to_a + to_b + to_c) > columns / 2


@njit(cache=True, nogil=True, inline="always")
def _shorter(step: float, columns: int) -> float:
    """The shorter way round."""
    if step > columns / 2:
        return step - columns
    return step + columns if step < -columns / 2 else step


@njit(cache=True, nogil=True)
def _axis_may_pierce(corners: Floats, drift: float) -> bool:
    """Whether the sensor may come above, below or into the triangle as it moves."""
    if drift == 0.0:
        return False
    for axis in range(2):
        a, b, c = corners[0, axis], corners[1, axis], corners[2, axis]
        if min(a, b, c) > drift or max(a, b, c) < -drift:
            return False
    return True


@njit(cache=True, nogil=True)
def _refined(
    corner: Floats, column: float, columns: int, frames: Floats, origins: Floats, margin: int,
    drift: float,
) -> float:  # fmt: skip
    """The column in which a moving sensor sees a corner, to a column.

    Each repetition takes the corner's direction at the time of the column found before; it shrinks
    the error by drift over distance. The ``column`` given is the one in which the sensor would see
    the corner from where it is in the middle of the sweep.
    """
    per_turn = columns / (2.0 * math.pi)
    far = corner[0] * corner[0] + corner[1] * corner[1] > _FAR * _FAR * drift * drift
    for _ in range(1 if far else _REFINEMENTS):
        nearest = min(max(math.floor(column + 0.5), -margin), columns + margin - 1)
        u, w, _ = _in_column(corner, frames, origins, nearest + margin)
        column = nearest - math.atan2(w, u) * per_turn
    return column


@njit(cache=True, nogil=True, inline="always")
def _in_column(
    point: Floats, frames: Floats, origins: Floats, index: int
) -> tuple[float, float, float]:
    """A point of the sensor's frame in a column's."""
    x = point[0] - origins[index, 0]
    y = point[1] - origins[index, 1]
    z = point[2] - origins[index, 2]
    return (
        frames[index, 0, 0] * x + frames[index, 0, 1] * y + frames[index, 0, 2] * z,
        frames[index, 1, 0] * x + frames[index, 1, 1] * y + frames[index, 1, 2] * z,
        frames[index, 2, 0] * x + frames[index, 2, 1] * y + frames[index, 2, 2] * z,
    )


@njit(cache=True, nogil=True)
def _first_from(ascending: Floats, first: int, last: int, value: float) -> int:
    """Index, from ``first`` to ``last``, of the first member that is not below a value."""
    while first < last:
        middle = (first + last) // 2
        if ascending[middle] < value:
            first = middle + 1
        else:
            last = middle
    return first


@njit(cache=True, nogil=True)
def _draw_columns(
    triangle: int, corners: Floats, low: int, high: int, glass: bool, frames: Floats,
    origins: Floats, margin: int, blocks: Floats, tangents: Floats, reach: Floats, met: Integers,
    pane: Floats,
) -> None:  # fmt: skip
    """Draw a triangle into the columns ``low`` to ``high``."""
    for column in range(low, high):
        ua, wa, za = _in_column(corners[0], frames, origins, column + margin)
        ub, wb, zb = _in_column(corners[1], frames, origins, column + margin)
        uc, wc, zc = _in_column(corners[2], frames, origins, column + margin)
        # make a the corner that is alone on its side of the half-plane
        if (wb < 0.0) == (wc < 0.0):
            if (wa < 0.0) == (wb < 0.0):
                continue
        elif (wa < 0.0) == (wc < 0.0):
            ua, wa, za, ub, wb, zb = ub, wb, zb, ua, wa, za
        else:
            ua, wa, za, uc, wc, zc = uc, wc, zc, ua, wa, za
        share = wa / (wa - wb)
        u0, z0 = ua + share * (ub - ua), za + share * (zb - za)
        share = wa / (wa - wc)
        u1, z1 = ua + share * (uc - ua), za + share * (zc - za)
        if u0 <= 0.0 and u1 <= 0.0:
            continue
        for block in range(len(blocks)):
            height = blocks[block, 2]
            ring, last = int(blocks[block, 0]), int(blocks[block, 1])
            a, b = z0 - height, z1 - height
            upper = np.inf
            if u0 > 0.0 and u1 > 0.0:
                lower, upper = min(a / u0, b / u1), max(a / u0, b / u1)
                ring = _first_from(tangents, ring, last, lower)
            while ring < last and tangents[ring] <= upper:
                above0, above1 = a - tangents[ring] * u0, b - tangents[ring] * u1
                if above0 * above1 <= 0.0:
                    rise = above0 - above1
                    share = above0 / rise if abs(rise) > _PARALLEL else 0.0
                    at = u0 + share * (u1 - u0)
                    if at > 0.0:
                        if glass:
                            pane[column, ring] = min(pane[column, ring], at)
                        elif at < reach[column, ring]:
                            reach[column, ring] = at
                            met[column, ring] = triangle
                ring += 1


@njit(cache=True, nogil=True)
def draw_planes(
    normals: Floats,
    heights: Floats,
    triangle_count: int,
    frames: Floats,
    origins: Floats,
    margin: int,
    blocks: Floats,
    tangents: Floats,
    reach: Floats,
    met: Integers,
) -> None:
    """Draw planes; the index of plane i is ``triangle_count + i``.

    Args:
        normals: (P, 3) in the sensor's frame.
        heights: (P,) of the sensor's origin above the planes in m.
        triangle_count: index of the first plane.
        frames: see ``draw``.
        origins: see ``draw``.
        margin: see ``draw``.
        blocks: see ``draw``.
        tangents: see ``draw``.
        reach: see ``draw``.
        met: see ``draw``.
    """
    for plane in range(len(normals)):
        x, y, z = normals[plane]
        for column in range(len(reach)):
            turn, origin = frames[column + margin], origins[column + margin]
            away = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
            up = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
            above = heights[plane] + x * origin[0] + y * origin[1] + z * origin[2]
            for block in range(len(blocks)):
                for ring in range(int(blocks[block, 0]), int(blocks[block, 1])):
                    fall = -(away + up * tangents[ring])
                    if fall > _PARALLEL:
                        at = (above + up * blocks[block, 2]) / fall
                        if 0.0 < at < reach[column, ring]:
                            reach[column, ring] = at
                            met[column, ring] = triangle_count + plane


@njit(cache=True, nogil=True)
def merge(
    reach: Floats, met: Integers, pane: Floats, other_reach: Floats, other_met: Integers,
    other_pane: Floats,
) -> None:  # fmt: skip
    """Take over what is nearer in another drawing of later triangles."""
    for column in range(len(reach)):
        for ring in range(reach.shape[1]):
            if other_reach[column, ring] < reach[column, ring]:
                reach[column, ring] = other_reach[column, ring]
                met[column, ring] = other_met[column, ring]
            pane[column, ring] = min(pane[column, ring], other_pane[column, ring])


@njit(cache=True, nogil=True)
def incidence(
    placed: Floats,
    normals: Floats,
    frames: Floats,
    margin: int,
    columns: Integers,
    tangents: Floats,
    met: Integers,
    cosine: Floats,
) -> None:
    """Cosine of the angle of incidence of beams.

    Args:
        placed: (T, 3, 3) corners of the triangles in the sensor's frame.
        normals: (P, 3) of the planes in the sensor's frame.
        frames: see ``draw``.
        margin: see ``draw``.
        columns: (N,) of the beams.
        tangents: (N,) of the beams.
        met: (N,) index of a triangle, or of a plane counted on from there.
        cosine: (N,) written.
    """
    normal = np.empty(3)
    for i in range(len(met)):
        if met[i] >= len(placed):
            normal[:] = normals[met[i] - len(placed)]
        else:
            a, b, c = placed[met[i], 0], placed[met[i], 1], placed[met[i], 2]
            for axis in range(3):
                j, k = (axis + 1) % 3, (axis + 2) % 3
                normal[axis] = (b[j] - a[j]) * (c[k] - a[k]) - (b[k] - a[k]) * (c[j] - a[j])
        frame = frames[columns[i] + margin]
        along, length = 0.0, 0.0
        for axis in range(3):  # the beam is (1, 0, tangent) in the column's frame
            along += normal[axis] * (frame[0, axis] + tangents[i] * frame[2, axis])
            length += normal[axis] * normal[axis]
        cosine[i] = abs(along) / math.sqrt(length * (1.0 + tangents[i] * tangents[i]))
