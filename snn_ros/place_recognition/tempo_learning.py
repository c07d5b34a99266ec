"""Local learning of the fast network.

No cell's update needs another cell of its layer. A compiled loop therefore teaches cell after cell,
each with all images while its row of weights stays in the cache; cores share the cells.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from snn_ros.place_recognition.tempo import (
    CEILING,
    Floats,
    Layer,
    TempoConfig,
    TempoModule,
    first_module,
    with_weights,
)

_TARGET = np.float32(0.5)  # amplitude towards which features and the right place are drawn
_SMALLEST, _LARGEST = np.float32(1e-6), np.float32(10.0)  # size of a link
_HOMEOSTASIS = np.float32(50.0)  # times the rate of plasticity
_OUTPUT_THRESHOLD_RATE = np.float32(0.2)  # times the rate of plasticity
_REST = {"separate": 10, "merged": 100}  # steps between two reductions of the rates


def learn_module(
    pictures: NDArray[np.uint8], labels: NDArray[np.int64], config: TempoConfig, module: int = 0
) -> TempoModule:
    """Teach one module.

    Args:
        pictures: (N, side, side) of all traverses, in route order.
        labels: (N,) place in the module, 0..places-1.
        config: sizes and rules.
        module: its number, which takes part in the seed.
    """
    spikes = (pictures.reshape(len(pictures), -1) / np.float32(255)).astype(np.float32)
    random = np.random.default_rng([config.seed, module])
    untaught = first_module(spikes.shape[1], int(labels.max()) + 1, config.rules, random)
    orders = [_order(len(spikes), config, random) for _ in range(2)]
    return teach(untaught, spikes, labels, orders, config)


def teach(
    module: TempoModule,
    spikes: Floats,
    labels: NDArray[np.int64],
    orders: list[NDArray[np.int64]],
    config: TempoConfig,
) -> TempoModule:
    """Both layers, one after the other.

    Args:
        module: untaught.
        spikes: (N, pixels) in 0..1.
        labels: (N,) place of each.
        orders: for each layer (steps,) which image is shown when.
        config: rates and rules.
    """
    reduction = rate_reductions(len(orders[0]), config)
    features = teach_features(module.features, spikes, orders[0], reduction, config)
    amplitudes = features.amplitudes(spikes)
    reduction = rate_reductions(len(orders[1]), config)
    output = teach_output(
        module.output, amplitudes / features.target_rate, amplitudes, labels, orders[1], reduction,
        config,
    )  # fmt: skip
    return TempoModule(features, output)


def rate_reductions(steps: int, config: TempoConfig) -> Floats:
    """(steps,) factor of both rates: falls with the square of what is left, in stairs.

    ``separate`` starts anew with each epoch.
    """
    horizon = steps // config.epochs if config.rules == "separate" else steps
    stair = _REST[config.rules]
    step = np.arange(steps) % horizon
    changed_at = np.maximum((step - 1) // stair * stair, 0)  # a step's reduction holds after it
    return (((horizon - changed_at) / horizon) ** 2).astype(np.float32)


def teach_features(
    layer: Layer,
    spikes: Floats,
    order: NDArray[np.int64],
    reduction: Floats,
    config: TempoConfig,
) -> Layer:
    """Unsupervised: links of active pixels draw an active cell towards 0.5."""
    weights, threshold = layer.weights.copy(), layer.threshold.copy()
    follows_amplitude = np.float32(config.rules == "separate")
    _teach_features(
        weights, threshold, layer.constant, layer.target_rate, spikes, order,
        np.float32(config.plasticity_rate) * reduction,
        np.float32(config.threshold_rate) * reduction, follows_amplitude,
    )  # fmt: skip
    return with_weights(layer, weights, threshold)


def teach_output(
    layer: Layer,
    presynaptic: Floats,
    amplitudes: Floats,
    labels: NDArray[np.int64],
    order: NDArray[np.int64],
    reduction: Floats,
    config: TempoConfig,
) -> Layer:
    """Supervised: the cell of the place is drawn to 0.5, the others to 0.

    Args:
        layer: of the places.
        presynaptic: (N, cells) amplitudes of the features over their target rates.
        amplitudes: (N, cells) of the features.
        labels: (N,) place of each image.
        order: (steps,) images.
        reduction: (steps,) of the rates.
        config: rates and rules.
    """
    weights, threshold = layer.weights.copy(), layer.threshold.copy()
    _teach_output(
        weights, threshold, presynaptic, amplitudes, labels, order,
        np.float32(config.plasticity_rate) * reduction, config.rules == "separate",
    )  # fmt: skip
    return with_weights(layer, weights, threshold)


def _order(images: int, config: TempoConfig, random: np.random.Generator) -> NDArray[np.int64]:
    """Which image is shown at each step: in route order, ``merged`` shuffled each epoch."""
    epochs = range(config.epochs)
    if config.rules == "merged":
        return np.concatenate([random.permutation(images) for _ in epochs])
    return np.tile(np.arange(images), config.epochs)


@njit(parallel=True, cache=True, fastmath={"reassoc", "contract"})
def _teach_features(
    weights: Floats,
    threshold: Floats,
    constant: Floats,
    target_rate: Floats,
    spikes: Floats,
    order: NDArray[np.int64],
    plasticity: Floats,
    threshold_rate: Floats,
    follows_amplitude: np.float32,
) -> None:
    for cell in prange(weights.shape[1]):
        for step in range(len(order)):
            image = spikes[order[step]]
            drive = constant[cell] + _dot(weights, cell, image)
            amplitude = min(max(drive - threshold[cell], np.float32(0.0)), CEILING)
            change = np.float32(0.0)
            if amplitude > 0:
                change = plasticity[step] * (_TARGET - amplitude)
            growth = np.float32(1.0) + _HOMEOSTASIS * plasticity[step] * drive
            for part in range(weights.shape[0]):
                row = weights[part, cell]
                for i in range(row.size):
                    moved = change if image[i] > 0 else np.float32(0.0)
                    row[i] = _changed(row[i], moved, -moved, growth)
            error = follows_amplitude * amplitude - target_rate[cell]
            threshold[cell] = max(threshold[cell] + threshold_rate[step] * error, np.float32(0.0))


@njit(parallel=True, cache=True, fastmath={"reassoc", "contract"})
def _teach_output(
    weights: Floats,
    threshold: Floats,
    presynaptic: Floats,
    amplitudes: Floats,
    labels: NDArray[np.int64],
    order: NDArray[np.int64],
    plasticity: Floats,
    adapts_threshold: bool,
) -> None:
    for place in prange(weights.shape[1]):
        for step in range(len(order)):
            image = order[step]
            drive = _dot(weights, place, amplitudes[image])
            amplitude = min(max(drive - threshold[place], np.float32(0.0)), CEILING)
            error = (_TARGET if labels[image] == place else np.float32(0.0)) - amplitude
            scale = plasticity[step] * error
            growth = np.float32(1.0) + _HOMEOSTASIS * plasticity[step] * drive
            for part in range(weights.shape[0]):
                row = weights[part, place]
                for i in range(row.size):
                    moved = scale * presynaptic[image, i]
                    row[i] = _changed(row[i], moved, moved, growth)
            if adapts_threshold:
                fall = np.sign(error) * plasticity[step] * _OUTPUT_THRESHOLD_RATE
                threshold[place] = max(threshold[place] - fall, np.float32(0.0))


@njit(inline="always")
def _changed(
    weight: np.float32, excitatory: np.float32, inhibitory: np.float32, growth: np.float32
) -> np.float32:
    """A link after its change, kept on its side of 0; homeostasis scales the inhibitory ones."""
    if weight > 0:
        return min(max(weight + excitatory, _SMALLEST), _LARGEST)
    if weight < 0:
        kept = min(max(weight + inhibitory, -_LARGEST), -_SMALLEST)
        return min(kept * growth, -_SMALLEST)
    return weight


@njit(inline="always", fastmath={"reassoc", "contract"})
def _dot(weights: Floats, cell: int, inputs: Floats) -> np.float32:
    total = np.float32(0.0)
    for part in range(weights.shape[0]):
        row = weights[part, cell]
        for i in range(row.size):
            total += row[i] * inputs[i]
    return total
