"""From the scores of images along the way to a place, or to a stated doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting
from snn_ros.place_recognition.belief import BeliefConfig, BeliefFilter
from snn_ros.place_recognition.confidence import (
    Calibration,
    Confidence,
    chance_margin,
    confidence,
)
from snn_ros.place_recognition.sequence import SequenceConfig, SequenceMatcher, SequenceScores

Status = Literal["unknown", "tentative", "confirmed"]
UNKNOWN = -1  # place of an answer that is none
_NEW_EVIDENCE = 0.5  # spacings between two answers that confirm each other


@dataclass(frozen=True)
class RecognizerConfig:
    """When an answer is given."""

    sequence: SequenceConfig = setting(SequenceConfig, "the columns of scores along the way")
    filter: str = setting(
        "sequence",
        "how images along the way are put together: scores added along lines, or a Bayes filter",
        choices=("sequence", "bayes"),
        read_only=True,
    )
    belief: BeliefConfig = setting(BeliefConfig, "the Bayes filter")
    min_probability: float = setting(
        0.9,
        "below it the place is unknown, where there is a calibration or a Bayes filter",
        minimum=0.0,
        maximum=1.0,
    )
    chance: float = setting(
        0.002,
        "share of images of unknown places whose margin would pass, were their scores normal",
        minimum=1e-6,
        maximum=1.0,
    )
    min_margin: float = setting(
        0.0, "below it the place is unknown, whatever the chance", minimum=0.0
    )
    confirm_count: int = setting(
        3, "answers in a row, each next to the last, until a place is confirmed", minimum=1
    )
    neighbours: int = setting(2, "places apart that still count as next to each other", minimum=0)


@dataclass(frozen=True, eq=False)
class PlaceMatch:
    """The answer to one image.

    Attributes:
        stamp: of the image in s.
        place: number of the place; UNKNOWN if it is.
        status: ``unknown``, ``tentative`` or ``confirmed``.
        best: the best place, however poor.
        score: of it.
        margin: to the next best elsewhere, in deviations.
        entropy: 0..1.
        probability: of being right; NaN without a calibration.
        columns: of scores that were added.
        behind: way in m from where the best place was passed to the image.
        slope: places per spacing that the robot passes; negative in reverse.
        reason: why the place is unknown; empty if it is not.
        scores: (P,) after matching along the way.
        image_scores: (P,) of the image alone.
    """

    stamp: float
    place: int
    status: Status
    best: int
    score: float
    margin: float
    entropy: float
    probability: float
    columns: int
    behind: float
    slope: float
    reason: str
    scores: NDArray[np.float64]
    image_scores: NDArray[np.floating]


class PlaceMatcher:
    """Judges the scores of one image after the other."""

    def __init__(self, config: RecognizerConfig, calibration: Calibration | None = None) -> None:
        """Begin without a past.

        Args:
            config: when an answer is given.
            calibration: margins to probabilities.
        """
        self.config = config
        self.calibration = calibration
        self._matcher: SequenceMatcher | BeliefFilter = SequenceMatcher(config.sequence)
        if config.filter == "bayes":
            self._matcher = BeliefFilter(config.belief, config.sequence)
        self.reset()

    def reset(self) -> None:
        """Forget where the robot was."""
        self._matcher.reset()
        self._travelled = 0.0
        self.doubt()

    def doubt(self) -> None:
        """An image in between said nothing: what is to be confirmed begins anew."""
        self.consecutive, self._last_place, self._counted_at = 0, UNKNOWN, -np.inf

    def least_margin(self, places: int) -> float:
        """Margin that a place must have to be believed."""
        return max(chance_margin(places, self.config.chance), self.config.min_margin)

    def step(
        self, scores: NDArray[np.floating], stamp: float, travelled: float | None
    ) -> PlaceMatch:
        """Judge an image.

        Args:
            scores: (P,) the larger the more alike, P is 1 or more.
            stamp: of the image in s.
            travelled: way in m that never falls; every image is a spacing on if None.
        """
        if travelled is None:
            travelled = self._travelled + self.config.sequence.spacing
        self._travelled = travelled
        matched = self._matcher.step(scores, travelled)
        judged = confidence(matched.scores, self.config.neighbours)
        probability = self._probability(matched, judged)
        reason = self._doubt(matched, judged.margin, probability, scores)
        return PlaceMatch(
            stamp, UNKNOWN if reason else judged.place, self._status(judged.place, reason),
            judged.place, judged.score, judged.margin, judged.entropy, probability,
            matched.columns, matched.behind, float(matched.slopes[judged.place]), reason,
            matched.scores, scores,
        )  # fmt: skip

    def _probability(self, matched: SequenceScores, judged: Confidence) -> float:
        if matched.belief is not None:
            first = max(judged.place - self.config.neighbours, 0)
            return float(matched.belief[first : judged.place + self.config.neighbours + 1].sum())
        return self.calibration.probability(judged.margin) if self.calibration else float("nan")

    def _doubt(
        self,
        matched: SequenceScores,
        margin: float,
        probability: float,
        scores: NDArray[np.floating],
    ) -> str:
        if len(scores) > 1 and not np.ptp(scores):
            return "all places score the same"
        least = self.least_margin(len(scores))
        if matched.belief is None and margin < least:
            return f"margin {margin:.2f} is below {least:.2f}"
        if probability < self.config.min_probability:  # never with NaN
            return f"probability {probability:.2f} is below {self.config.min_probability}"
        return ""

    def _status(self, place: int, reason: str) -> Status:
        if reason:
            self.doubt()
            return "unknown"
        if not self.consecutive or abs(place - self._last_place) > self.config.neighbours:
            self.consecutive = 0
            self._counted_at = -np.inf
        if self._travelled - self._counted_at >= _NEW_EVIDENCE * self.config.sequence.spacing:
            self.consecutive += 1
            self._counted_at = self._travelled
        self._last_place = place
        return "confirmed" if self.consecutive >= self.config.confirm_count else "tentative"
