"""How far a best place can be trusted: margin, entropy, probability of being right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError

Doubles = NDArray[np.float64]


class CalibrationError(SnnRosError):
    """There is nothing to calibrate with."""


@dataclass(frozen=True)
class Confidence:
    """About one answer.

    Attributes:
        place: the best.
        score: of it.
        margin: to the best place that is not its neighbour, in deviations of the scores; 0 where
            all scores are equal.
        entropy: of the scores as a distribution over places, 0..1; 1 is not knowing at all.
    """

    place: int
    score: float
    margin: float
    entropy: float


def confidence(scores: NDArray[np.floating], neighbours: int = 2) -> Confidence:
    """Judge one column of scores.

    Args:
        scores: (P,); -inf is no candidate.
        neighbours: places on either side of the best that are not rivals.
    """
    candidates = np.isfinite(scores)
    if not candidates.any():
        return Confidence(-1, float("-inf"), 0.0, 1.0)
    best = int(scores.argmax())
    known = scores[candidates].astype(np.float64)
    deviation = known.std()
    rivals = candidates.copy()
    rivals[max(best - neighbours, 0) : best + neighbours + 1] = False
    margin = 0.0
    if deviation > 0 and rivals.any():
        margin = float((scores[best] - scores[rivals].max()) / deviation)
    return Confidence(best, float(scores[best]), margin, _entropy(known, deviation))


def chance_margin(places: int, chance: float) -> float:
    """Margin that a best place reaches by chance alone.

    The distance between the two largest of P independent normal scores is about exponential with
    mean 1 / sqrt(2 ln P) deviations (spacings of extremes).

    Args:
        places: P.
        chance: share of the images of unknown places that reach it.
    """
    return float(-np.log(chance) / np.sqrt(2 * np.log(max(places, 2))))


def _entropy(scores: Doubles, deviation: float) -> float:
    if deviation == 0.0 or len(scores) == 1:
        return 1.0
    weight = np.exp((scores - scores.max()) / deviation)
    share = weight / weight.sum()
    return float(-(share * np.log(share)).sum() / np.log(len(share)))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probability of being right as a rising function of the margin.

    Attributes:
        margins: (K,) rising.
        probabilities: (K,) rising.
    """

    margins: Doubles
    probabilities: Doubles

    def probability(self, margin: float) -> float:
        """Between the knots on straight lines, beyond them as at the last."""
        return float(np.interp(margin, self.margins, self.probabilities))


def calibrate(
    margins: Doubles, correct: NDArray[np.bool_], weights: Doubles | None = None
) -> Calibration:
    """The rising function nearest to what was seen (isotonic regression).

    One right and one wrong answer are added at the ends, so that no finite experience makes a
    certainty.

    Args:
        margins: (N,) of answers of known outcome, from images that were not taught.
        correct: (N,) whether they were right.
        weights: (N,) how often such an answer is met, above 0; all alike if None.

    Raises:
        CalibrationError: there are none.
    """
    from scipy.optimize import isotonic_regression  # takes a second, and only teaching needs it

    if len(margins) == 0:
        raise CalibrationError("calibration: no answers of known outcome")
    order = np.argsort(margins, kind="stable")
    outcome = np.concatenate([[0.0, 1.0], correct[order].astype(np.float64), [0.0, 1.0]])
    met = np.ones(len(margins)) if weights is None else weights[order]
    fitted = isotonic_regression(outcome, weights=np.pad(met, 2, constant_values=1.0)).x[2:-2]
    knots = margins[order].astype(np.float64)
    return Calibration(knots, fitted)
