"""One fused convolution in Triton: gather, multiply, add, scale and shift, shortcut, spikes.

A program owns a block of output rows and goes through the offsets in order, so each row is written
once and no sum depends on the schedule. Importing this module needs Triton. Under
``TRITON_INTERPRET=1`` the same kernel runs in Python on tensors of the CPU.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK_ROWS = 64
SMALLEST_BLOCK = 16  # what a matrix unit takes; of bytes it takes at least two such blocks at once
LARGEST_BLOCK = 64
OPTIONS = {"enable_fp_fusion": False}  # a contracted product and sum is rounded once, not twice


@triton.jit
def _convolve(
    features: tl.tensor,
    neighbours: tl.tensor,
    weight: tl.tensor,
    scale: tl.tensor,
    shift: tl.tensor,
    shortcut: tl.tensor,
    membrane: tl.tensor,
    counts: tl.tensor,
    num_outputs: tl.tensor,
    OFFSETS: tl.constexpr,
    IN: tl.constexpr,
    OUT: tl.constexpr,
    MAX_COUNT: tl.constexpr,
    SUMS: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    BLOCK_IN: tl.constexpr,
    BLOCK_OUT: tl.constexpr,
) -> None:
    rows = tl.program_id(0) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    channels = tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    is_row, is_channel = rows < num_outputs, channels < OUT
    total = tl.zeros((BLOCK_ROWS, BLOCK_OUT), SUMS)
    for offset in range(OFFSETS):
        sources = tl.load(neighbours + offset * num_outputs + rows, mask=is_row, other=-1)
        if tl.max(sources, 0) >= 0:
            starts = sources.to(tl.int64)[:, None] * IN  # 32 bits overflow on a large cloud
            for first in range(0, IN, BLOCK_IN):
                inputs = first + tl.arange(0, BLOCK_IN)
                is_input = inputs < IN
                gathered = tl.load(
                    features + starts + inputs[None, :],
                    mask=(sources >= 0)[:, None] & is_input[None, :],
                    other=0,
                )
                matrix = tl.load(
                    weight + (offset * IN + inputs[:, None]) * OUT + channels[None, :],
                    mask=is_input[:, None] & is_channel[None, :],
                    other=0,
                )
                total = tl.dot(gathered, matrix, acc=total, input_precision="ieee", out_dtype=SUMS)
    written = is_row[:, None] & is_channel[None, :]
    places = rows.to(tl.int64)[:, None] * OUT + channels[None, :]
    scales = tl.load(scale + channels, mask=is_channel, other=0.0)
    shifts = tl.load(shift + channels, mask=is_channel, other=0.0)
    potential = total.to(tl.float32) * scales[None, :] + shifts[None, :]
    if shortcut is not None:
        potential += tl.load(shortcut + places, mask=written, other=0.0)
    if membrane is not None:
        tl.store(membrane + places, potential, mask=written)
    if counts is not None:
        clipped = tl.minimum(tl.maximum(potential, 0.0), MAX_COUNT)
        spikes = tl.floor(clipped + 0.5)
        tl.store(counts + places, spikes.to(counts.dtype.element_ty), mask=written)


def convolve(
    features: Tensor,
    neighbours: Tensor,
    weight: Tensor,
    scale: Tensor,
    shift: Tensor,
    *,
    shortcut: Tensor | None = None,
    membrane: Tensor | None = None,
    counts: Tensor | None = None,
    max_count: int = 1,
) -> None:
    """Convolve and write what is asked for; all tensors contiguous, on one device.

    membrane = (sum over offsets k of in[neighbours[k]] W_k) scale + shift + shortcut, and
    counts = floor(clip(membrane, 0, max_count) + 0.5). Bytes are summed in int32, others in
    float32. Nothing after the sum is contracted, so it is rounded as torch rounds it.

    Args:
        features: (V, Cin) int8, float16 or float32.
        neighbours: (offsets, V') int32, `Rulebook.neighbours`.
        weight: (offsets, Cin, Cout) of the same dtype as `features`.
        scale: (Cout,) float32.
        shift: (Cout,) float32.
        shortcut: (V', Cout) float32, added to the membrane.
        membrane: (V', Cout) float32, written; None for none.
        counts: (V', Cout) of any dtype that holds `max_count`, written; None for none.
        max_count: D of the counts.

    Raises:
        ValueError: for a tensor that is not contiguous or of another shape or dtype.
    """
    offsets, ins, outs = weight.shape
    num_outputs = neighbours.shape[1]
    _refuse_misfits(features, neighbours, weight, scale, shift, shortcut, membrane, counts)
    if num_outputs == 0:
        return
    bytes_ = features.dtype == torch.int8
    block_in = _block(ins, (2 if bytes_ else 1) * SMALLEST_BLOCK)
    block_out = _block(outs, SMALLEST_BLOCK)
    grid = triton.cdiv(num_outputs, BLOCK_ROWS), triton.cdiv(outs, block_out)
    with torch.cuda.device_of(features):
        _convolve[grid](
            features, neighbours, weight, scale, shift, shortcut, membrane, counts, num_outputs,
            OFFSETS=offsets, IN=ins, OUT=outs, MAX_COUNT=max_count,
            SUMS=tl.int32 if bytes_ else tl.float32,
            BLOCK_ROWS=BLOCK_ROWS, BLOCK_IN=block_in, BLOCK_OUT=block_out,
            **OPTIONS,
        )  # fmt: skip


def _block(channels: int, least: int) -> int:
    return min(max(triton.next_power_of_2(channels), least), LARGEST_BLOCK)


def _refuse_misfits(
    features: Tensor,
    neighbours: Tensor,
    weight: Tensor,
    scale: Tensor,
    shift: Tensor,
    shortcut: Tensor | None,
    membrane: Tensor | None,
    counts: Tensor | None,
) -> None:
    """The kernel would read other memory than that of the tensors."""
    offsets, ins, outs = weight.shape
    rows = neighbours.shape[1]
    real = torch.float32
    wanted: dict[str, tuple[Tensor | None, tuple[int, ...], torch.dtype | None]] = {
        "features": (features, (len(features), ins), weight.dtype),
        "neighbours": (neighbours, (offsets, rows), torch.int32),
        "weight": (weight, (offsets, ins, outs), features.dtype),
        "scale": (scale, (outs,), real),
        "shift": (shift, (outs,), real),
        "shortcut": (shortcut, (rows, outs), real),
        "membrane": (membrane, (rows, outs), real),
        "counts": (counts, (rows, outs), None),
    }
    for name, (tensor, shape, dtype) in wanted.items():
        if tensor is None:
            continue
        if tensor.shape != shape or tensor.dtype != (dtype or tensor.dtype):
            raise ValueError(
                f"{name} of shape {tuple(tensor.shape)} and {tensor.dtype}: must be {shape}"
                + (f" and {dtype}" if dtype else "")
            )
        if not tensor.is_contiguous():
            raise ValueError(f"{name} of strides {tensor.stride()}: must be contiguous")
