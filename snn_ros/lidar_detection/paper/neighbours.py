"""The occupied voxels around points: the query of the RoI head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snn_ros.sparse.keys import linear_keys
from snn_ros.sparse.tensor import Sites
from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.spiking.parameters import refuse


@dataclass(frozen=True)
class Neighbourhood:
    """Which voxels belong to a point.

    Attributes:
        radius: of a ball around the point, for the centre of a voxel, in m.
        reach: sites around the point's site, along each axis.
        most: voxels; of more, the first in z, y, x order.
    """

    radius: float
    reach: int = 4
    most: int = 16

    def __post_init__(self) -> None:
        refuse(
            self,
            [f"{name} = {value!r}: must be above 0" for name, value in vars(self).items()
             if value <= 0],
        )  # fmt: skip


def site_centres(sites: Sites, stride: int, grid: VoxelGrid) -> Tensor:
    """(V, 3) x, y, z in m of sites that are `stride` voxels wide."""
    xyz = sites.coordinates[:, 1:].flip(1).float()
    size = xyz.new_tensor(grid.size) * stride
    return (xyz + 0.5) * size + xyz.new_tensor(grid.minimum)


def neighbours(
    points: Tensor,
    sample: Tensor,
    sites: Sites,
    stride: int,
    grid: VoxelGrid,
    neighbourhood: Neighbourhood,
) -> tuple[Tensor, Tensor]:
    """Rows of the voxels around each point.

    Args:
        points: (M, 3) x, y, z in m.
        sample: (M,) of each point.
        sites: occupied voxels (z, y, x).
        stride: how many voxels of the grid each of them spans.
        grid: of the detector's input.
        neighbourhood: which of them to take.

    Returns:
        (M, most) rows of `sites`, the first one repeated where fewer are in reach, 0 where none
        is; and (M,) bool, whether any is.
    """
    keys, order = linear_keys(sites.coordinates, sites.spatial_shape).sort()
    starts, counts = _runs(points, sample, sites, stride, grid, neighbourhood.reach, keys)

    # every voxel of every run; runs of one point follow each other in z, y order
    point = torch.arange(len(points), device=points.device)
    point = point.repeat_interleave(counts.view(len(points), -1).sum(1))
    run = torch.arange(len(counts), device=points.device).repeat_interleave(counts)
    within = torch.arange(len(run), device=points.device) - (counts.cumsum(0) - counts)[run]
    row = order[starts[run] + within]

    offset = site_centres(sites, stride, grid)[row] - points[point]
    near = (offset**2).sum(1) <= neighbourhood.radius**2
    point, row = point[near], row[near]
    found = torch.bincount(point, minlength=len(points))
    first = found.cumsum(0) - found
    rank = torch.arange(len(point), device=points.device) - first[point]
    kept = rank < neighbourhood.most
    chosen = row.new_zeros(len(points), neighbourhood.most)
    any_found = found > 0
    chosen[any_found] = row[first[any_found], None]
    chosen[point[kept], rank[kept]] = row[kept]
    return chosen, any_found


def _runs(
    points: Tensor,
    sample: Tensor,
    sites: Sites,
    stride: int,
    grid: VoxelGrid,
    reach: int,
    keys: Tensor,
) -> tuple[Tensor, Tensor]:
    """Where the sorted keys of each row of voxels around each point begin, and how many they are.

    Voxels that differ in x alone follow each other, so that a point has (2 reach + 1)² runs.
    """
    depth, height, width = sites.spatial_shape
    cell = (points - points.new_tensor(grid.minimum)) / points.new_tensor(grid.size)
    x, y, z = (cell.floor().long() // stride).T
    steps = torch.arange(-reach, reach + 1, device=points.device)
    z, y = z[:, None, None] + steps[:, None], y[:, None, None] + steps
    low, high = (x - reach).clamp(0, width), (x + reach + 1).clamp(0, width)
    inside = (z >= 0) & (z < depth) & (y >= 0) & (y < height)
    line = ((sample[:, None, None] * depth + z) * height + y) * width
    starts = torch.searchsorted(keys, (line + low[:, None, None]).flatten())
    ends = torch.searchsorted(keys, (line + high[:, None, None]).flatten())
    return starts, (ends - starts) * inside.flatten()
