"""Boxes as residuals to anchors, and headings as one of two directions.

The coding of SECOND (Y. Yan, Y. Mao, B. Li, Sensors 2018): offsets of the centre over the diagonal
of the anchor's base and over its height, logarithms of the ratios of sizes, difference of headings.
A difference of headings is learned up to half a turn; a classifier tells which half.
Functions take NumPy arrays and torch tensors alike.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from array_api_compat import array_namespace

from snn_ros.geometry.angles import wrap_angle

Array: TypeAlias = Any
"""A NumPy array or a torch tensor; results are of the kind of the arguments."""

DIRECTION_OFFSET = 0.78539
"""Where the first of the two directions begins, in rad: away from the headings that are common."""


def encode_boxes(boxes: Array, anchors: Array) -> Array:
    """Residuals (..., 7) of boxes (..., 7) to anchors (..., 7), all sizes above zero."""
    xp = array_namespace(boxes, anchors)
    offset = (boxes[..., :3] - anchors[..., :3]) / _scale(anchors)
    sizes = xp.log(boxes[..., 3:6] / anchors[..., 3:6])
    turn = boxes[..., 6:] - anchors[..., 6:]
    return xp.concat([offset, sizes, turn], axis=-1)


def decode_boxes(residuals: Array, anchors: Array) -> Array:
    """Boxes (..., 7) of residuals (..., 7) to anchors (..., 7); yaw is not wrapped."""
    xp = array_namespace(residuals, anchors)
    centre = residuals[..., :3] * _scale(anchors) + anchors[..., :3]
    sizes = xp.exp(residuals[..., 3:6]) * anchors[..., 3:6]
    yaw = residuals[..., 6:] + anchors[..., 6:]
    return xp.concat([centre, sizes, yaw], axis=-1)


def direction_of(yaw: Array, offset: float = DIRECTION_OFFSET) -> Array:
    """Which half turn headings lie in.

    Args:
        yaw: (...) in rad.
        offset: where the first half begins.

    Returns:
        (...) bool: False in [offset, offset + pi), True in the half turn after it.
    """
    return wrap_angle(yaw, offset) >= offset + math.pi


def with_direction(yaw: Array, direction: Array, offset: float = DIRECTION_OFFSET) -> Array:
    """Headings known up to half a turn, put into the half turn that was told.

    Args:
        yaw: (...) in rad.
        direction: (...) as of ``direction_of``, or 0 and 1.
        offset: where the first half begins.

    Returns:
        (...) in [offset, offset + 2 pi).
    """
    return wrap_angle(yaw, offset, math.pi) + math.pi * direction


def _scale(anchors: Array) -> Array:
    """(..., 3) diagonal of the base, twice, and height."""
    xp = array_namespace(anchors)
    diagonal = xp.sqrt(anchors[..., 3] ** 2 + anchors[..., 4] ** 2)
    return xp.stack([diagonal, diagonal, anchors[..., 5]], axis=-1)
