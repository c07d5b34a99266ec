"""Sum of absolute differences of the small pictures: the baseline, the prefilter, the fallback."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snn_ros.place_recognition.preprocessing import Bytes


class SadPlaces:
    """One picture per place."""

    def __init__(self, templates: Bytes) -> None:
        """Start from taught places.

        Args:
            templates: (P, side, side) pictures.
        """
        self.templates = np.ascontiguousarray(templates)

    def __len__(self) -> int:
        return len(self.templates)

    def score(self, picture: Bytes) -> NDArray[np.float32]:
        """(P,) minus the mean absolute difference in 0..1; 0 is the very picture."""
        sums = _absolute_differences(self.templates.reshape(len(self), -1), picture.ravel())
        return -sums.astype(np.float32) / np.float32(255 * picture.size)


@njit(cache=True)
def _absolute_differences(templates: Bytes, picture: Bytes) -> NDArray[np.int64]:
    sums = np.empty(len(templates), dtype=np.int64)
    for place in range(len(templates)):
        total = np.int32(0)
        for pixel in range(picture.size):
            total += abs(np.int32(templates[place, pixel]) - np.int32(picture[pixel]))
        sums[place] = total
    return sums
