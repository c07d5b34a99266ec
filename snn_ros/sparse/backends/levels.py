"""Sites of every resolution of one input, and the rulebooks between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snn_ros.sparse.backends.rulebooks import (
    Coordinates,
    PackedRulebook,
    strided_rulebook,
    submanifold_rulebook,
)
from snn_ros.sparse.convolution import (
    InverseConvolution,
    SparseConvolution,
    StridedConvolution,
)
from snn_ros.sparse.rulebook import Kernel, Size
from snn_ros.sparse.tensor import Sites, SparseTensorError

Convolution = SparseConvolution | nn.Linear
Rows = TypeVar("Rows", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Level:
    """Sites of one resolution, in lexicographic order.

    Attributes:
        coordinates: (V, 1 + axes) int32.
        spatial_shape: extent per axis.
        finer: the level and the rulebook that a strided convolution came along.
        kernel: of that convolution.
        name: `Sites.level`.
        submanifold: rulebooks between its own sites, by size of kernel.
    """

    coordinates: Coordinates
    spatial_shape: Size
    finer: Level | None = None
    rulebook: PackedRulebook | None = None
    kernel: Kernel | None = None
    name: tuple[Kernel, ...] = ()
    submanifold: dict[Size, PackedRulebook] = field(default_factory=dict)


class Levels:
    """All levels of one input; each rulebook is built once.

    A level knows the finer one and not the coarser ones: in a circle, megabytes of rulebooks would
    wait for the garbage collector.
    """

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        coordinates = sites.coordinates.numpy()
        self._order = _order(coordinates)
        self.finest = Level(self.in_order(coordinates), sites.spatial_shape, name=sites.level)
        self._coarser: dict[tuple[int, Kernel], Level] = {}
        self._above: dict[int, Level] = {}
        self._torch_sites: dict[int, Sites] = {id(self.finest): sites}

    def in_order(self, rows: NDArray[Rows]) -> NDArray[Rows]:
        """Rows of the input, in the order of the finest level."""
        return rows if self._order is None else rows[self._order]

    def rulebook(self, layer: Convolution, level: Level) -> tuple[PackedRulebook, Level]:
        """The rulebook of a layer on `level`, and the level of its output.

        Raises:
            SparseTensorError: for an inverse convolution that no strided one led to.
        """
        if isinstance(layer, StridedConvolution):
            coarse = self._strided(level, layer.kernel)
            assert coarse.rulebook is not None  # of every level but the finest
            return coarse.rulebook, coarse
        if isinstance(layer, InverseConvolution):
            return _inverse(level, layer)
        if isinstance(layer, nn.Linear):
            return _pointwise(level), level
        size = layer.kernel_size
        if size not in level.submanifold:
            level.submanifold[size] = submanifold_rulebook(
                level.coordinates, level.spatial_shape, size
            )
        return level.submanifold[size], level

    def _strided(self, level: Level, kernel: Kernel) -> Level:
        """The level that a strided convolution leads to."""
        key = id(level), kernel
        if key not in self._coarser:
            rulebook, coordinates = strided_rulebook(level.coordinates, level.spatial_shape, kernel)
            shape = kernel.output_shape(level.spatial_shape)
            name = (*level.name, kernel)
            self._coarser[key] = Level(coordinates, shape, level, rulebook, kernel, name)
        return self._coarser[key]

    def seen_from_above(self, level: Level) -> Level:
        """The single plane of a level (z, y, x), as `SeenFromAbove` has it."""
        if id(level) not in self._above:
            coordinates = np.ascontiguousarray(level.coordinates[:, [0, 2, 3]])
            flat = Level(coordinates, level.spatial_shape[1:], name=level.name)
            self._above[id(level)] = flat
        return self._above[id(level)]

    def sites(self, level: Level) -> Sites:
        """The sites of a level for others; those of the input are the same object."""
        if id(level) not in self._torch_sites:
            self._torch_sites[id(level)] = Sites(
                torch.from_numpy(level.coordinates),
                level.spatial_shape,
                self._sites.batch_size,
                level.name,
            )
        return self._torch_sites[id(level)]

    def features(self, features: NDArray[np.float32], level: Level) -> Tensor:
        """Features of a level for others: a copy, in the row order of `sites`."""
        copied = np.empty_like(features)
        rows = slice(None) if level is not self.finest or self._order is None else self._order
        copied[rows] = features
        return torch.from_numpy(copied)


def _order(coordinates: Coordinates) -> NDArray[np.intp] | None:
    """Rows in lexicographic order; None where they are so already."""
    steps = np.diff(coordinates, axis=0)
    leading = steps[np.arange(len(steps)), (steps != 0).argmax(1)]
    return None if (leading > 0).all() else np.lexsort(coordinates.T[::-1])


def _pointwise(level: Level) -> PackedRulebook:
    """Every site meets itself: a linear layer on the features."""
    size = (1,) * len(level.spatial_shape)
    if size not in level.submanifold:
        count = len(level.coordinates)
        rows = np.arange(count, dtype=np.int32)
        level.submanifold[size] = PackedRulebook(rows, rows, np.array([0, count]), count, count)
    return level.submanifold[size]


def _inverse(level: Level, layer: InverseConvolution) -> tuple[PackedRulebook, Level]:
    down, finer = level.rulebook, level.finer
    if down is None or finer is None or level.kernel is None:
        raise SparseTensorError(
            "inverse convolution: no strided convolution of this network led to its input"
        )
    if level.kernel.size != layer.kernel_size:
        raise SparseTensorError(
            f"inverse convolution: kernel_size = {layer.kernel_size!r}, the strided convolution "
            f"it inverts has {level.kernel.size!r}"
        )
    up = replace(
        down,
        inputs=down.outputs,
        outputs=down.inputs,
        num_inputs=down.num_outputs,
        num_outputs=down.num_inputs,
    )
    return up, finer
