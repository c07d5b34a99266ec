"""How well queries find their places, from a matrix of scores.

Everywhere ``scores`` is (P, Q) with places as rows, queries as columns and larger for more alike,
and ``truth`` is (P, Q) bool: which places a query may be taken for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snn_ros.metrics.precision_recall import PrecisionRecall, precision_recall

Scores = NDArray[np.floating]
Truth = NDArray[np.bool_]


def widened(truth: Truth, tolerance: int) -> Truth:
    """The truth with the neighbours along the route, up to ``tolerance`` places away."""
    wide = truth.copy()
    for shift in range(1, tolerance + 1):
        wide[shift:] |= truth[:-shift]
        wide[:-shift] |= truth[shift:]
    return wide


def recall_at(scores: Scores, truth: Truth, best: Sequence[int] = (1,)) -> NDArray[np.float64]:
    """Share of the queries whose best N places hold a true one, of those that have one.

    Among equal scores the last place comes first.

    Args:
        scores: (P, Q).
        truth: (P, Q).
        best: each N.

    Returns:
        one share per N; 0 if no query has a true place.
    """
    known = truth.any(axis=0)
    if not known.any():
        return np.zeros(len(best))
    ranking = np.argsort(scores[:, known], axis=0, kind="stable")[::-1]
    hits = np.take_along_axis(truth[:, known], ranking, axis=0)
    return np.array([hits[:n].any(axis=0).mean() for n in best])


def best_match_curve(
    scores: Scores, truth: Truth, thresholds: int = 100, relevant: int | None = None
) -> PrecisionRecall:
    """Precision and recall of the best place of each query over a threshold of its score.

    Args:
        scores: (P, Q).
        truth: (P, Q).
        thresholds: how many, evenly from the highest best score to the lowest.
        relevant: queries there are to be matched; those with a true place if None, so that the
            recall ends at recall@1. The number of right best matches makes it end at 1.
    """
    best = scores.max(axis=0)
    correct = truth[scores.argmax(axis=0), np.arange(scores.shape[1])]
    if relevant is None:
        relevant = int(truth.any(axis=0).sum())
    return precision_recall(
        best, correct, relevant, np.linspace(best.max(), best.min(), thresholds)
    )


def every_pair_curve(scores: Scores, truth: Truth, thresholds: int = 100) -> PrecisionRecall:
    """Precision and recall where each pair above the threshold counts as an answer."""
    levels = np.linspace(scores.max(), scores.min(), thresholds)
    return precision_recall(scores.ravel(), truth.ravel(), int(truth.sum()), levels)
