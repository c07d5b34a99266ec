"""Angles in rad, of NumPy arrays and torch tensors alike."""

from __future__ import annotations

import math
from typing import Any


def wrap_angle(angle: Any, start: float = -math.pi, period: float = 2.0 * math.pi) -> Any:
    """The same angles in [start, start + period).

    Args:
        angle: any shape.
        start: smallest angle to give.
        period: by which angles are taken as equal; pi where both ends of an object look alike.
    """
    return (angle - start) % period + start
