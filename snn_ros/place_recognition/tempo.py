"""The fast network: amplitudes stand for spike times, a query is two matrix products.

A picture drives twice as many feature cells as it has pixels, those drive one output cell per
place. Two published rule sets differ in more than detail (``TempoConfig.rules``):

* ``separate``: excitatory and inhibitory links are kept apart; feature and output cells have
  thresholds and a ceiling, at a query too. The more accurate one.
* ``merged``: one weight per pair of cells; at a query nothing is cut off, so that both layers are
  one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Rules = Literal["separate", "merged"]
CEILING = np.float32(0.9)  # of an amplitude
_FEATURES_PER_PIXEL = 2
_WEIGHT_MEAN, _WEIGHT_DEVIATION = 0.5, 1 / 6
_FEATURE_LINKS = (0.1, 0.5)  # share of the excitatory and of the inhibitory links that exist
_OUTPUT_LINKS = (1.0, 1.0)
_HIGHEST_THRESHOLD, _HIGHEST_INPUT = 0.5, 0.1
_LOWEST_RATE, _RATE_RANGE = 0.2, 0.7
_INT8_LEVELS = 127

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TempoConfig:
    """Sizes and learning rules.

    Attributes:
        rules: ``separate`` or ``merged``.
        epochs: presentations of every image to each layer.
        plasticity_rate: of the weights.
        threshold_rate: of the thresholds.
        places_per_module: one module learns so many places on its own.
        seed: of the first weights and of the order of images.
    """

    rules: Rules = "separate"
    epochs: int = 4
    plasticity_rate: float = 0.005
    threshold_rate: float = 0.15
    places_per_module: int = 500
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Layer:
    """Links and cells of one layer.

    Attributes:
        weights: (K, cells, inputs) float32; K = 2 for excitatory and inhibitory links apart, 1 for
            merged ones. The sign of a link never changes, 0 is none.
        threshold: (cells,) float32.
        constant: (cells,) float32 input that is always there.
        target_rate: (cells,) float32 amplitude that a cell is to have on average.
    """

    weights: Floats
    threshold: Floats
    constant: Floats
    target_rate: Floats

    @cached_property
    def matrix(self) -> Floats:
        """(cells, inputs): excitatory and inhibitory links together."""
        return self.weights.sum(axis=0)

    def drive(self, inputs: Floats) -> Floats:
        """(..., cells) for (..., inputs)."""
        return inputs @ self.matrix.T + self.constant

    def amplitudes(self, inputs: Floats) -> Floats:
        """(..., cells): what the cells send on."""
        return np.clip(self.drive(inputs) - self.threshold, 0, CEILING)


@dataclass(frozen=True, eq=False)
class TempoModule:
    """The network of one stretch of places."""

    features: Layer
    output: Layer

    def score(self, spikes: Floats, clamped: bool = True) -> Floats:
        """(..., places) for (..., pixels) amplitudes; the more the more alike.

        Args:
            spikes: pixels in 0..1.
            clamped: as it was trained; otherwise the two layers are one linear map. The last
                ceiling is left out in both: it would only make ties.
        """
        if clamped:
            return self.output.drive(self.features.amplitudes(spikes)) - self.output.threshold
        return self.output.drive(self.features.drive(spikes))

    def fused(self) -> Floats:
        """(places, pixels): the product of both layers, for modules without constant input."""
        return self.output.matrix @ self.features.matrix

    @cached_property
    def quantised(self) -> QuantisedMatrix:
        """The fused matrix in int8."""
        return quantised_rows(self.fused())


@dataclass(frozen=True, eq=False)
class QuantisedMatrix:
    """A matrix in int8 with one step per row.

    Attributes:
        levels: (places, pixels) int8.
        steps: (places,) float32.
    """

    levels: NDArray[np.int8]
    steps: Floats

    def score(self, picture: NDArray[np.uint8]) -> Floats:
        """(places,) for a picture of 0..255, summed in whole numbers."""
        sums = _integer_products(self.levels, picture.ravel())
        return sums.astype(np.float32) * self.steps / np.float32(255)


@njit(cache=True)
def _integer_products(levels: NDArray[np.int8], picture: NDArray[np.uint8]) -> NDArray[np.int32]:
    sums = np.empty(len(levels), dtype=np.int32)
    for row in range(len(levels)):
        total = np.int32(0)
        for pixel in range(picture.size):
            total += np.int32(levels[row, pixel]) * np.int32(picture[pixel])
        sums[row] = total
    return sums


def quantised_rows(matrix: Floats) -> QuantisedMatrix:
    """The nearest int8 matrix."""
    steps = np.abs(matrix).max(axis=1) / _INT8_LEVELS
    steps[steps == 0] = 1.0
    return QuantisedMatrix(np.rint(matrix / steps[:, None]).astype(np.int8), steps)


def first_module(
    pixels: int, places: int, rules: Rules, random: np.random.Generator
) -> TempoModule:
    """An untaught module."""
    cells = _FEATURES_PER_PIXEL * pixels
    separate = rules == "separate"
    features = Layer(
        _first_weights(cells, pixels, _FEATURE_LINKS, separate, random),
        random.uniform(0, _HIGHEST_THRESHOLD, cells).astype(np.float32),
        (random.uniform(0, _HIGHEST_INPUT, cells) * separate).astype(np.float32),
        (_LOWEST_RATE + _RATE_RANGE * np.arange(1, cells + 1) / cells).astype(np.float32),
    )
    none = np.zeros(places, dtype=np.float32)
    links = _first_weights(places, cells, _OUTPUT_LINKS, separate, random)
    return TempoModule(features, Layer(links, none, none, none))


def _first_weights(
    cells: int,
    inputs: int,
    links: tuple[float, float],
    separate: bool,
    random: np.random.Generator,
) -> Floats:
    """Normal around ±0.5. The links of a sign into a cell sum to ±1, if merged only in the last."""
    weights = np.empty((2, cells, inputs))
    for part, (sign, share) in enumerate(zip((1.0, -1.0), links, strict=True)):
        size = random.normal(_WEIGHT_MEAN, _WEIGHT_DEVIATION, (cells, inputs)).clip(min=0)
        weights[part] = sign * size * (random.random((cells, inputs)) < share)
    sums = np.abs(weights).sum(axis=2, keepdims=True)
    if not separate:
        sums = sums[:, -1:]
    links_of_sign: Floats = (weights / np.where(sums > 0, sums, 1.0)).astype(np.float32)
    return links_of_sign if separate else links_of_sign.sum(axis=0, keepdims=True)


def with_weights(layer: Layer, weights: Floats, threshold: Floats) -> Layer:
    """The layer after learning."""
    return replace(layer, weights=weights, threshold=threshold)
