"""Occlusion in KITTI's levels, of how much of an object can be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn_ros.kitti.difficulty import FULLY_VISIBLE, LARGELY_OCCLUDED, PARTLY_OCCLUDED, UNKNOWN
from snn_ros.simulation.street.planar import FloatArray

# KITTI's people judged occlusion by eye; these shares of visible surface are ours.
_FULLY_VISIBLE_SHARE = 0.8
_PARTLY_OCCLUDED_SHARE = 0.5


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
