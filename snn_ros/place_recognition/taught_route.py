"""Places known by their pictures, and networks that take over module by module."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.backend import Arrays, Lesson, Teacher
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.sad import SadPlaces
from snn_ros.place_recognition.sequence import standardised
from snn_ros.place_recognition.tempo import Floats
from snn_ros.spiking.activity import NetworkActivity


class SadBackend:
    """The pictures themselves."""

    name = "sad"
    module_size = 0

    def __init__(self) -> None:
        """Know nothing."""
        self.known = SadPlaces(np.zeros((0, 1, 1), dtype=np.uint8))

    def __len__(self) -> int:
        """Number of places."""
        return len(self.known)

    @property
    def sealed(self) -> int:
        """All places: there is no network that could know less."""
        return len(self.known)

    @property
    def templates(self) -> Bytes:
        """(P, side, side) picture of each place."""
        return self.known.templates

    def learn(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        """Keep the first picture of each place."""
        _, first = np.unique(labels, return_index=True)
        self.known = SadPlaces(pictures[first])

    def score(self, picture: Bytes) -> Floats:
        """(P,) minus the mean absolute difference."""
        return self.known.score(picture)

    def similarity(self, picture: Bytes) -> Floats:
        """The same."""
        return self.known.score(picture)

    def activity(self, picture: Bytes) -> NetworkActivity:
        """No layer; each difference counts as a multiply-accumulate."""
        return NetworkActivity((), 0, len(self) * picture.size)

    def add_place(self, picture: Bytes) -> int:
        """Keep one more picture."""
        kept = self.templates if len(self) else picture[None][:0]
        self.known = SadPlaces(np.concatenate([kept, picture[None]]))
        return len(self.known) - 1

    def seal(self, teacher: Teacher | None = None) -> None:
        """Nothing to do."""

    def settings(self) -> dict[str, Any]:
        """None."""
        return {}

    def arrays(self) -> Arrays:
        """The pictures."""
        return {"templates": self.known.templates}

    def restore(self, arrays: Arrays) -> None:
        """Take over the pictures."""
        self.known = SadPlaces(arrays["templates"])


class TaughtRoute:
    """What the spiking back ends share: sealed modules, and pictures of all places.

    Places that were added and not yet sealed are scored by their pictures. Both kinds of score are
    then standardised over the places, since their scales differ.
    """

    name: str

    def __init__(self) -> None:
        """Know nothing."""
        self.pictures = SadBackend()
        self._sealed = 0

    def __len__(self) -> int:
        """Number of places."""
        return len(self.pictures)

    @property
    def sealed(self) -> int:
        """Places that the network knows."""
        return self._sealed

    @property
    def templates(self) -> Bytes:
        """(P, side, side) first picture of each place."""
        return self.pictures.templates

    def learn(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        """Teach the network a route from nothing."""
        self.pictures = SadBackend()
        self.pictures.learn(pictures, labels)
        self._forget()
        self._sealed = 0
        self._teach(pictures, labels, None)

    def add_place(self, picture: Bytes) -> int:
        """Teach one more place; returns its number."""
        pictures = copy(self.pictures)
        number = pictures.add_place(picture)
        self.pictures = pictures
        return number

    def seal(self, teacher: Teacher | None = None) -> None:
        """Teach the network the places that were added since."""
        added = self.templates[self._sealed :]
        if len(added):
            self._teach(added, np.arange(len(added)), teacher)

    def score(self, picture: Bytes) -> Floats:
        """(P,): of the network alone where it knows all places."""
        if self._sealed == len(self):
            return self._network_score(picture)
        by_picture = standardised(self.similarity(picture)).astype(np.float32)
        if self._sealed:
            by_picture[: self._sealed] = standardised(self._network_score(picture))
        return by_picture

    def similarity(self, picture: Bytes) -> Floats:
        """(P,) by the pictures alone."""
        return self.pictures.score(picture)

    def settings(self) -> dict[str, Any]:
        """Every parameter."""
        raise NotImplementedError

    def taught(self, lesson: Lesson) -> Arrays:
        """The modules that come of a lesson; nothing here changes."""
        raise NotImplementedError

    def _teach(self, pictures: Bytes, labels: NDArray[np.int64], teacher: Teacher | None) -> None:
        lesson = Lesson(
            self.name, self.settings(), pictures, labels, self._sealed, self._number_of_modules()
        )
        arrays = (teacher or self.taught)(lesson)  # whatever fails here has changed nothing
        self._sealed += int(labels.max()) + 1
        self._attach(arrays)

    def _forget(self) -> None:
        raise NotImplementedError

    def _number_of_modules(self) -> int:
        raise NotImplementedError

    def _attach(self, arrays: Arrays) -> None:
        """Add taught modules to those there are; the count of sealed places has them already."""
        raise NotImplementedError

    def _network_score(self, picture: Bytes) -> Floats:
        """(sealed,)."""
        raise NotImplementedError
