"""Precision and recall over thresholds of a score, for detections and for places alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """A curve, from the highest threshold to the lowest.

    Attributes:
        thresholds: (T,) falling; answers with at least this score are accepted.
        precision: (T,) share of the accepted that are correct; 1 where nothing is accepted.
        recall: (T,) correct ones of all that there are to find.
    """

    thresholds: Floats
    precision: Floats
    recall: Floats

    @property
    def area(self) -> float:
        """Area under the curve by trapezoids, from precision 1 at recall 0."""
        recall = np.concatenate([[0.0], self.recall])
        precision = np.concatenate([[1.0], self.precision])
        return float(np.sum(np.diff(recall) * (precision[1:] + precision[:-1]) / 2))

    @property
    def recall_at_full_precision(self) -> float:
        """Largest recall without a single wrong answer."""
        return float(self.recall[self.precision == 1.0].max(initial=0.0))


def precision_recall(
    scores: NDArray[np.floating],
    correct: NDArray[np.bool_],
    relevant: int,
    thresholds: NDArray[np.floating] | None = None,
) -> PrecisionRecall:
    """The curve of scored answers.

    Args:
        scores: (N,) of the answers.
        correct: (N,) which are right.
        relevant: how many right answers there are to give, found or not.
        thresholds: (T,) to look at; each score that occurs if None.
    """
    if thresholds is None:
        thresholds = np.unique(scores)
    falling = np.sort(np.asarray(thresholds, dtype=np.float64))[::-1]
    order = np.argsort(-scores, kind="stable")
    accepted = np.searchsorted(-scores[order], -falling, side="right")
    right = np.concatenate([[0], np.cumsum(correct[order])])[accepted]
    precision = np.where(accepted > 0, right / np.maximum(accepted, 1), 1.0)
    recall = right / relevant if relevant else np.zeros(len(falling))
    return PrecisionRecall(falling, precision, recall)
