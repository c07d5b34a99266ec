"""Camera features as a map seen from above: lift along rays, move to the present, sum per cell."""

from __future__ import annotations

import torch
from torch import Tensor

from snn_ros.planning.paper.egomotion import matrices_of
from snn_ros.planning.paper.grid import Grid

DISCOUNT = 0.5  # of the frame before


def moved_to_present(points: Tensor, egomotion: Tensor) -> Tensor:
    """Points of past frames in the coordinates of the latest.

    Args:
        points: (B, S, ..., 3) in m, oldest frame first.
        egomotion: (B, S or more, 6); entry t maps coordinates of frame t to frame t + 1.
    """
    motions = matrices_of(egomotion).to(points.dtype)
    frames = points.shape[1]
    moved = points
    for step in range(frames - 1):
        rotation, translation = motions[:, step, :3, :3], motions[:, step, :3, 3]
        past = torch.einsum("bij,bs...j->bs...i", rotation, moved[:, : step + 1])
        shift = translation.reshape(len(points), *(1,) * (points.dim() - 2), 3)
        moved = torch.cat([past + shift, moved[:, step + 1 :]], dim=1)
    return moved


def lift(feature: Tensor, depth_logits: Tensor) -> Tensor:
    """Features (..., C, H, W) spread by their depth (..., D, H, W) to (..., D, H, W, C)."""
    depth = depth_logits.softmax(dim=-3)
    return depth[..., None] * feature.movedim(-3, -1)[..., None, :, :, :]


def splat(lifted: Tensor, points: Tensor, grid: Grid, *, truncate: bool) -> Tensor:
    """Sum of features per cell of one frame.

    Args:
        lifted: (..., C) features.
        points: (..., 3) where they are, in m.
        grid: the cells.
        truncate: see `Grid.cells_of`.

    Returns:
        (C, X, Y).
    """
    cells, inside = grid.cells_of(points, truncate=truncate)
    x, y, z = grid.shape
    sums = lifted.new_zeros(x * y * z, lifted.shape[-1])
    sums = sums.index_add(0, cells[inside], lifted[inside])
    return sums.reshape(x, y, z, -1).sum(2).movedim(-1, 0)


def seen_from_above(
    feature: Tensor, depth_logits: Tensor, points: Tensor, grid: Grid, *, truncate: bool
) -> Tensor:
    """Maps of all frames in the coordinates of the latest, each with half of the one before.

        map_t = 0.5 map_(t-1) + splat_t

    Args:
        feature: (B, S, N, C, H, W).
        depth_logits: (B, S, N, D, H, W).
        points: (B, S, N, D, H, W, 3) in the coordinates of the latest frame.
        grid: the cells.
        truncate: see `Grid.cells_of`.

    Returns:
        (B, S, C, X, Y).
    """
    samples = []
    for b in range(len(feature)):
        maps: list[Tensor] = []
        for s in range(feature.shape[1]):
            lifted = lift(feature[b, s], depth_logits[b, s])
            present = splat(lifted, points[b, s], grid, truncate=truncate)
            maps.append(present + DISCOUNT * maps[-1] if maps else present)
        samples.append(torch.stack(maps))
    return torch.stack(samples)
