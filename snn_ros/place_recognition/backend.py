"""What a way to know places must offer, and what it is given to learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.tempo import Floats
from snn_ros.spiking.activity import NetworkActivity

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a network is to learn, and all else that decides about what comes of it.

    Attributes:
        backend: name of the back end.
        settings: of it.
        pictures: (N, side, side), traverse after traverse.
        labels: (N,) place of each, 0..P-1, counted from the first place of the lesson.
        sealed: places that the network knows already.
        modules: that it has already.
    """

    backend: str
    settings: Mapping[str, Any]
    pictures: Bytes
    labels: NDArray[np.int64]
    sealed: int
    modules: int


Teacher = Callable[[Lesson], Arrays]
"""Gives the arrays of the modules that come of a lesson, numbered from 0."""


class Backend(Protocol):
    """Knows places by their pictures.

    Nothing that was learnt is ever changed in place, so that ``copy.copy`` makes one that goes its
    own way. The two may be asked at the same time once one of them has learnt something new.
    """

    name: str

    def __len__(self) -> int:
        """Number of places."""

    @property
    def sealed(self) -> int:
        """Places, from the first, that the network knows; the others are known by pictures."""

    @property
    def module_size(self) -> int:
        """Places that one module of the network learns; 0 where there is none."""

    @property
    def templates(self) -> Bytes:
        """(P, side, side) first picture of each place."""

    def learn(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        """Teach a route from nothing.

        Args:
            pictures: (N, side, side), traverse after traverse.
            labels: (N,) place of each, 0..P-1.
        """

    def score(self, picture: Bytes) -> Floats:
        """(P,) float32, the larger the more alike."""

    def similarity(self, picture: Bytes) -> Floats:
        """(P,) by the pictures alone: minus the mean absolute difference in 0..1."""

    def activity(self, picture: Bytes) -> NetworkActivity:
        """What the network does when it scores a picture."""

    def add_place(self, picture: Bytes) -> int:
        """Teach one more place, known at once; returns its number."""

    def seal(self, teacher: Teacher | None = None) -> None:
        """Teach the network what was added since; what it knew before stays as it is.

        Args:
            teacher: does the learning; this process if None.
        """

    def settings(self) -> dict[str, Any]:
        """Every parameter, fit for JSON."""

    def arrays(self) -> Arrays:
        """All that was learnt; none of the arrays is changed later."""

    def restore(self, arrays: Arrays) -> None:
        """Take over what ``arrays`` gave."""


def below(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with a prefix, without it."""
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
