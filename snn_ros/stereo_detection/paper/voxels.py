"""Where the voxels of the world lie in the volume behind the image, and the other way round.

The world is pseudo-LiDAR: x forward, y left, z up, in the left camera; a camera has x right, y
down, z forward.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from snn_ros.sparse.voxels import VoxelGrid


class Placement(NamedTuple):
    """Where voxels lie in the frustum.

    Attributes:
        coordinates: (z, y, x, 3) column, row and depth in [-1, 1] from the first to the last.
        valid: (z, y, x) bool, whether a voxel is seen.
    """

    coordinates: Tensor
    valid: Tensor


def voxel_centres(grid: VoxelGrid) -> Tensor:
    """(z, y, x, 3) centres of voxels in m, float32."""
    axes = [
        low + (torch.arange(cells, dtype=torch.float32) + 0.5) * size
        for low, size, cells in zip(grid.minimum, grid.size, grid.shape[::-1], strict=True)
    ]
    z, y, x = torch.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    return torch.stack([x, y, z], dim=-1)


def camera_of(points: Tensor) -> Tensor:
    """Points (..., 3) of pseudo-LiDAR in the axes of the camera."""
    x, y, z = points.unbind(-1)
    return torch.stack([-y, -z, x], dim=-1)


def pseudo_lidar_of(points: Tensor) -> Tensor:
    """Points (..., 3) of the camera in the axes of pseudo-LiDAR."""
    x, y, z = points.unbind(-1)
    return torch.stack([z, -x, -y], dim=-1)


def place_voxels(
    grid: VoxelGrid, projection: Tensor, padded: tuple[int, int], image: tuple[int, int]
) -> Placement:
    """Where voxels lie in the frustum; the same as long as the camera is.

    Published quirk: planes stand in the middle of their intervals and are read as though the
    first and the last stood at the ends of the range.

    Args:
        grid: of voxels; its x range is that of depths.
        projection: (3, 4) of the left camera, float32.
        padded: rows and columns of the image with padding.
        image: rows and columns without.
    """
    points = camera_of(voxel_centres(grid))
    homogeneous = torch.cat([points, torch.ones_like(points[..., :1])], -1) @ projection.T
    pixel = homogeneous[..., :2] / homogeneous[..., 2:]
    depth = points[..., 2]
    nearest, farthest = grid.minimum[0], grid.maximum[0]
    u, v = pixel.unbind(-1)
    share = torch.stack(
        [u / (padded[1] - 1), v / (padded[0] - 1), (depth - nearest) / (farthest - nearest)], -1
    )
    coordinates = share * 2 - 1
    rows, columns = image
    valid = (u >= 0) & (u <= columns) & (v >= 0) & (v <= rows)
    return Placement(coordinates, valid & (coordinates[..., 2].abs() <= 1))


def sample_voxels(frustum: Tensor, placement: Placement) -> Tensor:
    """(batch, C, z, y, x) of a frustum (batch, C, planes, rows, columns); 0 where not seen."""
    coordinates = placement.coordinates.expand(len(frustum), -1, -1, -1, -1)
    return functional.grid_sample(frustum, coordinates, align_corners=True) * placement.valid
