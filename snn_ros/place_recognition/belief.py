"""A Bayes filter over the places: the alternative to adding scores along lines.

The belief is spread over all places, once for driving the route as it was taught and once for
driving it in reverse, and over being elsewhere. Driving moves it along, an image multiplies it by
exp(rate * score). The rate is set anew for each image, so that its good scores (97.5 % quantile)
count ``contrast`` times as much as its bad ones (2.5 %). An image of a place that was never taught
has good scores too, by chance: elsewhere counts as much as a score that is better than most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting
from snn_ros.place_recognition.sequence import SequenceConfig, SequenceScores

Doubles = NDArray[np.float64]

_LOW, _HIGH = 0.025, 0.975
_ELSEWHERE = 0.84  # quantile of the scores as which elsewhere counts: one deviation above the mean
_STEP = 0.5  # places between two images that count as evidence of their own
_ROUNDING = 0.45  # deviation of a move by one place that comes of counting in whole places
_LEAST = 1e-12  # of a belief: nothing becomes impossible


@dataclass(frozen=True)
class BeliefConfig:
    """How the belief moves."""

    contrast: float = setting(
        5.0, "how much more a good score counts than a bad one", minimum=1.01, maximum=1000.0
    )
    slip: float = setting(
        0.2, "deviation of the way between places, as a share of it", minimum=0.0, maximum=1.0
    )
    leaving: float = setting(
        0.01, "chance to leave the route, or to be back on it, per place", minimum=0.0, maximum=0.5
    )
    turning: float = setting(
        0.002, "chance to change the direction of travel, per place", minimum=0.0, maximum=0.5
    )


class BeliefFilter:
    """Follows the robot along the places."""

    def __init__(self, config: BeliefConfig, sequence: SequenceConfig) -> None:
        """Begin without knowing anything.

        Args:
            config: of the filter.
            sequence: spacing of places and longest step between two images.
        """
        self.config = config
        self.sequence = sequence
        self.reset()

    def reset(self) -> None:
        """Forget where the robot was."""
        self._belief = np.zeros((2, 0))
        self._elsewhere = 0.5
        self._last: float | None = None
        self._images = 0

    def step(self, scores: NDArray[np.floating], travelled: float) -> SequenceScores:
        """Take the scores of an image.

        Images less than half a spacing after the last one change nothing: they are no new evidence.

        Args:
            scores: (P,) the larger the more alike; fewer than before are another route.
            travelled: way in m that never falls.

        Returns:
            log of the belief in each place, and the belief itself.
        """
        places = len(scores)
        way = 0.0 if self._last is None else travelled - self._last
        if places < self._belief.shape[1] or not 0.0 <= way <= self.sequence.longest_way:
            self.reset()
        fresh = self._last is None
        self._extend(places)
        steps = way / self.sequence.spacing
        if fresh or steps >= _STEP:
            if not fresh:
                self._move(steps)
            self._see(scores.astype(np.float64))
            self._last = travelled
            self._images += 1
        both = self._belief.sum(axis=0)
        forward = self._belief[0] >= self._belief[1]
        slopes = np.where(forward, 1.0, -1.0)
        behind = travelled - self._last if self._last is not None else 0.0
        return SequenceScores(np.log(both), slopes, self._images, behind, both)

    def advance(self, scores: NDArray[np.floating]) -> SequenceScores:
        """Take the scores of an image a spacing on from the last, where no odometry is known."""
        travelled = 0.0 if self._last is None else self._last + self.sequence.spacing
        return self.step(scores, travelled)

    def _extend(self, places: int) -> None:
        """New places take an even share of the belief."""
        added = places - self._belief.shape[1]
        if not added:
            return
        share = (1.0 - self._elsewhere) / (2 * places)
        kept = self._belief * ((places - added) / places)
        self._belief = np.concatenate([kept, np.full((2, added), share)], axis=1)

    def _move(self, steps: float) -> None:
        config = self.config
        kernel, reach = _kernel(steps, config.slip)
        moved = np.stack(
            [
                _shifted(self._belief[0], kernel, reach),
                _shifted(self._belief[1], kernel[::-1], reach),
            ]
        )
        moved[0], moved[1] = (
            moved[0] + config.turning * steps * (moved[1] - moved[0]),
            moved[1] + config.turning * steps * (moved[0] - moved[1]),
        )
        leaving = min(config.leaving * steps, 0.5)
        lost = 1.0 - self._elsewhere - moved.sum()  # beyond an end of the route
        found = leaving * self._elsewhere / moved.size
        self._elsewhere = (1 - leaving) * self._elsewhere + leaving * moved.sum() + max(lost, 0.0)
        self._belief = (1 - leaving) * moved + found

    def _see(self, scores: Doubles) -> None:
        low, high, elsewhere = np.quantile(scores, (_LOW, _HIGH, _ELSEWHERE))
        if high <= low:
            return  # all places look the same: nothing was seen
        rate = np.log(self.config.contrast) / (high - low)
        self._belief = np.maximum(self._belief * np.exp(rate * (scores - elsewhere)), _LEAST)
        total = self._belief.sum() + self._elsewhere
        self._belief /= total
        self._elsewhere /= total


def _kernel(steps: float, slip: float) -> tuple[Doubles, int]:
    """Chances of having moved by -reach..reach places on a way of so many places."""
    deviation = np.sqrt((slip * steps) ** 2 + _ROUNDING**2 * steps)
    reach = int(np.ceil(steps + 4 * deviation))
    offsets = np.arange(-reach, reach + 1)
    weight = np.exp(-0.5 * ((offsets - steps) / deviation) ** 2)
    return weight / weight.sum(), reach


def _shifted(belief: Doubles, kernel: Doubles, reach: int) -> Doubles:
    """Belief after the move; what leaves the route at its ends is gone."""
    return np.convolve(belief, kernel)[reach : reach + len(belief)]
