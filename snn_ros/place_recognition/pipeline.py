"""The place recogniser a user calls: an image in, the place and how sure it is out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.backend import Backend
from snn_ros.place_recognition.backends import DcBackend, DcBackendConfig, TempoBackend
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.dc import DcConfig
from snn_ros.place_recognition.gabor import GaborBackend
from snn_ros.place_recognition.image_watch import ImageWatch, turned
from snn_ros.place_recognition.matching import (
    UNKNOWN,
    PlaceMatch,
    PlaceMatcher,
    RecognizerConfig,
)
from snn_ros.place_recognition.preprocessing import Bytes, Preprocessing
from snn_ros.place_recognition.taught_route import SadBackend
from snn_ros.place_recognition.tempo import TempoConfig
from snn_ros.place_recognition.weights import PlaceMap, load_map
from snn_ros.spiking.activity import NetworkActivity

_TURNED_EVERY = 10  # unknown images in a row


class ProfileError(SnnRosError):
    """There is no such profile."""


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
        self._matcher = PlaceMatcher(self.config, calibration)
        self._watch = ImageWatch(self.config.sequence.spacing)
        self._unknown_images, self._hint = 0, ""

    @property
    def calibration(self) -> Calibration | None:
        """Margins to probabilities."""
        return self._matcher.calibration

    @calibration.setter
    def calibration(self, calibration: Calibration | None) -> None:
        self._matcher.calibration = calibration

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
            profile: ``edge`` is the fast network, ``paper`` a published spiking ensemble, ``sad``
                the pictures alone.
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
        """A recogniser of a map, whose spacing of places replaces the configured one."""
        config = config or RecognizerConfig()
        if taught.places.spacing > 0:
            sequence = replace(config.sequence, spacing=taught.places.spacing)
            config = replace(config, sequence=sequence)
        return cls(taught.backend, taught.preprocessing, config, taught.calibration)

    def reset(self) -> None:
        """Forget where the robot was."""
        self._matcher.reset()
        self._watch.reset()
        self._unknown_images, self._hint = 0, ""

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
        match = self._matcher.step(self.backend.score(view.picture), stamp, travelled)
        if match.reason:
            return replace(match, reason=match.reason + self._turned_hint(view.picture))
        self._unknown_images = 0
        return match

    def spike_activity(self, view: View) -> NetworkActivity:
        """What the network does for a view; it takes as long as an answer."""
        return self.backend.activity(view.picture)

    def _turned_hint(self, picture: Bytes) -> str:
        """More to say about an unknown place, looked for once in a while: it takes four scores."""
        if self._unknown_images % _TURNED_EVERY == 0:
            least = self._matcher.least_margin(len(self.backend))
            found = turned(self.backend, picture, least, self.config.neighbours)
            self._hint = (
                f"; turned left by {found[0]} degrees it looks like place {found[1]}"
                if found
                else ""
            )
        self._unknown_images += 1
        return self._hint

    def _unknown(self, stamp: float, reason: str) -> PlaceMatch:
        self._matcher.doubt()
        nothing = float("nan")
        return PlaceMatch(
            stamp, UNKNOWN, "unknown", UNKNOWN, nothing, 0.0, 1.0, nothing, 0, 0.0, nothing,
            reason, np.zeros(len(self.backend)), np.zeros(len(self.backend)),
        )  # fmt: skip


PROFILES: dict[str, tuple[Callable[[], Backend], Preprocessing]] = {
    "edge": (GaborBackend, Preprocessing("averaged", 56, 15)),
    "tempo": (lambda: TempoBackend(TempoConfig()), Preprocessing("gamma_first", 28, 7)),
    "sad": (SadBackend, Preprocessing("gamma_first", 28, 7)),
    "paper": (
        lambda: DcBackend(DcBackendConfig(DcConfig(members=5))),
        Preprocessing("resize_first", 28, 7),
    ),
}
