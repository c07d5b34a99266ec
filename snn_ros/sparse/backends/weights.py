"""Weights as the compiled kernels read them: float32, or int8 with a scale per output channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_ros.sparse.backends.compiled import CHANNEL_MULTIPLE

CHUNK = 64  # output channels that a kernel works on at once: kChunk of src/sparse/kernels.h
COUNTS_PER_STEP = 4
LARGEST_WEIGHT = 127


@dataclass(frozen=True, eq=False)
class PackedWeights:
    """A convolution's weights in chunks of output channels, each [offset][step][channel].

    Attributes:
        values: flat; float32, or int8 with four input channels per step.
        scale: (padded channels,) float32: y = sum * scale + bias.
        bias: (padded channels,) float32.
        offsets: of the kernel.
        steps: input channels, in units of one step.
        in_channels: without padding.
        out_channels: without padding.
    """

    values: NDArray[Any]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    offsets: int
    steps: int
    in_channels: int
    out_channels: int

    @property
    def is_integer(self) -> bool:
        """Whether the input are spike counts."""
        return self.values.dtype == np.int8


def padded(channels: int) -> int:
    """Channels of a row with its padding."""
    return -(-channels // CHANNEL_MULTIPLE) * CHANNEL_MULTIPLE


def quantised(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Nearest int8 weights, -127..127, and their scale per output channel.

    Whole numbers up to 127 come back as they are, with scale 1; so do weights that lie on a grid
    whose 127th line is the largest magnitude of the channel, with the scale of the grid.

    Args:
        weight: (Cout, offsets, Cin).

    Returns:
        Integers of the same shape, and scales (Cout,); of a channel of zeros the scale is 1.
    """
    if np.array_equal(weight, np.rint(weight)) and np.abs(weight).max(initial=0) <= LARGEST_WEIGHT:
        return weight.astype(np.int8), np.ones(len(weight), np.float32)
    largest = np.abs(weight).max(axis=(1, 2), initial=0.0)
    scale = np.where(largest > 0, largest / np.float32(LARGEST_WEIGHT), 1.0).astype(np.float32)
    return np.rint(weight / scale[:, None, None]).astype(np.int8), scale


def pack_floats(
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    scale: NDArray[np.float32] | None = None,
) -> PackedWeights:
    """For real-valued input.

    Args:
        weight: (Cout, offsets, Cin).
        bias: (Cout,).
        scale: (Cout,), 1 by default.
    """
    outs, offsets, ins = weight.shape
    values = np.zeros((offsets, ins, padded(outs)), np.float32)
    values[..., :outs] = weight.transpose(1, 2, 0)
    scale = _padded_row(np.ones(outs, np.float32) if scale is None else scale)
    return PackedWeights(_chunks(values), scale, _padded_row(bias), offsets, ins, ins, outs)


def pack_integers(
    weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32]
) -> PackedWeights:
    """For spike counts.

    Args:
        weight: (Cout, offsets, Cin).
        scale: (Cout,).
        bias: (Cout,).
    """
    outs, offsets, ins = weight.shape
    steps = -(-ins // COUNTS_PER_STEP)
    values = np.zeros((offsets, steps, COUNTS_PER_STEP, padded(outs)), np.int8)
    values.reshape(offsets, -1, padded(outs))[:, :ins, :outs] = weight.transpose(1, 2, 0)
    packed = _chunks(values.transpose(0, 1, 3, 2))
    return PackedWeights(packed, _padded_row(scale), _padded_row(bias), offsets, steps, ins, outs)


def _chunks(values: NDArray[Any]) -> NDArray[Any]:
    """(offsets, steps, channels, ...) as one flat array, chunk after chunk."""
    channels = values.shape[2]
    chunks = [values[:, :, first : first + CHUNK].ravel() for first in range(0, channels, CHUNK)]
    return np.concatenate(chunks) if chunks else values.ravel()


def _padded_row(row: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(row.astype(np.float32), (0, padded(len(row)) - len(row)))
