"""The place recogniser a user calls: an image in, the place and how sure it is out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.backend import Backend
from snn_ros.place_recognition.backends import DcBackend, DcBackendConfig, TempoBackend
from snn_ros.place_recognition.confidence import Calibration, confidence
from snn_ros.place_recognition.dc import DcConfig
from snn_ros.place_recognition.preprocessing import Bytes, Preprocessing
from snn_ros.place_recognition.sequence import SequenceConfig, SequenceMatcher
from snn_ros.place_recognition.tempo import TempoConfig
from snn_ros.place_recognition.weights import PlaceMap, load_map

Status = Literal["unknown", "tentative", "confirmed"]
UNKNOWN = -1  # place of an answer that is none
_FLAT_LEVEL = 127
_MOSTLY_FLAT = 0.95


class ProfileError(SnnRosError):
    """There is no such profile."""


@dataclass(frozen=True)
class RecognizerConfig:
    """When an answer is given.

    Attributes:
        sequence: of the columns of scores.
        min_probability: below it the place is unknown, where there is a calibration.
        min_margin: below it the place is unknown.
        confirm_count: answers in a row, each next to the last, until a place is confirmed.
        neighbours: places apart that still count as next to each other.
    """

    sequence: SequenceConfig = field(default_factory=SequenceConfig)
    min_probability: float = 0.9
    min_margin: float = 0.0
    confirm_count: int = 3
    neighbours: int = 2


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
    reason: str
    scores: NDArray[np.float64]


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
        self._matcher = SequenceMatcher(self.config.sequence)
        self._agreeing, self._last_place = 0, UNKNOWN

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
            loaded = load_map(weights)
            return cls(loaded.backend, loaded.preprocessing, config)
        backend, preprocessing = PROFILES[profile]
        return cls(backend(), preprocessing, config)

    @classmethod
    def of_map(cls, taught: PlaceMap, config: RecognizerConfig | None = None) -> PlaceRecognizer:
        """A recogniser of a map."""
        return cls(taught.backend, taught.preprocessing, config)

    def reset(self) -> None:
        """Forget where the robot was."""
        self._matcher.reset()
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
        picture = self.preprocessing(image)
        if not len(self.backend):
            return self._unknown(stamp, "no place is taught")
        if (picture == _FLAT_LEVEL).mean() > _MOSTLY_FLAT:
            return self._unknown(stamp, "the image has no structure")
        scores = self.backend.score(picture)
        if travelled is None:
            matched = self._matcher.advance(scores)
        else:
            matched = self._matcher.step(scores, travelled)
        judged = confidence(matched.scores, self.config.neighbours)
        probability = (
            self.calibration.probability(judged.margin) if self.calibration else float("nan")
        )
        reason = self._doubt(judged.margin, probability, scores)
        return PlaceMatch(
            stamp, UNKNOWN if reason else judged.place, self._status(judged.place, reason),
            judged.place, judged.score, judged.margin, judged.entropy, probability,
            matched.columns, reason, matched.scores,
        )  # fmt: skip

    def _doubt(self, margin: float, probability: float, scores: NDArray[np.float32]) -> str:
        if len(scores) > 1 and not np.ptp(scores):
            return "all places score the same"
        if margin < self.config.min_margin:
            return f"margin {margin:.2f} is below {self.config.min_margin}"
        if probability < self.config.min_probability:  # never with NaN
            return f"probability {probability:.2f} is below {self.config.min_probability}"
        return ""

    def _status(self, place: int, reason: str) -> Status:
        if reason:
            self._agreeing, self._last_place = 0, UNKNOWN
            return "unknown"
        next_to = abs(place - self._last_place) <= self.config.neighbours
        self._agreeing = self._agreeing + 1 if self._agreeing and next_to else 1
        self._last_place = place
        return "confirmed" if self._agreeing >= self.config.confirm_count else "tentative"

    def _unknown(self, stamp: float, reason: str) -> PlaceMatch:
        self._agreeing, self._last_place = 0, UNKNOWN
        nothing = float("nan")
        return PlaceMatch(
            stamp, UNKNOWN, "unknown", UNKNOWN, nothing, 0.0, 1.0, nothing, 0, reason,
            np.zeros(len(self.backend)),
        )  # fmt: skip


PROFILES: dict[str, tuple[Callable[[], Backend], Preprocessing]] = {
    "edge": (lambda: TempoBackend(TempoConfig()), Preprocessing("gamma_first", 28, 7)),
    "paper": (
        lambda: DcBackend(DcBackendConfig(DcConfig(members=5))),
        Preprocessing("resize_first", 28, 7),
    ),
}
