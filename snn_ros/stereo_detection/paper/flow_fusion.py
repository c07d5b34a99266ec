"""Feature flow: how the map moved since the last frame, where it will be at the next, and a fusion.

Each cell of the map now is compared with the cells around it in the map before; the displacement
of the best match is applied once more, as though everything moved on evenly.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

POOL = 2  # cells of the map along one side of a coarse cell
REACH = 3  # coarse cells that a match may be away
THRESHOLD = 0.8  # a match counts if its probability is above 1 / (0.8 * candidates)
_SMALLEST_NORM = 1e-6


class Matching(NamedTuple):
    """What a search for the cells of one map in another found.

    Attributes:
        probability: (batch, candidates, y, x) of each displacement, in the order of
            ``displacements``.
        flow: (batch, 2, y, x) displacements dx, dy in coarse cells, float32; 0 where none counts.
    """

    probability: Tensor
    flow: Tensor


class Fused(NamedTuple):
    """A map and what it was made of.

    Attributes:
        features: (batch, C, y, x).
        pseudo_next: (batch, C, y, x) the map where it will be at the next frame.
        flow: (batch, 2, y, x) displacements dx, dy in cells.
    """

    features: Tensor
    pseudo_next: Tensor
    flow: Tensor


def displacements(reach: int = REACH) -> Tensor:
    """(candidates, 2) int64 dy, dx; dy slowest."""
    steps = torch.arange(-reach, reach + 1)
    return torch.cartesian_prod(steps, steps)


def match(current: Tensor, previous: Tensor, reach: int = REACH) -> Matching:
    """Search where the cells of a map come from.

    Published quirk: beyond the border the map before counts as zero. That lowers the mean, so at
    the border a displacement counts even where nothing moves.

    Args:
        current: (batch, C, y, x).
        previous: likewise.
        reach: cells that a match may be away.
    """
    rows, columns = current.shape[-2:]
    wanted = _unit(current)
    around = functional.pad(_unit(previous), (reach,) * 4)
    candidates = displacements(reach)
    similarity = torch.stack(
        [
            (wanted * around[..., reach - dy :, reach - dx :][..., :rows, :columns]).sum(1)
            for dy, dx in candidates.tolist()
        ],
        dim=1,
    )
    probability = similarity.softmax(1)
    likeliest, best = probability.max(1)
    best = torch.where(likeliest > 1 / (THRESHOLD * len(candidates)), best, len(candidates) // 2)
    flow = candidates.flip(-1).to(current)[best].movedim(-1, 1)
    return Matching(probability, flow)


def refine(flow: Tensor, pool: int = POOL) -> Tensor:
    """Flow of coarse cells as one of cells: (batch, 2, y, x) to (batch, 2, pool y, pool x)."""
    return functional.interpolate(flow, scale_factor=pool, mode="bilinear") * pool


def warp(x: Tensor, flow: Tensor, *, stretched: bool = True) -> Tensor:
    """Read a map elsewhere: out(p) = x(p + flow(p)), 0 where that is not fully inside.

    Args:
        x: (batch, C, y, x).
        flow: (batch, 2, y, x) dx, dy in cells.
        stretched: published quirk: positions are scaled as though the outermost cells' centres
            were the ends of the map, and read as though their edges were. With no flow this
            moves the map by half a cell at one end to minus half a cell at the other.
    """
    rows, columns = x.shape[-2:]
    row, column = torch.meshgrid(
        torch.arange(rows, device=x.device, dtype=x.dtype),
        torch.arange(columns, device=x.device, dtype=x.dtype),
        indexing="ij",
    )
    place = torch.stack([column, row]) + flow
    last = flow.new_tensor([max(columns - 1, 1), max(rows - 1, 1)])[:, None, None]
    coordinates = (2 * place / last - 1).movedim(1, -1)
    inside = functional.grid_sample(
        torch.ones_like(x[:, :1]), coordinates, align_corners=not stretched
    )
    return functional.grid_sample(x, coordinates, align_corners=not stretched) * (inside >= 1)


class SharedProjection(nn.Module):
    """A 1x1 convolution, normalised and rectified."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, y, x) to (batch, channels, y, x)."""
        return self.norm(self.conv(x)).relu()


class FlowFusion(nn.Module):
    """The map before, the map now and the map expected next, projected alike and added to now.

    Args:
        channels: of the maps, a multiple of 3.
        stretched: see ``warp``.
    """

    def __init__(self, channels: int, *, stretched: bool = True) -> None:
        super().__init__()
        self.stretched = stretched
        self.fusion_layer = SharedProjection(channels, channels // 3)

    def forward(self, current: Tensor, previous: Tensor) -> Fused:
        """Fuse maps (batch, C, y, x), both as they were before any fusion."""
        coarse, before = (functional.max_pool2d(x, POOL) for x in (current, previous))
        return self.fuse(current, previous, match(coarse, before).flow)

    def fuse(self, current: Tensor, previous: Tensor, coarse_flow: Tensor) -> Fused:
        """Fuse maps whose flow (batch, 2, y / 2, x / 2) is known."""
        flow = refine(coarse_flow)
        pseudo_next = warp(current, -flow, stretched=self.stretched)
        projected = [self.fusion_layer(x) for x in (previous, current, pseudo_next)]
        return Fused(torch.cat(projected, dim=1) + current, pseudo_next, flow)


def _unit(x: Tensor) -> Tensor:
    """Vectors of length 1 along the channels, without a gradient: a choice has none."""
    x = x.detach()
    return x / x.norm(dim=1, keepdim=True).clamp(min=_SMALLEST_NORM)
