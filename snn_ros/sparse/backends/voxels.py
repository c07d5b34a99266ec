"""Voxels by the compiled library: the bits of `snn_ros.sparse.voxels.voxelise` without caps."""

from __future__ import annotations

from ctypes import Structure, byref, c_float, c_int32

import torch
from torch import Tensor

from snn_ros.sparse.backends.compiled import library
from snn_ros.sparse.voxels import DroppedPoints, VoxelGrid, Voxels

OCTANTS = 8


class _Grid(Structure):
    """`Grid` of src/sparse/voxels.cpp."""

    _fields_ = (("minimum", c_float * 3), ("size", c_float * 3), ("extents", c_int32 * 3))


def voxelise_with_octants(
    points: Tensor, grid: VoxelGrid, *, batch: Tensor | None = None
) -> tuple[Voxels, Tensor]:
    """As `voxelise`, and which eighths of each voxel hold points.

    Args:
        points: (N, F) float32 on the CPU; x, y, z in m and then any features of up to ±2^16.
        grid: the cells.
        batch: (N,) integer, at least 0, the sample of each point; None for one sample.

    Returns:
        The voxels, and (V, 8) bool: octant i is the upper half in x for i & 1, y for i & 2 and z
        for i & 4.
    """
    points = points.contiguous()
    samples = None if batch is None else batch.long().contiguous()
    count, features = points.shape
    cells = _Grid((*grid.minimum,), (*grid.size,), (*grid.shape,))
    size, not_finite, out_of_range = c_int32(), c_int32(), c_int32()
    handle = library().snn_ros_voxelise_begin(
        points.data_ptr(), None if samples is None else samples.data_ptr(), count, features,
        byref(cells), byref(size), byref(not_finite), byref(out_of_range),
    )  # fmt: skip
    coordinates = torch.empty(size.value, 4, dtype=torch.int32)
    means = torch.empty(size.value, features)
    counts = torch.empty(size.value, dtype=torch.int64)
    octants = torch.empty(size.value, 1, dtype=torch.uint8)
    library().snn_ros_voxelise_finish(
        handle, points.data_ptr(), features, byref(cells),
        *(array.data_ptr() for array in (coordinates, means, counts, octants)),
    )  # fmt: skip
    dropped = DroppedPoints(not_finite.value, out_of_range.value)
    bits = torch.tensor([1 << octant for octant in range(OCTANTS)], dtype=torch.uint8)
    return Voxels(coordinates, means, counts, dropped), (octants & bits).bool()
