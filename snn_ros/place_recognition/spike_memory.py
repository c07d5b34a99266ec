"""An associative memory of spike patterns: a place is learnt in one look and recalled by overlap.

Each taught pattern becomes the excitatory links of one cell (the Hebbian rule: pre times post, the
cell of the place fires once). Inhibitory cells take from every place what all of them have in
common (the anti-Hebbian part): the mean count of each kind of cell in each row of the picture. It
is the same all along a row, so that a scene seen further to one side meets what it expects. With a
query q, a pattern w and that mean m,

    score = (q - m) (w - m) / (|q - m| |w - m|),

the correlation of what is special in both. Counts are whole and links are counts, so everything up
to the division is exact: a place added later is as if it had been there from the start, and int8
is no approximation.

A robot that looks a little further to the left sees the same scene a few cells further to the
right. The query is therefore also compared moved to either side by whole cells, and each place
keeps its best. What is moved in from outside is silent and its mean is not expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snn_ros.place_recognition.tempo import Floats

Counts = NDArray[np.uint8]
Doubles = NDArray[np.float64]

_NOTHING = 1e-9  # length below which a pattern has nothing special


@dataclass(frozen=True, eq=False)
class SpikeMemory:
    """Taught patterns.

    Attributes:
        patterns: (N, rows, columns, channels) spike counts up to 127, those of a place together.
        places: (N,) place of each, rising from 0 in steps of 0 or 1.
        reach: columns to either side by which a query is moved.
    """

    patterns: Counts
    places: NDArray[np.int64]
    reach: int

    def __len__(self) -> int:
        """Number of places."""
        return int(self.places[-1]) + 1 if len(self.places) else 0

    def extended(self, pattern: Counts) -> SpikeMemory:
        """With one place more."""
        kept = self.patterns if len(self) else pattern[None][:0]
        return SpikeMemory(
            np.concatenate([kept, pattern[None]]), np.append(self.places, len(self)), self.reach
        )

    def score(self, counts: Counts) -> Floats:
        """(P,) correlation with each place in -1..1, the best over the ways to move the query.

        A place with several patterns has its best one's; a silent query has 0 with all.

        Args:
            counts: (rows, columns, channels) of the query.
        """
        if not counts.any():
            return np.zeros(len(self), dtype=np.float32)
        moved = self._moved(counts)
        overlap = _whole_products(self._rows.view(np.int8), moved.astype(np.int16))
        special = overlap - (moved @ self._mean.ravel())[:, None] - self._expected
        strength = max(float(np.linalg.norm(counts - self._mean)), _NOTHING)
        best = (special / (strength * self._strengths)).max(axis=0)
        return np.maximum.reduceat(best, self._first).astype(np.float32)

    def operations(self, counts: Counts) -> int:
        """Additions of a score: a spike is one for each pattern and each move that keeps it."""
        return int(self._moved(counts.astype(np.int64)).sum()) * len(self.places)

    @property
    def _rows(self) -> Counts:
        return self.patterns.reshape(len(self.patterns), -1)

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        """(P,) row of the first pattern of each place."""
        return np.flatnonzero(np.diff(self.places, prepend=-1))

    @cached_property
    def _mean(self) -> Doubles:
        """(rows, columns, channels), equal in all columns."""
        sums = self.patterns.sum(axis=(0, 2), dtype=np.int64, keepdims=True)[0]
        mean = sums / (len(self.patterns) * self.patterns.shape[2])
        return np.broadcast_to(mean, self.patterns.shape[1:])

    @cached_property
    def _strengths(self) -> Doubles:
        """(N,) length of what is special in each pattern."""
        return np.maximum(_distances(self._rows, self._mean.ravel()), _NOTHING)

    @cached_property
    def _expected(self) -> Doubles:
        """(ways, N) what the mean alone has in common with each pattern, where there is a query."""
        mean = self._moved(self._mean)
        return _products(self._rows, mean) - (mean @ self._mean.ravel())[:, None]

    def _moved(self, counts: NDArray[Any]) -> NDArray[Any]:
        """(ways, cells): the columns go to the right by -reach..reach, never all out of sight."""
        columns = counts.shape[1]
        reach = min(self.reach, columns - 1)
        moved = np.zeros((2 * reach + 1, *counts.shape), dtype=counts.dtype)
        for to, step in zip(moved, range(-reach, reach + 1), strict=True):
            to[:, max(step, 0) : columns + step] = counts[:, max(-step, 0) : columns - step]
        return moved.reshape(len(moved), -1)


@njit(cache=True)
def _whole_products(rows: NDArray[np.int8], queries: NDArray[np.int16]) -> NDArray[np.int32]:
    """(K, N) of (N, cells) and (K, cells), summed in whole numbers while a row is in the cache."""
    products = np.empty((len(queries), len(rows)), dtype=np.int32)
    for n in range(len(rows)):
        for k in range(len(queries)):
            total = np.int32(0)
            for i in range(rows.shape[1]):
                total += np.int32(rows[n, i]) * np.int32(queries[k, i])
            products[k, n] = total
    return products


@njit(cache=True, fastmath={"reassoc", "contract"})
def _products(rows: Counts, vectors: Doubles) -> Doubles:
    """(K, N) of (N, cells) and (K, cells)."""
    products = np.empty((len(vectors), len(rows)))
    for n in range(len(rows)):
        for k in range(len(vectors)):
            total = 0.0
            for i in range(rows.shape[1]):
                total += rows[n, i] * vectors[k, i]
            products[k, n] = total
    return products


@njit(cache=True, fastmath={"reassoc", "contract"})
def _distances(rows: Counts, point: Doubles) -> Doubles:
    """(N,) from each row to a point."""
    distances = np.empty(len(rows))
    for n in range(len(rows)):
        total = 0.0
        for i in range(rows.shape[1]):
            total += (rows[n, i] - point[i]) ** 2
        distances[n] = np.sqrt(total)
    return distances
