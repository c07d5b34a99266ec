"""Rulebooks: which input site meets which output site under which weight of a kernel.

Cross-correlation, as everywhere in torch: out[q] = sum_k W_k in[stride q + k - padding].
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from snn_ros.sparse.keys import coordinates_of, linear_keys
from snn_ros.spiking.parameters import refuse

Size = tuple[int, ...]
NO_NEIGHBOUR = -1


@dataclass(frozen=True)
class Kernel:
    """Shape of a convolution, one entry per axis in the order of the coordinate columns.

    Attributes:
        size: sites the kernel covers.
        stride: input sites from one output site to the next.
        padding: empty planes in front of the first site and after the last one.
    """

    size: Size
    stride: Size
    padding: Size

    def __post_init__(self) -> None:
        axes = len(self.size)
        problems = [
            f"{name} = {value!r}: must have {axes} entries of at least {least}"
            for name, value, least in (
                ("size", self.size, 1), ("stride", self.stride, 1), ("padding", self.padding, 0),
            )
            if len(value) != axes or any(entry < least for entry in value)
        ]  # fmt: skip
        refuse(self, problems)

    def output_shape(self, spatial_shape: Size) -> Size:
        """Extent of the output; a last plane that no full window reaches is dropped."""
        return tuple(
            max((extent + 2 * padding - size) // stride + 1, 0)
            for extent, size, stride, padding in zip(
                spatial_shape, self.size, self.stride, self.padding, strict=True
            )
        )


@dataclass(frozen=True, eq=False)
class Rulebook:
    """Pairs of input and output rows, grouped by kernel offset in raster order.

    Attributes:
        inputs: (pairs,) int64, rows of the input.
        outputs: (pairs,) int64, rows of the output; within one offset no row occurs twice.
        starts: pairs of offset k are starts[k] to starts[k + 1].
        num_inputs: rows of the input.
        num_outputs: rows of the output.
    """

    inputs: Tensor
    outputs: Tensor
    starts: tuple[int, ...]
    num_inputs: int
    num_outputs: int

    @property
    def offsets(self) -> int:
        """Number of offsets of the kernel."""
        return len(self.starts) - 1

    @property
    def pairs(self) -> int:
        """Number of pairs: multiplied by both channel counts, the multiply-accumulates."""
        return self.starts[-1]

    def segments(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Offset, input rows and output rows, for every offset that has pairs."""
        for offset, (start, end) in enumerate(itertools.pairwise(self.starts)):
            if end > start:
                yield offset, self.inputs[start:end], self.outputs[start:end]

    @cached_property
    def neighbours(self) -> Tensor:
        """(offsets, num_outputs) int32: input row of each output row, `NO_NEIGHBOUR` for none.

        The same pairs by output row, for kernels that write each row once.
        """
        device = self.outputs.device
        lengths = torch.tensor(self.starts, device=device).diff()
        offsets = torch.arange(self.offsets, device=device)
        table = torch.full(
            (self.offsets, self.num_outputs), NO_NEIGHBOUR, dtype=torch.int32, device=device
        )
        place = offsets.repeat_interleave(lengths, output_size=self.pairs), self.outputs
        table[place] = self.inputs.int()
        return table

    def transposed(self) -> Rulebook:
        """The same pairs from output to input: for inverse convolutions and for gradients."""
        return replace(
            self,
            inputs=self.outputs,
            outputs=self.inputs,
            num_inputs=self.num_outputs,
            num_outputs=self.num_inputs,
        )


