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
LARGEST_WIDE_WEIGHT = 127 * 256 + 127  # of two signed bytes
LARGEST_SUM = 2**31 - 1

Integers = NDArray[np.int8] | NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class PackedWeights:
    """A convolution's weights in chunks of output channels, each [offset][step][channel].

    Attributes:
        values: flat; float32, or int8 with four input channels per step, and [plane] before
            [step] where there are two.
        scale: (padded channels,) float32: y = sum * scale + bias.
        bias: (padded channels,) float32.
        offsets: of the kernel.
        steps: input channels, in units of one step.
        in_channels: without padding.
        out_channels: without padding.
        planes: of int8 weights: 2 for those of 16 bits.
    """

    values: NDArray[Any]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    offsets: int
    steps: int
    in_channels: int
    out_channels: int
    planes: int = 1

    @property
    def is_integer(self) -> bool:
        """Whether the input are spike counts."""
        return self.values.dtype == np.int8


def padded(channels: int) -> int:
    """Channels of a row with its padding."""
    return -(-channels // CHANNEL_MULTIPLE) * CHANNEL_MULTIPLE


def largest_wide_weight(inputs: int, max_count: int) -> int:
    """How large weights of at most 16 bits may be so that no sum overflows int32.

    Nor does that of the high plane, times 256, which the low one can exceed by 128 per weight. Of
    more than 65 000 inputs with D = 127 no more than int8 is left.

    Args:
        inputs: of one output: offsets times input channels.
        max_count: D of the counts.
    """
    allowed = LARGEST_SUM // max(inputs * max_count, 1) - 128
    return max(min(allowed, LARGEST_WIDE_WEIGHT), LARGEST_WEIGHT)


def quantised(
    weight: NDArray[np.float32], largest_weight: int = LARGEST_WEIGHT
) -> tuple[Integers, NDArray[np.float32]]:
    """Nearest integer weights and their scale per output channel.

    Whole numbers up to the largest come back as they are, with scale 1. Of other weights int8 are
    exact on a grid whose 127th line is the largest magnitude of the channel; int16 are multiples of
    a power of two, so weights in fixed point of up to 15 bits come back exactly.

    Args:
        weight: (Cout, offsets, Cin).
        largest_weight: magnitude of the largest integer; up to 127 they are int8, else int16.

    Returns:
        Integers of the same shape, and scales (Cout,); of a channel of zeros the scale is 1.
    """
    dtype = np.int8 if largest_weight <= LARGEST_WEIGHT else np.int16
    if np.array_equal(weight, np.rint(weight)) and np.abs(weight).max(initial=0) <= largest_weight:
        return weight.astype(dtype), np.ones(len(weight), np.float32)
    largest = np.abs(weight).max(axis=(1, 2), initial=0.0)
    scale = np.where(largest > 0, largest / np.float32(largest_weight), 1.0).astype(np.float32)
    if dtype is np.int16:
        fraction, exponent = np.frexp(scale)
        scale = np.ldexp(np.float32(1.0), exponent - (fraction == 0.5))  # rounded up
    return np.rint(weight / scale[:, None, None]).astype(dtype), scale


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
    weight: Integers, scale: NDArray[np.float32], bias: NDArray[np.float32]
) -> PackedWeights:
    """For spike counts.

    Args:
        weight: (Cout, offsets, Cin); int16 up to `LARGEST_WIDE_WEIGHT`.
        scale: (Cout,).
        bias: (Cout,).
    """
    outs, offsets, ins = weight.shape
    steps = -(-ins // COUNTS_PER_STEP)
    planes = _planes(weight)
    values = np.zeros((offsets, len(planes), steps * COUNTS_PER_STEP, padded(outs)), np.int8)
    for place, plane in enumerate(planes):
        values[:, place, :ins, :outs] = plane.transpose(1, 2, 0)
    in_steps = values.reshape(offsets, -1, COUNTS_PER_STEP, padded(outs))
    packed = _chunks(in_steps.transpose(0, 1, 3, 2))
    scale, bias = _padded_row(scale), _padded_row(bias)
    return PackedWeights(packed, scale, bias, offsets, steps, ins, outs, len(planes))


def _planes(weight: Integers) -> list[NDArray[np.int8]]:
    """The weight, or high and low of weight = 256 * high + low, both signed."""
    low = weight.astype(np.int8)  # the lower byte
    if weight.dtype == np.int8:
        return [low]
    return [((weight.astype(np.int32) - low) >> 8).astype(np.int8), low]


def _chunks(values: NDArray[Any]) -> NDArray[Any]:
    """(offsets, steps, channels, ...) as one flat array, chunk after chunk."""
    channels = values.shape[2]
    chunks = [values[:, :, first : first + CHUNK].ravel() for first in range(0, channels, CHUNK)]
    return np.concatenate(chunks) if chunks else values.ravel()


def _padded_row(row: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(row.astype(np.float32), (0, padded(len(row)) - len(row)))
