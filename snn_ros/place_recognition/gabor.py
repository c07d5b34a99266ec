"""Places known by the spikes of edge and contrast cells: taught in one look, exact, whole numbers.

A spiking encoder (``picture_cells``) in front of a linear associative memory (``spike_memory``).
Nothing is trained: the filters are given, a place is one pattern of counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.backend import Arrays, Teacher, below
from snn_ros.place_recognition.picture_cells import CellsConfig
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.spike_memory import SpikeMemory
from snn_ros.place_recognition.taught_route import SadBackend
from snn_ros.place_recognition.tempo import Floats
from snn_ros.spiking.activity import LayerMeter, NetworkActivity

_NO_PATTERNS = np.zeros((0, 1, 1, 1), dtype=np.uint8)


@dataclass(frozen=True)
class GaborConfig:
    """Cells and memory.

    Attributes:
        cells: that see the picture.
        reach: squares of the cells by which a query is moved to either side.
    """

    cells: CellsConfig = field(default_factory=CellsConfig)
    reach: int = 3


class GaborBackend:
    """Edge and contrast cells, and one pattern of their counts for each picture of a place."""

    name = "gabor"
    module_size = 0

    def __init__(self, config: GaborConfig | None = None) -> None:
        """Know nothing.

        Args:
            config: cells and memory.
        """
        self.config = config or GaborConfig()
        self.pictures = SadBackend()
        self.memory = self._memory(_NO_PATTERNS, np.zeros(0, dtype=np.int64))

    def _memory(self, patterns: Bytes, places: NDArray[np.int64]) -> SpikeMemory:
        return SpikeMemory(patterns, places, self.config.reach)

    def __len__(self) -> int:
        """Number of places."""
        return len(self.memory)

    @property
    def sealed(self) -> int:
        """All places: one look teaches a place for good."""
        return len(self.memory)

    @property
    def templates(self) -> Bytes:
        """(P, side, side) first picture of each place."""
        return self.pictures.templates

    def learn(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        """Keep a pattern of every picture; a place is as alike as its best pattern."""
        kept = SadBackend()
        kept.learn(pictures, labels)
        order = np.argsort(labels, kind="stable")
        patterns = np.stack([self.config.cells.counts(pictures[k]) for k in order])
        self.pictures, self.memory = kept, self._memory(patterns, labels[order].astype(np.int64))

    def score(self, picture: Bytes) -> Floats:
        """(P,) correlation of the counts, -1..1."""
        return self.memory.score(self.config.cells.counts(picture))

    def similarity(self, picture: Bytes) -> Floats:
        """(P,) by the pictures alone."""
        return self.pictures.score(picture)

    def activity(self, picture: Bytes) -> NetworkActivity:
        """The cells, what their spikes cause in the memory, and the filters."""
        counts = self.config.cells.counts(picture)
        meter = LayerMeter("cells", self.config.cells.max_count)
        meter.add(counts)
        filtering = self.config.cells.filters.size * picture.size
        return NetworkActivity((meter.result(),), self.memory.operations(counts), filtering)

    def add_place(self, picture: Bytes) -> int:
        """Keep one more pattern; returns the number of the place."""
        pictures = SadBackend()
        pictures.restore(self.pictures.arrays())
        number = pictures.add_place(picture)
        self.pictures = pictures
        self.memory = self.memory.extended(self.config.cells.counts(picture))
        return number

    def seal(self, teacher: Teacher | None = None) -> None:
        """Nothing to do."""

    def settings(self) -> dict[str, Any]:
        """Cells and memory."""
        return asdict(self.config)

    def arrays(self) -> Arrays:
        """Pictures and patterns."""
        memory: Arrays = {
            "memory/patterns": self.memory.patterns,
            "memory/places": self.memory.places,
        }
        return self.pictures.arrays() | memory

    def restore(self, arrays: Arrays) -> None:
        """Take over the pictures and patterns."""
        self.pictures.restore(arrays)
        self.memory = self._memory(**below(arrays, "memory/"))


def gabor_backend(settings: Mapping[str, Any]) -> GaborBackend:
    """The back end of saved settings.

    Raises:
        TypeError: the settings are not those of the back end.
        CellsError: they are, but such cells cannot be made.
    """
    return GaborBackend(GaborConfig(**{**settings, "cells": CellsConfig(**settings["cells"])}))
