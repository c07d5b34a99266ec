"""The place recogniser a user calls: an image in, the place and how sure it is out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.backend import Backend
from snn_ros.place_recognition.backends import DcBackend, DcBackendConfig, TempoBackend
from snn_ros.place_recognition.belief import BeliefConfig, BeliefFilter
from snn_ros.place_recognition.confidence import (
    Calibration,
    Confidence,
    chance_margin,
    confidence,
)
from snn_ros.place_recognition.dc import DcConfig
from snn_ros.place_recognition.image_watch import ImageWatch, turned
from snn_ros.place_recognition.preprocessing import Bytes, Preprocessing
from snn_ros.place_recognition.sequence import SequenceConfig, SequenceMatcher, SequenceScores
from snn_ros.place_recognition.tempo import TempoConfig
from snn_ros.place_recognition.weights import PlaceMap, load_map
from snn_ros.spiking.activity import NetworkActivity

Status = Literal["unknown", "tentative", "confirmed"]
UNKNOWN = -1  # place of an answer that is none
_TURNED_EVERY = 10  # unknown images in a row


class ProfileError(SnnRosError):
    """There is no such profile."""


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
        scores: (P,) after sequence matching.
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


@dataclass(frozen=True, eq=False)
class View:
    """An image as places are compared.

    Attributes:
        picture: (side, side).
        fault: why it cannot be used; empty if it can.
    """

    picture: Bytes
    fault: str


class PlaceRecognizer:
    """Knows where it is on a taught route."""

    def __init__(
        self,
        backend: Backend,
        preprocessing: Preprocessing,
        config: RecognizerConfig | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """Begin without a past.

        Args:
            backend: taught, or to be taught by ``teach``.
            preprocessing: of its pictures.
            config: when an answer is given.
            calibration: margins to probabilities.
        """
        self.backend = backend
        self.preprocessing = preprocessing
        self.config = config or RecognizerConfig()
        self.calibration = calibration
        sequence = self.config.sequence
        self._matcher: SequenceMatcher | BeliefFilter = SequenceMatcher(sequence)
        if self.config.filter == "bayes":
            self._matcher = BeliefFilter(self.config.belief, sequence)
        self._watch = ImageWatch(sequence.spacing)
        self._agreeing, self._last_place = 0, UNKNOWN
        self._unknown_images, self._hint = 0, ""

    @classmethod
    def from_config(
        cls,
        profile: str = "edge",
        device: str = "cpu",
        weights: Path | None = None,
        config: RecognizerConfig | None = None,
    ) -> PlaceRecognizer:
        """A recogniser of a profile.

        Args:
            profile: ``edge`` is the fast network, ``paper`` a published spiking ensemble.
            device: the networks run on the CPU whatever it says.
            weights: a map; nothing is known without.
            config: when an answer is given.

        Raises:
            ProfileError: unknown profile or device.
            MapError: the map does not fit.
        """
        if device not in ("auto", "cpu", "cuda"):
            raise ProfileError(f"device is {device!r}, not one of ['auto', 'cpu', 'cuda']")
        if profile not in PROFILES:
            raise ProfileError(f"profile is {profile!r}, not one of {sorted(PROFILES)}")
        if weights is not None:
            return cls.of_map(load_map(weights), config)
        backend, preprocessing = PROFILES[profile]
        return cls(backend(), preprocessing, config)

    @classmethod
    def of_map(cls, taught: PlaceMap, config: RecognizerConfig | None = None) -> PlaceRecognizer:
        """A recogniser of a map."""
        return cls(taught.backend, taught.preprocessing, config, taught.calibration)

    def reset(self) -> None:
        """Forget where the robot was."""
        self._matcher.reset()
        self._watch.reset()
        self._agreeing, self._last_place = 0, UNKNOWN

    def teach(self, images: list[Bytes], labels: NDArray[np.int64]) -> None:
        """Teach a route from nothing.

        Args:
            images: of all traverses, traverse after traverse.
            labels: (N,) place of each, 0..P-1.
        """
        pictures = np.stack([self.preprocessing(image) for image in images])
        self.backend.learn(pictures, labels)
        self.reset()

    def step(self, image: Bytes, stamp: float, travelled: float | None = None) -> PlaceMatch:
        """Where was this image taken?

        Args:
            image: (H, W, 3) RGB or (H, W) grey.
            stamp: in s.
            travelled: way in m that never falls; every image is a spacing on if None.

        Raises:
            ImageError: the image is not one.
        """
        return self.answer(self.view(image, travelled), stamp, travelled)

    def view(self, image: Bytes, travelled: float | None = None) -> View:
        """The image as it is compared, and whether it can be.

        Raises:
            ImageError: the image is not one.
        """
        picture = self.preprocessing(image)
        return View(picture, self._watch.fault(image, picture, travelled))

    def answer(self, view: View, stamp: float, travelled: float | None = None) -> PlaceMatch:
        """Where was this view taken? See ``step``."""
        if not len(self.backend):
            return self._unknown(stamp, "no place is taught")
        if view.fault:
            return self._unknown(stamp, view.fault)
        scores = self.backend.score(view.picture)
        if travelled is None:
            matched = self._matcher.advance(scores)
        else:
            matched = self._matcher.step(scores, travelled)
        judged = confidence(matched.scores, self.config.neighbours)
        probability = self._probability(matched, judged)
        reason = self._doubt(matched, judged.margin, probability, scores)
        if reason:
            reason += self._turned_hint(view.picture)
        return PlaceMatch(
            stamp, UNKNOWN if reason else judged.place, self._status(judged.place, reason),
            judged.place, judged.score, judged.margin, judged.entropy, probability,
            matched.columns, matched.behind, float(matched.slopes[judged.place]), reason,
            matched.scores,
        )  # fmt: skip

    @property
    def least_margin(self) -> float:
        """Margin that a place must have to be believed."""
        chance = chance_margin(len(self.backend), self.config.chance)
        return max(chance, self.config.min_margin)

    def spike_activity(self, view: View) -> NetworkActivity:
        """What the network does for a view; it takes as long as an answer."""
        return self.backend.activity(view.picture)

    def _probability(self, matched: SequenceScores, judged: Confidence) -> float:
        if matched.belief is not None:
            near = slice(
                max(judged.place - self.config.neighbours, 0),
                judged.place + self.config.neighbours + 1,
            )
            return float(matched.belief[near].sum())
        return self.calibration.probability(judged.margin) if self.calibration else float("nan")

    def _doubt(
        self,
        matched: SequenceScores,
        margin: float,
        probability: float,
        scores: NDArray[np.float32],
    ) -> str:
        if len(scores) > 1 and not np.ptp(scores):
            return "all places score the same"
        least = self.least_margin
        if matched.belief is None and margin < least:
            return f"margin {margin:.2f} is below {least:.2f}"
        if probability < self.config.min_probability:  # never with NaN
            return f"probability {probability:.2f} is below {self.config.min_probability}"
        return ""

    def _turned_hint(self, picture: Bytes) -> str:
        """More to say about an unknown place, looked for once in a while: it takes four scores."""
        if self._unknown_images % _TURNED_EVERY == 0:
            found = turned(self.backend, picture, self.least_margin, self.config.neighbours)
            self._hint = (
                f"; turned left by {found[0]} degrees it looks like place {found[1]}"
                if found
                else ""
            )
        self._unknown_images += 1
        return self._hint

    def _status(self, place: int, reason: str) -> Status:
        if reason:
            self._agreeing, self._last_place = 0, UNKNOWN
            return "unknown"
        self._unknown_images = 0
        next_to = abs(place - self._last_place) <= self.config.neighbours
        self._agreeing = self._agreeing + 1 if self._agreeing and next_to else 1
        self._last_place = place
        return "confirmed" if self._agreeing >= self.config.confirm_count else "tentative"

    def _unknown(self, stamp: float, reason: str) -> PlaceMatch:
        self._agreeing, self._last_place = 0, UNKNOWN
        nothing = float("nan")
        return PlaceMatch(
            stamp, UNKNOWN, "unknown", UNKNOWN, nothing, 0.0, 1.0, nothing, 0, 0.0, nothing,
            reason, np.zeros(len(self.backend)),
        )  # fmt: skip


PROFILES: dict[str, tuple[Callable[[], Backend], Preprocessing]] = {
    "edge": (lambda: TempoBackend(TempoConfig()), Preprocessing("gamma_first", 28, 7)),
    "paper": (
        lambda: DcBackend(DcBackendConfig(DcConfig(members=5))),
        Preprocessing("resize_first", 28, 7),
    ),
}
