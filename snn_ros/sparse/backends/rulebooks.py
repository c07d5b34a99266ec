"""Rulebooks of the compiled kernels: NumPy arrays, built from sites in lexicographic order."""

from __future__ import annotations

import math
from ctypes import byref, c_int64
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from snn_ros.sparse.backends.compiled import library, pointer
from snn_ros.sparse.rulebook import Kernel, Rulebook, Size

Coordinates = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class PackedRulebook:
    """As `snn_ros.sparse.rulebook.Rulebook`; within an offset the output rows ascend.

    Attributes:
        inputs: (pairs,) int32.
        outputs: (pairs,) int32.
        starts: (offsets + 1,) int64.
        num_inputs: rows of the input.
        num_outputs: rows of the output.
    """

    inputs: NDArray[np.int32]
    outputs: NDArray[np.int32]
    starts: NDArray[np.int64]
    num_inputs: int
    num_outputs: int

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return int(self.starts[-1])


def packed(rulebook: Rulebook) -> PackedRulebook:
    """A rulebook of the reference, its pairs sorted by output within each offset."""
    starts = np.array(rulebook.starts, np.int64)
    inputs, outputs = rulebook.inputs.cpu().numpy(), rulebook.outputs.cpu().numpy()
    if not _ascend(outputs, starts):  # they do where the sites are in lexicographic order
        offsets = np.repeat(np.arange(rulebook.offsets), np.diff(starts))
        order = np.lexsort((outputs, offsets))
        inputs, outputs = inputs[order], outputs[order]
    return PackedRulebook(
        inputs.astype(np.int32),
        outputs.astype(np.int32),
        starts,
        rulebook.num_inputs,
        rulebook.num_outputs,
    )


def _ascend(rows: NDArray[np.int64], starts: NDArray[np.int64]) -> bool:
    """Whether rows ascend from each start to the next."""
    falls = np.flatnonzero(rows[1:] <= rows[:-1]) + 1
    return bool(np.isin(falls, starts).all())


def submanifold_rulebook(
    coordinates: Coordinates, spatial_shape: Size, size: Size
) -> PackedRulebook:
    """As the reference's, of sites in lexicographic order.

    Args:
        coordinates: (V, 1 + axes), lexicographic, no site twice.
        spatial_shape: extent per axis.
        size: of the kernel, odd on every axis.
    """
    count, offsets = len(coordinates), math.prod(size)
    reach = [extent // 2 for extent in size]
    # an empty margin after each axis: a neighbour beyond a border never has the key of a site
    extents = [extent + margin for extent, margin in zip(spatial_shape, reach, strict=True)]
    strides = [math.prod(extents[axis:]) for axis in range(len(extents) + 1)]
    keys = coordinates.astype(np.int64) @ np.array(strides, np.int64)
    steps = np.array(list(product(*map(range, size))), np.int64) - np.array(reach)
    shifts = np.ascontiguousarray(steps @ np.array(strides[1:], np.int64))
    inputs, outputs = (np.empty(offsets * count, np.int32) for _ in range(2))
    starts = np.empty(offsets + 1, np.int64)
    library().snn_ros_submanifold(
        pointer(keys), count, pointer(shifts), offsets,
        pointer(inputs), pointer(outputs), pointer(starts),
    )  # fmt: skip
    return PackedRulebook(inputs[: starts[-1]], outputs[: starts[-1]], starts, count, count)


def strided_rulebook(
    coordinates: Coordinates, spatial_shape: Size, kernel: Kernel
) -> tuple[PackedRulebook, Coordinates]:
    """As the reference's, of sites in lexicographic order.

    Returns:
        The rulebook, and the output's coordinates (V', 1 + axes) in lexicographic order.
    """
    shape = kernel.output_shape(spatial_shape)
    axes = [kernel.size, kernel.stride, kernel.padding, spatial_shape, shape]
    per_axis = np.ascontiguousarray(np.array(axes, np.int32).T)
    pairs, num_outputs = c_int64(), c_int64()
    coordinates = np.ascontiguousarray(coordinates, np.int32)
    handle = library().snn_ros_strided_begin(
        pointer(coordinates), len(coordinates), pointer(per_axis), len(shape),
        byref(pairs), byref(num_outputs),
    )  # fmt: skip
    inputs, outputs = (np.empty(pairs.value, np.int32) for _ in range(2))
    starts = np.empty(math.prod(kernel.size) + 1, np.int64)
    sites = np.empty((num_outputs.value, len(shape) + 1), np.int32)
    library().snn_ros_strided_finish(
        handle, pointer(inputs), pointer(outputs), pointer(starts), pointer(sites)
    )
    return PackedRulebook(inputs, outputs, starts, len(coordinates), len(sites)), sites
