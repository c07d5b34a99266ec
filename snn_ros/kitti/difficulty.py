"""Which labels are easy, moderate or hard.

A. Geiger, P. Lenz, R. Urtasun: Are we ready for autonomous driving? CVPR 2012, and the object
development kit: truncation is a share in 0 (inside the image) to 1; occlusion is 0 (fully visible),
1 (partly occluded), 2 (largely occluded) or 3 (unknown).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULLY_VISIBLE, PARTLY_OCCLUDED, LARGELY_OCCLUDED, UNKNOWN = 0, 1, 2, 3
EASY, MODERATE, HARD, NO_DIFFICULTY = 0, 1, 2, -1
DIFFICULTIES = ("easy", "moderate", "hard")

SMALLEST_HEIGHT = np.array([40.0, 25.0, 25.0])
"""Of the development kit, in pixels per difficulty: labels must be higher, detections as high."""

# Of the development kit, per difficulty: labels have at most this.
_LARGEST_OCCLUSION = np.array([0, 1, 2])
_LARGEST_TRUNCATION = np.array([0.15, 0.30, 0.50])


def counts_for(
    heights: NDArray[np.float64], occlusion: NDArray[np.integer], truncation: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which difficulties objects count for.

    Args:
        heights: (N,) of the 2D boxes in pixels.
        occlusion: (N,) levels.
        truncation: (N,) shares.

    Returns:
        (N, 3) easy, moderate, hard.
    """
    counts: NDArray[np.bool_] = (
        (heights[:, None] > SMALLEST_HEIGHT)
        & (occlusion[:, None] <= _LARGEST_OCCLUSION)
        & (truncation[:, None] <= _LARGEST_TRUNCATION)
    )
    return counts


def difficulties(
    heights: NDArray[np.float64], occlusion: NDArray[np.integer], truncation: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The easiest difficulty that an object counts for.

    Args:
        heights: (N,) of the 2D boxes in pixels.
        occlusion: (N,) levels.
        truncation: (N,) shares.

    Returns:
        (N,) ``EASY``, ``MODERATE``, ``HARD``, or ``NO_DIFFICULTY`` for what is ignored in all.
    """
    counts = counts_for(heights, occlusion, truncation)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), NO_DIFFICULTY)
