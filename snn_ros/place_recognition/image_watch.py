"""Images that cannot say where they were taken: dark, overexposed, flat, frozen, turned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.backend import Backend
from snn_ros.place_recognition.confidence import confidence
from snn_ros.place_recognition.preprocessing import Bytes

_FLAT_LEVEL = 127  # of a picture: a window without structure
_BLACK, _WHITE = 6, 249  # grey levels
_MOST = 0.95  # share of the pixels that makes an image useless
_SAMPLED = 64  # rows and columns of an image that are looked at
_QUARTERS = (1, 2, 3)


class ImageWatch:
    """Tells images that must not be used; remembers the last one to find a frozen camera."""

    def __init__(self, frozen_after: float) -> None:
        """Begin without a past.

        Args:
            frozen_after: way in m after which an image must have changed.
        """
        self.frozen_after = frozen_after
        self.reset()

    def reset(self) -> None:
        """Forget the last image."""
        self._last: tuple[bytes, float] | None = None

    def fault(self, image: Bytes, picture: Bytes, travelled: float | None) -> str:
        """What is wrong with an image; empty if nothing is.

        Args:
            image: (H, W, 3) or (H, W).
            picture: (side, side) of it.
            travelled: way in m; a frozen image cannot be told without.
        """
        if (picture == _FLAT_LEVEL).mean() > _MOST:
            return "the image has no structure"
        rows, columns = (max(size // _SAMPLED, 1) for size in image.shape[:2])
        sample = image[::rows, ::columns]
        if (sample <= _BLACK).mean() > _MOST:
            return "the image is black"
        if (sample >= _WHITE).mean() > _MOST:
            return "the image is overexposed"
        if travelled is not None and (way := self._unchanged(picture, travelled)):
            return f"the image has not changed for {way:.1f} m"
        return ""

    def _unchanged(self, picture: Bytes, travelled: float) -> float:
        """Way for which the picture is the same to the last pixel, if it is too long."""
        seen = picture.tobytes()
        if self._last is None or self._last[0] != seen or travelled < self._last[1]:
            self._last = (seen, travelled)
        way = travelled - self._last[1]
        return way if way > self.frozen_after else 0.0


def turned(
    backend: Backend, picture: Bytes, least_margin: float, neighbours: int
) -> tuple[int, int] | None:
    """Whether a picture shows a taught place once it is turned by quarters.

    Asked where a camera may be mounted the wrong way round. Pictures are compared, whatever the
    back end is.

    Args:
        backend: with the places.
        picture: (side, side).
        least_margin: of a place to be believed, above that of the picture as it is.
        neighbours: places beside the best that are no rivals.

    Returns:
        degrees to the left, and the place.
    """
    upright = confidence(backend.similarity(picture), neighbours).margin
    found = []
    for quarters in _QUARTERS:
        other: NDArray[np.uint8] = np.ascontiguousarray(np.rot90(picture, quarters))
        judged = confidence(backend.similarity(other), neighbours)
        found.append((judged.margin, 90 * quarters, judged.place))
    margin, degrees, place = max(found)
    return (degrees, place) if margin > max(least_margin, upright) else None
