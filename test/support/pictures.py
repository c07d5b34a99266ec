"""How far two pictures are apart, in levels of 0 to 255."""

from collections.abc import Iterable

import numpy as np

LARGEST_MEAN = 1.0
LARGEST_OF_MOST = 8.0  # of 99 % of the pixels


def differences(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Mean difference of all levels, the difference that 99 % of the pixels keep to, the largest.

    Args:
        pairs: of (H, W, 3) uint8. A pixel differs by the largest difference of its colours.
    """
    counts, total, levels = np.zeros(256, dtype=np.int64), 0, 0
    for first, second in pairs:
        apart = np.abs(first.astype(np.int16) - second)
        total, levels = total + int(apart.sum()), levels + apart.size
        counts += np.bincount(apart.max(axis=-1).ravel(), minlength=256)
    shares = np.cumsum(counts) / counts.sum()
    return {
        "mean": total / levels,
        "of_99_percent": float(np.searchsorted(shares, 0.99)),
        "largest": float(np.flatnonzero(counts).max()),
    }