def submanifold_rulebook(coordinates: Tensor, spatial_shape: Size, size: Size) -> Rulebook:
    """Pairs of a stride-1 convolution whose output sites are its input sites, row by row.

    Half of the offsets is searched; the other half is the same pairs swapped. Within a row of the
    kernel the neighbours follow each other in the sorted keys, so one search serves the row.

    Args:
        coordinates: (V, 1 + axes) integer, batch first; no site twice.
        spatial_shape: extent per axis.
        size: of the kernel, odd on every axis.
    """
    reach = tuple(extent // 2 for extent in size)
    # an empty margin after each axis: a neighbour beyond a border never has the key of a site
    padded = [extent + margin for extent, margin in zip(spatial_shape, reach, strict=True)]
    strides = [math.prod(padded[axis + 1 :]) for axis in range(len(padded))]
    keys, rows = linear_keys(coordinates, padded).sort()
    end = torch.full((1,), torch.iinfo(torch.int64).max, device=keys.device)
    followed = torch.cat([keys, end])

    later: list[tuple[Tensor, Tensor]] = []  # input, output rows of the offsets after the centre
    kernel_rows = list(itertools.product(*map(range, size[:-1])))
    for kernel_row in kernel_rows[len(kernel_rows) // 2 :]:
        shift = sum(
            (k - r) * stride
            for k, r, stride in zip(kernel_row, reach[:-1], strides[:-1], strict=True)
        )
        first = 1 if shift == 0 else -reach[-1]  # the centre's own row begins after the centre
        position = torch.searchsorted(keys, keys + (shift + first))
        for step in range(first, reach[-1] + 1):
            hit = followed[position] == keys + (shift + step)
            found = hit.nonzero().squeeze(1)
            later.append((rows[position[found]], rows[found]))
            position = position + hit
    centre = (rows, rows)
    earlier = [(outputs, inputs) for inputs, outputs in reversed(later)]
    return _rulebook([*earlier, centre, *later], len(keys), len(keys))


def strided_rulebook(
    coordinates: Tensor, spatial_shape: Size, kernel: Kernel
) -> tuple[Rulebook, Tensor]:
    """Pairs of a convolution whose output sites are all those that see an input site.

    Args:
        coordinates: (V, 1 + axes) integer, batch first; no site twice.
        spatial_shape: extent per axis.
        kernel: its shape.

    Returns:
        The rulebook, and the output's coordinates (V', 1 + axes) int32 in lexicographic order.
    """
    shape = kernel.output_shape(spatial_shape)
    # per axis and offset: the output cell that sees each site, and whether there is one
    cells, exists = zip(
        *(
            _cells_along(coordinates[:, axis + 1].long(), kernel, axis, extent)
            for axis, extent in enumerate(shape)
        ),
        strict=True,
    )
    keys_of, rows_of = [], []
    for offset in itertools.product(*map(range, kernel.size)):
        seen = exists[0][offset[0]]
        key = coordinates[:, 0].long()
        for axis, k in enumerate(offset):
            seen = seen & exists[axis][k]
            key = key * shape[axis] + cells[axis][k]
        rows = seen.nonzero().squeeze(1)
        rows_of.append(rows)
        keys_of.append(key[rows])
    keys, outputs = torch.unique(torch.cat(keys_of), return_inverse=True)
    output_rows = outputs.split([len(rows) for rows in rows_of])
    pairs = list(zip(rows_of, output_rows, strict=True))
    rulebook = _rulebook(pairs, len(coordinates), len(keys))
    return rulebook, coordinates_of(keys, shape)


def _cells_along(
    positions: Tensor, kernel: Kernel, axis: int, extent: int
) -> tuple[list[Tensor], list[Tensor]]:
    """For every offset along one axis: cell q with stride q + k - padding = position, validity."""
    cells, exists = [], []
    for k in range(kernel.size[axis]):
        reached = positions + (kernel.padding[axis] - k)
        cell = reached.div(kernel.stride[axis], rounding_mode="floor")
        on_grid = cell * kernel.stride[axis] == reached
        cells.append(cell)
        exists.append(on_grid & (cell >= 0) & (cell < extent))
    return cells, exists


def _rulebook(
    pairs: list[tuple[Tensor, Tensor]],
    num_inputs: int,
    num_outputs: int,
) -> Rulebook:
    inputs, outputs = zip(*pairs, strict=True)
    return Rulebook(
        inputs=torch.cat(inputs),
        outputs=torch.cat(outputs),
        starts=(0, *itertools.accumulate(map(len, inputs))),
        num_inputs=num_inputs,
        num_outputs=num_outputs,
    )
