"""What the `edge` network sees of a cloud: whole numbers that do not depend on the number of beams.

A voxel says which of its octants hold points, where the mean of its points lies in it, how high it
is above the road, and how bright its points are. Whole numbers, so that the first layer, whose
weights are on the int8 grid, is as exact as those that spikes enter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from snn_ros.sparse.backends.compiled import is_available
from snn_ros.sparse.backends.voxels import OCTANTS, voxelise_with_octants
from snn_ros.sparse.tensor import Sites, SparseTensor
from snn_ros.sparse.voxels import DroppedPoints, VoxelGrid, Voxels, voxelise

CHANNELS = 13
SCALE = 64
"""Of all features: an octant that holds points, half a voxel, full brightness, ``HEIGHT_UNIT``."""

HEIGHT_UNIT = 4.0  # m


@dataclass(frozen=True, eq=False)
class VoxelFeatures:
    """The input of the network.

    Attributes:
        tensor: (V, CHANNELS) float32 whole numbers in -127..127.
        dropped: points that are in no voxel.
    """

    tensor: SparseTensor
    dropped: DroppedPoints


def voxel_features(
    points: Tensor, grid: VoxelGrid, *, batch: Tensor | None = None, batch_size: int = 1
) -> VoxelFeatures:
    """Features of all voxels that hold points.

    Args:
        points: (N, 4) float32 x, y in m, z in m above the road, intensity 0..1.
        grid: the voxels.
        batch: (N,) integer, the sample of each point; None for one sample.
        batch_size: number of samples.
    """
    voxels, octants = _occupied(points, grid, batch)
    mean, intensity = voxels.features.split((3, 1), dim=1)
    low, size = points.new_tensor(grid.minimum), points.new_tensor(grid.size)
    centre = low + (voxels.coordinates[:, 1:].flip(1) + 0.5) * size
    features = torch.cat(
        [
            octants.to(points.dtype),
            2.0 * (mean - centre) / size,
            centre[:, 2:] / HEIGHT_UNIT,
            intensity.clamp(0.0, 1.0),
        ],
        dim=1,
    )
    whole = (SCALE * features).round().clamp(-127.0, 127.0)
    sites = Sites(voxels.coordinates, grid.shape, batch_size)
    return VoxelFeatures(SparseTensor(whole, sites), voxels.dropped)


def _occupied(points: Tensor, grid: VoxelGrid, batch: Tensor | None) -> tuple[Voxels, Tensor]:
    """Voxels with the means of (N, 4) points, and (V, 8) bool, which octants hold points."""
    if points.device.type == "cpu" and points.dtype == torch.float32 and is_available():
        return voxelise_with_octants(points, grid, batch=batch)
    voxels = voxelise(_with_octants(points, grid), grid, batch=batch)
    means, octants = voxels.features.split((points.shape[1], OCTANTS), dim=1)
    return replace(voxels, features=means), octants > 0


def _with_octants(points: Tensor, grid: VoxelGrid) -> Tensor:
    """(N, 4 + 8): each point with a one at its octant of its voxel."""
    cells = (points[:, :3] - points.new_tensor(grid.minimum)) / points.new_tensor(grid.size)
    upper = (cells - cells.floor() >= 0.5).long()
    octant = upper @ upper.new_tensor([1, 2, 4])
    return torch.cat([points, torch.nn.functional.one_hot(octant, OCTANTS).to(points.dtype)], 1)
