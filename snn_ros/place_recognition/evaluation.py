"""How well a route is recognised: image by image, along sequences, and as the node would answer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snn_ros.metrics.calibration import CalibrationCurve, calibration_curve
from snn_ros.metrics.precision_recall import PrecisionRecall, precision_recall
from snn_ros.metrics.retrieval import recall_at, widened
from snn_ros.place_recognition.belief import BeliefFilter
from snn_ros.place_recognition.confidence import confidence
from snn_ros.place_recognition.matching import PlaceMatch, RecognizerConfig
from snn_ros.place_recognition.pipeline import PlaceRecognizer
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.sequence import SequenceMatcher

_LONG = 10  # columns of the long sequences that are scored
_TOLERANCE = 2  # places that count as near


@dataclass(frozen=True, eq=False)
class Drive:
    """What a recogniser answered along a drive.

    Attributes:
        matches: of each image.
        travelled: (Q,) way in m of each.
        durations: (Q,) s of each answer.
    """

    matches: tuple[PlaceMatch, ...]
    travelled: NDArray[np.float64]
    durations: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """(P, Q) of each image alone; an image that could not be used scores 0 everywhere."""
        return np.stack([match.image_scores for match in self.matches], axis=1).astype(np.float64)


def driven(recognizer: PlaceRecognizer, images: Iterable[tuple[Bytes, float]]) -> Drive:
    """Ask about every image of a drive.

    Args:
        recognizer: taught; its past is dropped.
        images: each with its way in m, which never falls.
    """
    recognizer.reset()
    matches, ways, durations = [], [], []
    for number, (image, way) in enumerate(images):
        began = time.perf_counter()
        matches.append(recognizer.step(image, float(number), way))
        durations.append(time.perf_counter() - began)
        ways.append(way)
    return Drive(tuple(matches), np.array(ways), np.array(durations))


@dataclass(frozen=True, eq=False)
class RouteScores:
    """What came of a drive.

    Attributes:
        figures: by name.
        curves: precision and recall over the margin, by name.
        calibration: of the stated probabilities; None where there are none.
    """

    figures: dict[str, float]
    curves: dict[str, PrecisionRecall]
    calibration: CalibrationCurve | None


def scored(recognizer: PlaceRecognizer, drive: Drive, truth: NDArray[np.bool_]) -> RouteScores:
    """Hold a drive against the truth.

    Recalls count the images that have a true place. ``pm2``: two places away is right too.

    Args:
        recognizer: as it was asked.
        drive: its answers.
        truth: (P, Q) which places an image may be taken for.
    """
    near = widened(truth, _TOLERANCE)
    figures, curves = matrix_figures(drive.scores, drive.travelled, truth, recognizer.config)
    answers = _answers(drive, truth, near)
    calibration = _calibration(drive, near)
    if calibration is not None:
        answers["calibration_error"] = calibration.error
    return RouteScores(figures | answers, curves, calibration)


def matrix_figures(
    scores: NDArray[np.floating],
    travelled: NDArray[np.float64],
    truth: NDArray[np.bool_],
    config: RecognizerConfig,
) -> tuple[dict[str, float], dict[str, PrecisionRecall]]:
    """What scores alone tell: of single images, put together in tens, and by a Bayes filter.

    ``seq10`` is sequence matching as configured, where places that look alike are told apart by
    the drive so far; ``window10`` goes by the ten columns alone.

    Args:
        scores: (P, Q) the larger the more alike.
        travelled: (Q,) way in m of each image.
        truth: (P, Q).
        config: of sequences and filter; the length is ten.

    Returns:
        figures and curves by name, see ``scored``.
    """
    near = widened(truth, _TOLERANCE)
    long = SequenceMatcher(replace(config.sequence, length=_LONG))
    belief = BeliefFilter(config.belief, config.sequence)
    forms = {"": scores, "_seq10": put_together(scores, travelled, long)}
    figures: dict[str, float] = {}
    curves = {}
    for name, columns in forms.items():
        figures[f"recall_at_1{name}"] = float(recall_at(columns, truth)[0])
        figures[f"recall_at_1{name}_pm2"] = float(recall_at(columns, near)[0])
        curve = _margin_curve(columns, near, config.neighbours)
        figures[f"pr_auc{name}"] = curve.area
        figures[f"recall_at_100_precision{name}"] = curve.recall_at_full_precision
        curves["10 columns" if name else "single image"] = curve
    window = SequenceMatcher(replace(config.sequence, length=_LONG, tie=0.0))
    windowed = put_together(scores, travelled, window)
    figures["recall_at_1_window10"] = float(recall_at(windowed, truth)[0])
    figures["recall_at_1_window10_pm2"] = float(recall_at(windowed, near)[0])
    believed = put_together(scores, travelled, belief)
    figures["recall_at_1_bayes"] = float(recall_at(believed, truth)[0])
    figures["recall_at_1_bayes_pm2"] = float(recall_at(believed, near)[0])
    return figures, curves


def put_together(
    scores: NDArray[np.floating],
    travelled: NDArray[np.float64],
    matcher: SequenceMatcher | BeliefFilter,
) -> NDArray[np.float64]:
    """(P, Q) scores of the images along the way."""
    columns = zip(scores.T, travelled, strict=True)
    return np.stack([matcher.step(column, way).scores for column, way in columns], axis=1)


def _margin_curve(
    scores: NDArray[np.floating], truth: NDArray[np.bool_], neighbours: int
) -> PrecisionRecall:
    judged = [confidence(column, neighbours) for column in scores.T]
    margins = np.array([one.margin for one in judged])
    right = truth[[one.place for one in judged], np.arange(len(judged))]
    return precision_recall(margins, right, int(truth.any(axis=0).sum()))


def _answers(drive: Drive, truth: NDArray[np.bool_], near: NDArray[np.bool_]) -> dict[str, float]:
    """Of the answers at the configured thresholds, as the node gives them."""
    place = np.array([match.place for match in drive.matches])
    best = np.array([max(match.best, 0) for match in drive.matches])
    image = np.arange(len(place))
    known = truth.any(axis=0)
    right = near[best, image]
    accepted = place >= 0
    found = {
        "answer_recall_at_1": float(truth[best, image][known].mean()) if known.any() else 0.0,
        "answer_recall_at_1_pm2": float(right[known].mean()) if known.any() else 0.0,
        "accepted": float(accepted.mean()),
        "accepted_wrong": float((accepted & ~right).mean()),
    }
    if not known.all():
        found["accepted_unknown"] = float(accepted[~known].mean())
    return found


def _calibration(drive: Drive, near: NDArray[np.bool_]) -> CalibrationCurve | None:
    probability = np.array([match.probability for match in drive.matches])
    stated = np.isfinite(probability)
    if not stated.any():
        return None
    best = np.array([match.best for match in drive.matches])
    right = near[best[stated], np.flatnonzero(stated)]
    return calibration_curve(probability[stated], right)
