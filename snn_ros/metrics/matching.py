"""Which detection finds which object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MISSED = -1
"""In place of a row where there is no partner."""


def match_by_score(
    overlaps: NDArray[np.floating], scores: NDArray[np.floating], threshold: float
) -> NDArray[np.int64]:
    """Give each detection, best score first, the object it overlaps most of those left.

    Args:
        overlaps: (D, N) of D detections with N objects.
        scores: (D,); among equal ones the earlier row goes first.
        threshold: smallest overlap of a pair, above 0.

    Returns:
        (D,) row of the object, or ``MISSED``.
    """
    partners = np.full(len(scores), MISSED, dtype=np.int64)
    left = np.where(overlaps >= threshold, overlaps, 0.0)
    for row in np.argsort(-scores, kind="stable").tolist():
        if not left[row].any():
            continue
        partners[row] = best = int(left[row].argmax())
        left[:, best] = 0.0
    return partners
