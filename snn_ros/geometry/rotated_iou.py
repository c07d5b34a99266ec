"""Overlap of upright boxes (see ``boxes``), seen from above and in space.

Everything that works pair by pair takes NumPy arrays and torch tensors alike, and torch has its
gradients. The area common to two rectangles is a sum over the four edges of the first, with no
case for how they lie. In the second one's axes, where it spans [-a, a] x [-b, b], Green's theorem
gives, for f = (clip(x, -a, a) + a) where |y| <= b and 0 elsewhere, so that df/dx is 1 inside the
second rectangle and 0 outside,

    common area = integral of df/dx over the first = line integral of f dy around the first.

f is continuous along x, so rounding errors stay rounding errors where edges coincide.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from snn_ros.geometry.boxes import Boxes

Array: TypeAlias = Any
"""A NumPy array or a torch tensor; results are of the kind of the arguments."""

_SMALLEST = 1e-12  # keeps quotients finite where numerators vanish too
_LENGTH_SIGNS = ((1.0, 1.0, -1.0, -1.0), (-1.0, 1.0, 1.0, -1.0))  # front right, counter-clockwise


def common_area(first: Array, second: Array) -> Array:
    """Area in which boxes overlap, seen from above.

    Args:
        first: (..., 7).
        second: (..., 7), of a shape that fits.

    Returns:
        (...) in m².
    """
    xp = array_namespace(first, second)
    half_length, half_width = 0.5 * second[..., 3, None], 0.5 * second[..., 4, None]
    x, y = _corners_in_axes_of(second, first)
    next_x, next_y = xp.roll(x, -1, axis=-1), xp.roll(y, -1, axis=-1)
    start_y = xp.clip(y, -half_width, half_width)
    end_y = xp.clip(next_y, -half_width, half_width)
    rise = next_y - y
    slope = (next_x - x) / xp.where(xp.abs(rise) > _SMALLEST, rise, _SMALLEST + 0.0 * rise)
    start_x, end_x = x + (start_y - y) * slope, x + (end_y - y) * slope
    mean = _mean_clipped(start_x, end_x, half_length)
    area = xp.sum((mean + half_length) * (end_y - start_y), axis=-1)
    smaller = xp.minimum(first[..., 3] * first[..., 4], second[..., 3] * second[..., 4])
    return xp.minimum(xp.clip(area, min=0.0), smaller)


def _corners_in_axes_of(frame: Array, boxes: Array) -> tuple[Array, Array]:
    """Coordinates x and y, (..., 4) each, of corners counter-clockwise in the axes of ``frame``."""
    xp = array_namespace(frame, boxes)
    signs_x, signs_y = (
        xp.asarray(signs, dtype=boxes.dtype, device=boxes.device) for signs in _LENGTH_SIGNS
    )
    east, north = boxes[..., 0] - frame[..., 0], boxes[..., 1] - frame[..., 1]
    cosine, sine = xp.cos(frame[..., 6]), xp.sin(frame[..., 6])
    x, y = east * cosine + north * sine, north * cosine - east * sine
    turn = boxes[..., 6] - frame[..., 6]
    cosine, sine = xp.cos(turn)[..., None], xp.sin(turn)[..., None]
    along, across = 0.5 * boxes[..., 3, None] * signs_x, 0.5 * boxes[..., 4, None] * signs_y
    return (
        x[..., None] + along * cosine - across * sine,
        y[..., None] + along * sine + across * cosine,
    )


def _mean_clipped(start: Array, end: Array, limit: Array) -> Array:
    """Mean of clip(x, -limit, limit) while x goes evenly from start to end."""
    xp = array_namespace(start, end)
    low, high = xp.minimum(start, end), xp.maximum(start, end)
    span = xp.clip(high - low, min=_SMALLEST)
    above = xp.clip((high - limit) / span, min=0.0, max=1.0)
    below = xp.clip((-limit - low) / span, min=0.0, max=1.0)
    within = 0.5 * (xp.clip(low, -limit, limit) + xp.clip(high, -limit, limit))
    return (1.0 - above - below) * within + (above - below) * limit


def common_height(first: Array, second: Array) -> Array:
    """Height (...) in m that boxes (..., 7) share."""
    xp = array_namespace(first, second)
    top = xp.minimum(first[..., 2] + 0.5 * first[..., 5], second[..., 2] + 0.5 * second[..., 5])
    bottom = xp.maximum(first[..., 2] - 0.5 * first[..., 5], second[..., 2] - 0.5 * second[..., 5])
    return xp.clip(top - bottom, min=0.0)


def bev_iou(first: Array, second: Array) -> Array:
    """Intersection over union (...) of boxes (..., 7) seen from above, pair by pair."""
    return _over_union(
        common_area(first, second), first[..., 3] * first[..., 4], second[..., 3] * second[..., 4]
    )


def iou_3d(first: Array, second: Array) -> Array:
    """Intersection over union (...) of the volumes of boxes (..., 7), pair by pair."""
    common = common_area(first, second) * common_height(first, second)
    return _over_union(common, _volume(first), _volume(second))


def nearest_bev_iou(first: Array, second: Array) -> Array:
    """Intersection over union of boxes turned to the nearest axis, as anchors are assigned by.

    Args:
        first: (N, 7); yaw is taken as the nearest multiple of 90 degrees.
        second: (M, 7).

    Returns:
        (N, M).
    """
    xp = array_namespace(first, second)
    low, high = (side[:, None] for side in _nearest_rectangle(first))
    other_low, other_high = (side[None] for side in _nearest_rectangle(second))
    sides = xp.clip(xp.minimum(high, other_high) - xp.maximum(low, other_low), min=0.0)
    areas = [boxes[..., 3] * boxes[..., 4] for boxes in (first[:, None], second[None])]
    return _over_union(sides[..., 0] * sides[..., 1], *areas)


def bev_iou_matrix(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """(N, M) intersection over union, seen from above, of boxes (N, 7) with boxes (M, 7)."""
    return _of_near_pairs(bev_iou, first, second)


def iou_3d_matrix(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """(N, M) intersection over union of the volumes of boxes (N, 7) with boxes (M, 7)."""
    return _of_near_pairs(iou_3d, first, second)


def near(first: Boxes, second: Boxes) -> NDArray[np.bool_]:
    """Whether the circles around boxes (..., 7) meet, seen from above: others cannot overlap."""
    x, y = first[..., 0] - second[..., 0], first[..., 1] - second[..., 1]
    reach = _radius(first) + _radius(second)
    close: NDArray[np.bool_] = x * x + y * y < reach * reach
    return close


def _of_near_pairs(measure: Any, first: Boxes, second: Boxes) -> NDArray[np.float64]:
    result = np.zeros((len(first), len(second)))
    row, column = np.nonzero(near(first[:, None], second[None]))
    result[row, column] = measure(first[row], second[column])
    return result


def _radius(boxes: Boxes) -> Any:
    return 0.5 * np.hypot(boxes[..., 3], boxes[..., 4])


def _nearest_rectangle(boxes: Array) -> tuple[Array, Array]:
    """Lower left and upper right corners (N, 2)."""
    xp = array_namespace(boxes)
    lies_along_x = (xp.abs(xp.cos(boxes[:, 6])) >= xp.abs(xp.sin(boxes[:, 6])))[:, None]
    half = 0.5 * xp.where(lies_along_x, boxes[:, 3:5], xp.flip(boxes[:, 3:5], axis=-1))
    return boxes[:, :2] - half, boxes[:, :2] + half


def _volume(boxes: Array) -> Array:
    return boxes[..., 3] * boxes[..., 4] * boxes[..., 5]


def _over_union(common: Array, first: Array, second: Array) -> Array:
    xp = array_namespace(common)
    return xp.clip(common / xp.clip(first + second - common, min=_SMALLEST), max=1.0)
