"""From a camera image to the small patch-normalised picture that every back end compares.

The step that counts subtracts from each pixel the mean of the window around it and divides by the
window's standard deviation, so that slow changes of light vanish and edges stay. Two published
orders of the steps around it are kept to the level, a third is ours (see ``Order``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError

Order = Literal["resize_first", "gamma_first", "averaged"]
"""``resize_first``: resize in colour, grey, patches (population deviation).
``gamma_first``: grey, gamma to mean 127.5, resize, patches (sample deviation).
``averaged``: ours: grey, each pixel the mean of its area, patches (population deviation); a large
image does not flicker in it."""

_ORDERS = ("resize_first", "gamma_first", "averaged")
_SAMPLES = 4  # of an area in each direction
_VERSION = 1  # of the mathematics here; a change makes old maps unusable
_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114])
_MID_GREY = 127.5
_FLAT = 1e-3  # grey levels; a window that deviates less is flat: its true deviation is rounding

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]


class ImageError(SnnRosError):
    """An image cannot be compared with places."""


@dataclass(frozen=True)
class Preprocessing:
    """How images become small pictures.

    Attributes:
        order: of the steps.
        side: of the square picture in pixels.
        window: side of the patch around a pixel, odd, in pixels.
    """

    order: Order = "resize_first"
    side: int = 28
    window: int = 7

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ImageError: with every wrong value.
        """
        problems = []
        if self.order not in _ORDERS:
            problems.append(f"order is {self.order!r}, not one of {_ORDERS}")
        if self.side < 1:
            problems.append(f"side must be at least 1 pixel, is {self.side}")
        if self.window < 3 or self.window % 2 == 0:
            problems.append(f"window must be odd and at least 3 pixels, is {self.window}")
        if problems:
            raise ImageError("preprocessing: " + "; ".join(problems))

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides about the picture; maps of another one are refused."""
        content = json.dumps({"version": _VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def __call__(self, image: Bytes) -> Bytes:
        """The picture of an image.

        Args:
            image: (H, W, 3) RGB or (H, W) grey.

        Returns:
            (side, side); 127 is a flat window.

        Raises:
            ImageError: the image is not one.
        """
        _check(image)
        if self.order == "averaged":
            return quantised(patch_normalised(averaged_grey(image, self.side), self.window))
        if self.order == "resize_first":
            return quantised(patch_normalised(resized_grey(image, self.side), self.window))
        grey = resized_gamma_corrected(image, self.side)
        return quantised(patch_normalised(grey, self.window, sample_deviation=True))


def _check(image: Bytes) -> None:
    is_picture = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not is_picture or image.dtype != np.uint8 or image.size == 0:
        raise ImageError(
            f"image: needs uint8 (H, W) or (H, W, 3), is {image.dtype} {tuple(image.shape)}"
        )


def resized_grey(image: Bytes, side: int) -> Bytes:
    """(side, side) grey of an image resized in colour, without anti-aliasing."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    return small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


def averaged_grey(image: Bytes, side: int) -> Bytes:
    """(side, side) grey, each pixel the mean of its area; an image that is smaller is enlarged.

    Of a large image, some samples all over the area stand for it.
    """
    if min(image.shape[:2]) > side * _SAMPLES:
        samples = (side * _SAMPLES, side * _SAMPLES)
        image = cv2.resize(image, samples, interpolation=cv2.INTER_LINEAR)
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shrinks = min(grey.shape) >= side
    return cv2.resize(
        grey, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def resized_gamma_corrected(image: Bytes, side: int) -> Doubles:
    """(side, side) grey of an image with exponent ln(127.5)/ln(mean), resized plainly.

    The exponent lifts dark images and dims bright ones; an image darker than one level on average
    has none and stays as it is. Only the pixels that the resize reads are corrected.
    """
    channel_means = np.array(cv2.mean(image))
    is_colour = image.ndim == 3
    exponent = _exponent(channel_means[:3] @ _GREY_WEIGHTS if is_colour else channel_means[0])
    rows, upper_row = _bilinear(image.shape[0], side)
    columns, upper_column = _bilinear(image.shape[1], side)
    read = image[rows[:, None], columns].astype(np.float64)
    grey = read @ _GREY_WEIGHTS if is_colour else read
    corrected = np.clip(grey**exponent, 0, 255) if exponent != 1.0 else grey
    between_rows = _interpolated(corrected, upper_row)
    return _interpolated(between_rows.T, upper_column).T


def _interpolated(pairs: Doubles, upper_share: Doubles) -> Doubles:
    """(2 side, N) to (side, N)."""
    lower, upper = pairs[::2], pairs[1::2]
    return lower + upper_share[:, None] * (upper - lower)


def _exponent(mean: float) -> float:
    return float(np.log(_MID_GREY) / np.log(mean)) if mean > 1.0 else 1.0


@lru_cache(maxsize=16)
def _bilinear(length: int, side: int) -> tuple[NDArray[np.int64], Doubles]:
    """The pixels that a resize of one axis reads, two per output, and the share of each second.

    Returns:
        (2 side,) indices and (side,) shares.
    """
    centre = (np.arange(side) + 0.5) * length / side - 0.5
    low = np.floor(centre).astype(np.int64)
    indices = np.clip(np.stack([low, low + 1], axis=1).ravel(), 0, length - 1)
    return indices, centre - low


def patch_normalised(
    grey: NDArray[np.uint8] | Doubles, window: int, sample_deviation: bool = False
) -> Doubles:
    """Each pixel in deviations of the window around it, clipped to ±1; 0 in a flat window.

    Outside the image there is nothing: windows at the border are smaller. For whole grey levels
    the sums are exact.

    Args:
        grey: (H, W).
        window: side in pixels, odd.
        sample_deviation: divide squares by n - 1 and not by n.

    Returns:
        (H, W).
    """
    values = grey.astype(np.float64)
    count = _pixels_in_window(*grey.shape, window)
    total = _window_sum(values, window)
    # n² variance = n Σx² - (Σx)²
    spread = count * _window_sum(values * values, window) - total * total
    flat = spread <= (count * _FLAT) ** 2
    deviation = np.sqrt(np.where(flat, 1.0, spread))
    if sample_deviation:
        deviation *= np.sqrt(count / (count - 1))
    normal = np.clip((count * values - total) / deviation, -1.0, 1.0)
    normal[flat] = 0.0
    return normal


def quantised(normal: Doubles) -> Bytes:
    """From -1..1 to 0..255, cut off."""
    return (255 * (1 + normal) / 2).astype(np.uint8)


def _window_sum(values: Doubles, window: int) -> Doubles:
    return cv2.boxFilter(
        values, cv2.CV_64F, (window, window), normalize=False, borderType=cv2.BORDER_CONSTANT
    )


@lru_cache(maxsize=8)
def _pixels_in_window(height: int, width: int, window: int) -> Doubles:
    count = _window_sum(np.ones((height, width)), window)
    count.setflags(write=False)
    return count
