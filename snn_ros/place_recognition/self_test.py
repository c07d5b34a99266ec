"""A taught map asks itself: how sure is it of its places, and of places that it does not know?

Every image is asked about twice, once as it is and once with its own place taken out of the scores,
which is what an image of an unknown place looks like to the map. Answers of the second kind count
less, since a robot is seldom off the route that it was taught: were half of all images of unknown
places, a small margin would be worth nothing, and on the route most answers with one are right.
The margin that chance alone reaches keeps unknown places out whatever the probability says (see
``matching``).

Without a second traverse, the taught pictures are disturbed and take the place of new images. What
light, season and the way the robot looks will do to a place is not known beforehand, and a network
that bears noise well would call all its disturbed places certain, so that a small margin was only
seen where the place is unknown. The score of the own place is therefore lowered, too: by any share
between nothing and all of what it stands out by, each as likely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.backend import Backend
from snn_ros.place_recognition.confidence import Calibration, calibrate, confidence
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.sequence import SequenceConfig, SequenceMatcher

_MOST_NOISE = 400.0  # grey levels of a picture, deviation: some pictures drown
_UNKNOWN_SHARE = 0.1  # of the images that a robot takes, those of places that were not taught
_SHIFT = 1  # pixels of a picture to either side
_STRETCHES = 25  # along a long route
_LEAST_IMAGES = 300  # a short route is asked about several times, each time disturbed anew
_STRETCH_COLUMNS = 3  # length of one, in lengths of the sequences


def disturbed(pictures: Bytes, random: np.random.Generator) -> Bytes:
    """(N, side, side), each moved by up to a pixel to the sides and up or down, and with noise.

    From picture to picture the noise is anything from none to overwhelming: what a margin is worth
    can only be learnt where answers of that margin are both right and wrong.
    """
    moved = np.stack(
        [
            np.roll(picture, random.integers(-_SHIFT, _SHIFT + 1, 2), axis=(0, 1))
            for picture in pictures
        ]
    )
    deviation = _MOST_NOISE * random.random((len(pictures), 1, 1)) ** 2  # often a little
    noise = deviation * random.standard_normal(moved.shape)
    return np.clip(moved + noise, 0, 255).astype(np.uint8)


def self_calibrated(
    backend: Backend, sequence: SequenceConfig, neighbours: int, seed: int = 0
) -> Calibration:
    """The calibration of a map from its own pictures.

    Args:
        backend: taught.
        sequence: as the map will be asked.
        neighbours: places beside the best that are as right.
        seed: of the disturbances.

    Raises:
        CalibrationError: no place is taught.
    """
    random = np.random.default_rng(seed)
    drives = [
        (disturbed(backend.templates[places], random), places, random.random(len(places)))
        for places in _stretches(len(backend), _STRETCH_COLUMNS * sequence.length)
    ]
    return _measured(backend, drives, sequence, neighbours)


def calibrated(
    backend: Backend,
    traverses: Sequence[tuple[Bytes, NDArray[np.int64]]],
    sequence: SequenceConfig,
    neighbours: int,
) -> Calibration:
    """The calibration from images that were not taught.

    Args:
        backend: taught.
        traverses: (N, side, side) pictures a spacing apart, and (N,) their places.
        sequence: as the map will be asked.
        neighbours: places beside the best that are as right.

    Raises:
        CalibrationError: there are no images.
    """
    drives = [(pictures, places, np.ones(len(places))) for pictures, places in traverses]
    return _measured(backend, drives, sequence, neighbours)


def _measured(
    backend: Backend,
    drives: Sequence[tuple[Bytes, NDArray[np.int64], NDArray[np.float64]]],
    sequence: SequenceConfig,
    neighbours: int,
) -> Calibration:
    """The calibration from pictures, their places, and what is left of each place, 0..1."""
    margins: list[float] = []
    correct: list[bool] = []
    for pictures, places, left in drives:
        knowing, ignorant = SequenceMatcher(sequence), SequenceMatcher(sequence)
        for picture, place, share in zip(pictures, places, left, strict=True):
            scores = backend.score(picture).astype(np.float64)
            own = slice(max(place - neighbours, 0), place + neighbours + 1)
            ordinary = np.median(scores)
            scores[own] = ordinary + share * (scores[own] - ordinary)
            judged = confidence(knowing.advance(scores).scores, neighbours)
            margins.append(judged.margin)
            correct.append(abs(judged.place - place) <= neighbours)
            unknown = scores.copy()
            unknown[own] = ordinary
            margins.append(confidence(ignorant.advance(unknown).scores, neighbours).margin)
            correct.append(False)
    weights = np.tile([1.0, _UNKNOWN_SHARE / (1.0 - _UNKNOWN_SHARE)], len(margins) // 2)
    return calibrate(np.array(margins), np.array(correct, dtype=bool), weights)


def _stretches(places: int, length: int) -> list[NDArray[np.int64]]:
    """Parts of the route, spread over it; the whole route, maybe repeatedly, where it is short."""
    if places == 0:
        return []
    if places <= _STRETCHES * length:
        return [np.arange(places)] * -(-_LEAST_IMAGES // places)
    first = np.linspace(0, places - length, _STRETCHES).astype(np.int64)
    return [begin + np.arange(length) for begin in first]
