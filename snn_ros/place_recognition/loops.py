"""Loop closures: places met again that were left long ago."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.matching import PlaceMatch, PlaceMatcher, RecognizerConfig


@dataclass(frozen=True)
class LoopConfig:
    """When a loop is reported."""

    exclusion: float = setting(
        20.0, "way since a place was taught before it can close a loop", unit="m", minimum=0.0
    )
    cooldown: float = setting(10.0, "way between two reports", unit="m", minimum=0.0)


@dataclass(frozen=True, eq=False)
class Loop:
    """A place met again.

    Attributes:
        match: among the places that were left long ago.
        travelled: way in m since the place was taught; NaN for a place of another drive.
        consecutive: answers in a row that agree.
    """

    match: PlaceMatch
    travelled: float
    consecutive: int


class LoopDetector:
    """Matches every image with the places that were left long ago, as if there were no others.

    Places are numbered along the way, so those are the first ones of the route. The places just
    passed would win otherwise: they look most like what is seen now.
    """

    def __init__(
        self,
        config: LoopConfig,
        recognition: RecognizerConfig,
        calibration: Calibration | None = None,
    ) -> None:
        """Begin without a past.

        Args:
            config: when a loop is reported.
            recognition: when a place is believed and confirmed.
            calibration: margins to probabilities.
        """
        self.config = config
        self.matcher = PlaceMatcher(recognition, calibration)
        self.reset()

    def reset(self) -> None:
        """Forget where the robot was, and the last report."""
        self.matcher.reset()
        self._reported = self._confirmed = -np.inf
        self.known = False

    def step(
        self,
        scores: NDArray[np.floating] | None,
        stamp: float,
        travelled: float,
        taught: NDArray[np.float64],
        earlier: int,
    ) -> Loop | None:
        """Take the scores of an image.

        ``known`` then says whether the robot is on a stretch that it knows from long ago, or was
        until a moment ago: as many spacings as answers are needed to confirm a place.

        Args:
            scores: (P,) of the image alone; None if it could not be used.
            stamp: of the image in s.
            travelled: way in m, as in ``taught``.
            taught: (P,) way at which each place was taught, rising.
            earlier: how many of the places are of earlier drives.
        """
        old = max(
            earlier, int(np.searchsorted(taught, travelled - self.config.exclusion, side="right"))
        )
        match = None
        if scores is None or old == 0:
            self.matcher.doubt()
        else:
            match = self.matcher.step(scores[:old], stamp, travelled)
            if match.status == "confirmed":
                self._confirmed = travelled
        patience = self.matcher.config.confirm_count * self.matcher.config.sequence.spacing
        self.known = travelled - self._confirmed <= patience
        if match is None or match.status != "confirmed":
            return None
        if travelled - self._reported < self.config.cooldown:
            return None
        self._reported = travelled
        since = travelled - taught[match.place] if match.place >= earlier else float("nan")
        return Loop(match, float(since), self.matcher.consecutive)
