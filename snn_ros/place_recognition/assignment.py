"""What the spikes of a query say about places, given which cells fired for which place in teaching.

Scores always have one row per place, also for places that no cell stands for (score 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scheme = Literal["standard", "weighted", "sum"]
NOBODY = -1  # place of a cell that never fired
_INVOLVEMENT = 0.02  # share of the taught places from which a cell counts as ambiguous
_STRENGTH = 0.1  # share of a cell's spikes that makes a place one of its places

Doubles = NDArray[np.float64]
Counts = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Assignment:
    """Cells and the places they fired for.

    Attributes:
        spikes: (cells, P) in teaching for each place.
        place: (cells,) for which a cell fired most, the first of equals; NOBODY if it never did.
    """

    spikes: Doubles
    place: NDArray[np.int64]

    def score(self, query: Counts, scheme: Scheme = "standard") -> Doubles:
        """How much the cells speak for each place.

        ``standard``: mean count of the cells of a place. ``sum``: their sum. ``weighted``: each
        cell speaks for all its places by their share of its spikes, the less the more places it
        knows, and places whose cells stay silent lose.

        Args:
            query: (Q, cells) spike counts.
            scheme: one of the three.

        Returns:
            (P, Q).
        """
        if scheme == "weighted":
            return self._weighted(query.astype(np.float64))
        places = np.arange(self.spikes.shape[1])
        member = (self.place[None] == places[:, None]).astype(np.float64)
        total = member @ query.T.astype(np.float64)
        if scheme == "sum":
            return total
        return total / np.maximum(member.sum(axis=1), 1.0)[:, None]

    def _weighted(self, query: Doubles) -> Doubles:
        total = self.spikes.sum(axis=1, keepdims=True)
        share = self.spikes / np.where(total > 0, total, 1.0)
        known = (self.spikes > 0).sum(axis=1)
        taught = np.unique(self.place[self.place != NOBODY])
        ambiguous = (known > 0) & (known >= _INVOLVEMENT * len(taught))
        involvement = np.where(ambiguous, 1.0 / np.maximum(known, 1), 1.0)
        own = share > _STRENGTH
        votes = (query * involvement) @ (share * own)
        own_spikes = self.spikes * own
        present = (query > 0).astype(np.float64) @ own_spikes
        expected = own_spikes.sum(axis=0)
        score = votes * present / np.where(expected > 0, expected, 1.0)
        score[:, ~np.isin(np.arange(score.shape[1]), taught)] = 0.0
        return score.T


def assign(counts: Counts, labels: NDArray[np.integer], places: int) -> Assignment:
    """The assignment that follows from the last presentations of teaching.

    Args:
        counts: (N, cells) spikes.
        labels: (N,) place of each presentation, 0..places-1.
        places: how many there are.
    """
    shown = (labels[None] == np.arange(places)[:, None]).astype(np.float64)
    spikes = (shown @ counts.astype(np.float64)).T
    mean = spikes / np.maximum(shown.sum(axis=1), 1.0)
    place = np.where(spikes.any(axis=1), mean.argmax(axis=1), NOBODY)
    return Assignment(spikes, place)


def probability(scores: Doubles) -> Doubles:
    """(P, Q) shares per query: scores from their smallest as 0, summing to 1.

    Where all scores are equal, nothing is known and every place has the same share.
    """
    lifted = scores - scores.min(axis=0)
    total = lifted.sum(axis=0)
    return np.where(total > 0, lifted / np.where(total > 0, total, 1.0), 1.0 / len(scores))


def best_place(scores: Doubles, query: Counts) -> NDArray[np.int64]:
    """(Q,) place with the best score; NOBODY for a query without a single spike."""
    return np.where(query.any(axis=1), scores.argmax(axis=0), NOBODY)


def hyperactivity(recorded: Counts) -> NDArray[np.int64]:
    """(cells,) number of images, not of spikes, that a cell answered to.

    Args:
        recorded: (N, cells) counts for images all along the route.
    """
    return (recorded > 0).sum(axis=0)


def without_hyperactive(query: Counts, activity: NDArray[np.int64], threshold: int) -> Counts:
    """Query counts with those of hyperactive cells set to 0.

    Args:
        query: (Q, cells).
        activity: (cells,) see ``hyperactivity``.
        threshold: images from which a cell is hyperactive; 0 for none.
    """
    return np.where((activity >= threshold) & (threshold > 0), 0, query)


def route_order(scores: Doubles, order: NDArray[np.integer]) -> Doubles:
    """Undo the shuffling of places, on both axes.

    Args:
        scores: (P, P) of shuffled places and queries.
        order: (P,) place that stands at each position.
    """
    sorted_scores = np.empty_like(scores)
    sorted_scores[np.ix_(order, order)] = scores
    return sorted_scores
