"""Matching of short stretches of the route instead of single images, while driving.

Scores of the last images are added along lines through the places: the robot passes them in their
order, somewhat faster or slower than in teaching, or in reverse. What counts is the way travelled,
not time, so standing still adds nothing.

Places that look alike, say along a standstill in teaching, score alike but for noise. Among those
within a tolerance of the best the one wins to which the drive so far leads, place after place,
however long ago the places looked different. Nothing else is changed by it, and the tied places
stay tied: their margin is 0.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting

Doubles = NDArray[np.float64]

_RANK = 1e-9  # by which tied scores differ at most
_KEPT = 0.95  # of the track, from column to column


@dataclass(frozen=True)
class SequenceConfig:
    """How stretches are matched."""

    length: int = setting(4, "columns of scores that are added", minimum=1, maximum=100)
    spacing: float = setting(
        1.0, "way between two columns, as between places", unit="m", minimum=0.01
    )
    slopes: tuple[float, ...] = setting(
        (0.8, 1.0, 1.25, -0.8, -1.0, -1.25),
        "places passed per column; negative ones are the route in reverse",
        minimum=-10.0,
        maximum=10.0,
    )
    normalised: bool = setting(
        True, "bring every column to mean 0 and deviation 1 over places first"
    )
    tie: float = setting(
        0.2,
        "deviations below the best within which places are equally alike, and the drive so far "
        "decides",
        minimum=0.0,
        maximum=10.0,
    )
    longest_step: float = setting(
        10.0, "spacings between two images beyond which the past is dropped", minimum=0.1
    )

    @property
    def longest_way(self) -> float:
        """Between two images in m beyond which the past is dropped."""
        return self.longest_step * self.spacing


@dataclass(frozen=True, eq=False)
class SequenceScores:
    """What the last stretch says about where the robot is now.

    Attributes:
        scores: (P,) mean over the columns, for the best slope; -inf where the stretch would begin
            outside the route.
        slopes: (P,) the best slope of each place.
        columns: how many were added; fewer than the length at the beginning.
        behind: way in m from the newest column, of which the scores speak, to the image.
        belief: (P,) chance of each place, where a Bayes filter gives one.
    """

    scores: Doubles
    slopes: Doubles
    columns: int
    behind: float = 0.0
    belief: Doubles | None = None


def standardised(scores: NDArray[np.floating]) -> Doubles:
    """Mean 0 and deviation 1 over places (axis 0); all 0 where they are equal."""
    centred = scores - scores.mean(axis=0)
    deviation = centred.std(axis=0)
    return centred / np.where(deviation > 0, deviation, 1.0)


class SequenceMatcher:
    """Collects columns of scores along the way."""

    def __init__(self, config: SequenceConfig) -> None:
        """Begin without a past.

        Args:
            config: of the stretches.
        """
        self.config = config
        self.reset()

    def reset(self) -> None:
        """Forget the past: after a jump of the odometry or another map."""
        self._columns: deque[Doubles] = deque(maxlen=self.config.length)
        self._track = np.zeros((2, 0))
        self._next_column = -np.inf  # m
        self._last: tuple[float, Doubles] | None = None

    def step(self, scores: NDArray[np.floating], travelled: float) -> SequenceScores:
        """Take the scores of an image.

        Columns lie a spacing apart; between two images they are interpolated. Places that are new
        at the end of the route have no past: what they would need of it is outside the route.

        Args:
            scores: (P,) the larger the more alike; fewer than before are another route.
            travelled: way in m that never falls.

        Returns:
            for the place at the newest column.
        """
        column = standardised(scores) if self.config.normalised else scores.astype(np.float64)
        if self._last is not None:
            way = travelled - self._last[0]
            added = len(column) - len(self._last[1])
            if added < 0 or not 0.0 <= way <= self.config.longest_way:
                self.reset()
            elif added:
                self._extend(column, added, *self._last)
        if self._last is None:
            self._append(column)
            self._next_column = travelled + self.config.spacing
        else:
            self._collect(column, travelled, *self._last)
        self._last = (travelled, column)
        return self._matched(travelled)

    def advance(self, scores: NDArray[np.floating]) -> SequenceScores:
        """Take the scores of an image a spacing on from the last, where no odometry is known."""
        travelled = self._last[0] + self.config.spacing if self._last else 0.0
        return self.step(scores, travelled)

    def _extend(
        self, column: Doubles, added: int, last_travelled: float, last_column: Doubles
    ) -> None:
        unknown = np.full(added, -np.inf)
        columns = [np.concatenate([old, unknown]) for old in self._columns]
        self._columns = deque(columns, maxlen=self.config.length)
        self._last = (last_travelled, np.concatenate([last_column, column[-added:]]))

    def _collect(
        self, column: Doubles, travelled: float, last_travelled: float, last_column: Doubles
    ) -> None:
        while self._next_column <= travelled:
            share = (self._next_column - last_travelled) / (travelled - last_travelled)
            self._append(last_column + share * (column - last_column))
            self._next_column += self.config.spacing

    def _append(self, column: Doubles) -> None:
        self._columns.append(column)
        places = len(column)
        forward, reverse = np.zeros(places), np.zeros(places)
        known = self._track.shape[1]
        forward[1 : known + 1] = self._track[0, : places - 1]
        reverse[: max(known - 1, 0)] = self._track[1, 1:]
        seen = np.maximum(column, 0)  # of places that are new nothing is known before
        self._track = _KEPT * np.stack([forward, reverse]) + seen

    def _matched(self, travelled: float) -> SequenceScores:
        columns = list(self._columns)[::-1]
        means = np.stack([_along(columns, slope) for slope in self.config.slopes])
        best = means.argmax(axis=0)
        behind = max(travelled - (self._next_column - self.config.spacing), 0.0)
        slopes = np.asarray(self.config.slopes)[best]
        scores = self._tie_broken(means.max(axis=0))
        return SequenceScores(scores, slopes, len(columns), behind)

    def _tie_broken(self, scores: Doubles) -> Doubles:
        """The scores; those tied with the best are raised to it, in the order of the track."""
        tied = np.flatnonzero(scores >= scores.max() - self.config.tie)
        if len(tied) == 1:
            return scores
        track = self._track[:, tied].max(axis=0)
        broken = scores.copy()
        broken[tied] = scores.max() + _RANK * track / max(track.max(), 1.0)
        return broken


def _along(columns: list[Doubles], slope: float) -> Doubles:
    """(P,) mean of the columns, newest first, along a line that ends at each place."""
    places = len(columns[0])
    total = np.zeros(places)
    for back, column in enumerate(columns):
        shift = int(np.rint(slope * back))
        moved = np.full(places, -np.inf)
        if shift >= 0:
            moved[shift:] = column[: max(places - shift, 0)]
        else:
            moved[:shift] = column[-shift:]
        total += moved
    return total / len(columns)
