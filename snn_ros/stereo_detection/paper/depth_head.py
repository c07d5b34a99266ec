"""Depth of the left image from the voxels of the world: what training supervises them by."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.stereo_detection.paper.plane_sweep import STEP
from snn_ros.stereo_detection.paper.voxels import pseudo_lidar_of


def frustum_cells(depths: Tensor, padded: tuple[int, int]) -> Tensor:
    """Middles of the frustum's cells.

    Args:
        depths: (planes,) in m.
        padded: rows and columns of the image with padding.

    Returns:
        (planes, rows / 4, columns / 4, 3) column and row in pixels, and depth in m.
    """
    rows, columns = (
        torch.arange(size // STEP, dtype=torch.float32) * STEP + STEP / 2 for size in padded
    )
    depth, v, u = torch.meshgrid(depths, rows, columns, indexing="ij")
    return torch.stack([u, v, depth], dim=-1)


def frustum_coordinates(grid: VoxelGrid, projection: Tensor, cells: Tensor) -> Tensor:
    """Where the cells of the frustum lie among the voxels.

    Args:
        grid: of voxels.
        projection: (3, 4) of the left camera, float32.
        cells: of ``frustum_cells``.

    Returns:
        (planes, rows / 4, columns / 4, 3) x, y, z, in [-1, 1] between the faces of the grid.
    """
    depth = cells[..., 2:]
    scaled = torch.cat([cells[..., :2] * depth, depth], dim=-1) - projection[:, 3]
    points = pseudo_lidar_of(scaled @ torch.linalg.inv(projection[:, :3]).T)
    low, high = torch.tensor(grid.minimum), torch.tensor(grid.maximum)
    return (points - low) / (high - low) * 2 - 1


def depth_logits(layers: nn.Module, voxels: Tensor, coordinates: Tensor) -> Tensor:
    """Logits (batch, 4 * planes, rows, columns) of depths at full resolution.

    Args:
        layers: convolutions from a frustum to one channel.
        voxels: (batch, C, z, y, x).
        coordinates: of ``frustum_coordinates``.
    """
    places = coordinates.expand(len(voxels), -1, -1, -1, -1)
    frustum = layers(functional.grid_sample(voxels, places, align_corners=False))
    up = functional.interpolate(frustum, scale_factor=STEP, mode="trilinear", align_corners=True)
    return up[:, 0]


def expected_depth(logits: Tensor, depths: Tensor) -> Tensor:
    """(batch, rows, columns) mean depth of logits (batch, bins, rows, columns), in m."""
    return (logits.softmax(1) * depths[:, None, None]).sum(1)


def likeliest_depth(logits: Tensor, depths: Tensor, window: int = 5) -> Tensor:
    """The same of the likeliest window of neighbouring bins alone.

    Args:
        logits: (batch, bins, rows, columns).
        depths: (bins,) in m.
        window: number of bins.
    """
    probability = logits.softmax(1)
    moment = probability * depths[:, None, None]
    mass, moment = (x.unfold(1, window, 1).sum(-1) for x in (probability, moment))
    best = mass.argmax(1, keepdim=True)
    return (moment.gather(1, best) / mass.gather(1, best))[:, 0]


def depth_loss(logits: Tensor, truth: Tensor, depths: Tensor) -> Tensor:
    """Cross-entropy of a triangle one bin wide to either side of the true depth.

    Args:
        logits: (batch, bins, rows, columns).
        truth: (batch, rows, columns) in m; only what lies between the ends of the range counts.
        depths: (bins,) in m, evenly spaced.

    Returns:
        Mean over the pixels that count; NaN if there are none.
    """
    step = depths[1] - depths[0]
    counts = (truth > depths[0] - step / 2) & (truth < depths[-1] + step / 2)
    distance = (depths - truth[counts][:, None]).abs()
    target = (1 - distance / step).clamp(min=0)
    return -(target * logits.movedim(1, -1)[counts].log_softmax(-1)).sum(-1).mean()
