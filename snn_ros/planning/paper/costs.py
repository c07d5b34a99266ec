"""What a candidate costs, term by term, as the published code counts it.

Candidates are (B, N, T, 3): x to the left, y forward, heading, in m and rad at every half second;
the sampler's have x to the right, so callers negate it. Maps are (B, T, X, Y) or (B, X, Y), rows
forward, columns to the left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_ros.planning.paper.blocks import constant
from snn_ros.planning.paper.grid import Grid

STEP = 0.5
"""Seconds between waypoints."""
LENGTH, WIDTH, AHEAD = 4.084, 1.85, 0.5
"""Of the car's box, and its centre before the origin, in m; its heading is ignored."""
HEADWAY = 10.0  # m
LANE_REACH = 1.0  # m
PRESENT = 0.5  # of a probability
COST_LIMIT = 100.0
VOLUME_LIMIT = 1000.0
LATERAL, LONGITUDINAL, JERK = (3.0, 30.0), (3.0, 30.0), (1.0, 20.0)
"""Comfortable limit in m/s^2 or m/s^3, and where its excess is cut off."""


@dataclass(frozen=True)
class Weights:
    """Of the terms; the defaults are those of the published planning stage."""

    safety: float = 1.0
    headway: float = 1.0
    lane: float = 10.0
    rule: float = 5.0
    volume: float = 100.0
    comfort: float = 0.1
    progress: float = 0.5


class Scene(NamedTuple):
    """What candidates are rated against.

    Attributes:
        occupancy: (B, T, X, Y) of 0 and 1, vehicles and pedestrians at every waypoint's time.
        drivable: (B, X, Y) probability.
        lane: (B, X, Y) probability of a lane divider.
        volume: (B, T, X, Y) cost of every cell, as the network gives it.
        target: (B, 2) x to the left, y forward in m; zeros where there is none.
    """

    occupancy: Tensor
    drivable: Tensor
    lane: Tensor
    volume: Tensor
    target: Tensor


class Costs(NamedTuple):
    """Weighted terms before they are cut off: (B, N, T), the last two (B, N)."""

    safety: Tensor
    headway: Tensor
    lane: Tensor
    rule: Tensor
    volume: Tensor
    comfort: Tensor
    progress: Tensor

    @property
    def per_candidate(self) -> Tensor:
        """(B, N) of the whole candidate."""
        return self.comfort.clamp(0, COST_LIMIT) + self.progress.clamp(-COST_LIMIT, COST_LIMIT)

    @property
    def per_step(self) -> Tensor:
        """(B, N, T) of every waypoint."""
        terms = (self.safety, self.headway, self.lane, self.rule, self.volume)
        return torch.stack([term.clamp(0, COST_LIMIT) for term in terms]).sum(0)

    @property
    def total(self) -> Tensor:
        """(B, N)."""
        return self.per_candidate + self.per_step.sum(-1)


def scene_of(
    occupancy: Tensor,
    street: Tensor,
    volume: Tensor,
    target: Tensor,
    *,
    mirror_target: bool = False,
) -> Scene:
    """The scene of what the network or the ground truth says.

    Args:
        occupancy: (B, T, X, Y).
        street: (B, 4, X, Y) logits of lane divider and drivable area, or (B, 2, X, Y) of 0 and 1.
        volume: (B, T, X, Y).
        target: (B, 2) x to the right, y forward.
        mirror_target: whether its x is turned to the left as that of the candidates is; the
            published code forgets to.
    """
    if street.shape[1] == 4:
        lane, drivable = street[:, :2].softmax(1)[:, 1], street[:, 2:].softmax(1)[:, 1]
    else:
        lane, drivable = street.to(volume.dtype).unbind(1)
    if mirror_target:
        target = target * target.new_tensor([-1.0, 1.0])
    return Scene(occupancy, drivable, lane, volume, target)


class _Constants(nn.Module):
    """Cell size and first centre along x and y, which the published code stores per term."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.dx = constant(grid.cell_size[:2])
        self.bx = constant(grid.first_centre[:2])


class CostFunction(nn.Module):
    """All terms of the published cost."""

    def __init__(self, grid: Grid, weights: Weights | None = None) -> None:
        super().__init__()
        self.weights = weights or Weights()
        self.grid = grid
        names = ("safety", "headway", "lrdivider", "comfort", "progress", "rule")
        for name in names:
            self.add_module(f"{name}cost", _Constants(grid))
        self.costvolume = _Constants(grid)
        self.get_submodule("safetycost").w = constant([1.0, 1.0])

    def forward(self, candidates: Tensor, scene: Scene) -> Costs:
        """Rate candidates (B, N, T, 3), x to the left."""
        positions = candidates[..., :2]
        weights = self.weights
        return Costs(
            weights.safety * self._safety(positions, scene.occupancy),
            weights.headway * self._headway(positions, scene),
            weights.lane * self._lane(positions, scene.lane),
            weights.rule * self._box_sum(positions, (scene.drivable < PRESENT).float()),
            weights.volume * self._volume(positions, scene.volume),
            weights.comfort * comfort(positions),
            weights.progress * progress(positions, scene.target),
        )

    def footprint(self, margin: float = 0.0) -> Tensor:
        """Cells (K, 2), row and column, of the car's box at the origin, `margin` m wider."""
        rows = self._cells(0, AHEAD - LENGTH / 2 - margin, AHEAD + LENGTH / 2 + margin)
        columns = self._cells(1, -WIDTH / 2 - margin, WIDTH / 2 + margin)
        return torch.cartesian_prod(rows, columns)

    def _cells(self, axis: int, start: float, end: float) -> Tensor:
        """Cells along an axis whose centre lies between two coordinates."""
        size, centre = self.grid.cell_size[axis], self.grid.first_centre[axis]
        first = math.ceil((start - centre) / size)
        return torch.arange(first, math.floor((end - centre) / size) + 1)

    def _box_sum(
        self, positions: Tensor, maps: Tensor, *, margin: float = 0.0, ahead: float = 0.0
    ) -> Tensor:
        """Sum (B, N, T) of a map over the car's box; cells beyond the edge count as the edge."""
        size = positions.new_tensor(self.grid.cell_size[:2])
        moved = positions.flip(-1) + positions.new_tensor([ahead, 0.0])
        cells = (moved / size)[..., None, :] + self.footprint(margin).to(positions.device)
        cells = cells.floor().long()
        return self._gathered(maps, cells).sum(-1)

    def _gathered(self, maps: Tensor, cells: Tensor) -> Tensor:
        """Entries of (B, T, X, Y) or (B, X, Y) at row and column (B, N, T, ..., 2)."""
        height, width = maps.shape[-2:]
        rows = cells[..., 0].clamp(0, height - 1)
        columns = cells[..., 1].clamp(0, width - 1)
        batch, _, steps = rows.shape[:3]
        trailing = (1,) * (rows.dim() - 3)
        samples = torch.arange(batch, device=maps.device).reshape(-1, 1, 1, *trailing)
        if maps.dim() == 3:
            return maps[samples, rows, columns]
        times = torch.arange(steps, device=maps.device).reshape(1, 1, -1, *trailing)
        return maps[samples, times, rows, columns]

    def _safety(self, positions: Tensor, occupancy: Tensor) -> Tensor:
        # the published margin of 1 m is divided by the cell size and then used in m
        margin = 1.0 / self.grid.cell_size[0]
        speed = _differences(positions).norm(dim=-1)
        inflated = self._box_sum(positions, occupancy, margin=margin)
        return self._box_sum(positions, occupancy) + speed * inflated

    def _headway(self, positions: Tensor, scene: Scene) -> Tensor:
        road = torch.where(scene.drivable < PRESENT, 0.0, scene.drivable)
        return self._box_sum(positions, scene.occupancy * road[:, None], ahead=HEADWAY)

    def _lane(self, positions: Tensor, lane: Tensor) -> Tensor:
        """Square of how much closer than a metre the nearest lane cell is, from cell to cell."""
        size = positions.new_tensor(self.grid.cell_size[:2])
        found = []
        for points, present in zip(self._points(positions), lane > PRESENT, strict=True):
            cells = present.nonzero() * size
            if len(cells):
                distance = torch.cdist(points.flatten(0, 1) * size, cells).min(1).values
                close = (LANE_REACH - distance).clamp(min=0).square()
            else:
                close = positions.new_zeros(points.shape[:-1])
            found.append(close.reshape(points.shape[:-1]))
        return torch.stack(found)

    def _volume(self, positions: Tensor, volume: Tensor) -> Tensor:
        return self._gathered(volume.clamp(0, VOLUME_LIMIT), self._points(positions))

    def _points(self, positions: Tensor) -> Tensor:
        """Cells (..., 2) of points, at the edge for those beyond.

        They are half a cell off from those of the maps, as published.
        """
        size = positions.new_tensor(self.grid.cell_size[:2])
        start = positions.new_tensor(self.grid.first_centre[:2])
        last = torch.tensor(self.grid.shape[:2], device=positions.device) - 1
        cells = ((positions.flip(-1) - start) / size).trunc().long()
        return torch.minimum(cells.clamp(min=0), last)


def comfort(positions: Tensor) -> Tensor:
    """Excess (B, N) of lateral and longitudinal acceleration and jerk, squared and summed.

    Lateral and longitudinal are the grid's axes; the jerk is that of the speed. The speed before
    the first waypoint is taken as that of the first interval from the origin.
    """
    velocity = _differences(positions)
    lateral, longitudinal = _rate(velocity, -2).abs().amax(-2).unbind(-1)
    jerk = _rate(_rate(velocity.norm(dim=-1), -1), -1).abs().amax(-1)
    return _excess(lateral, LATERAL) + _excess(longitudinal, LONGITUDINAL) + _excess(jerk, JERK)


def progress(positions: Tensor, target: Tensor) -> Tensor:
    """Squared distance (B, N) of the end from the target less the farthest forward.

    A target counts as present if the sum over the whole batch is at least 0.5, as published.
    """
    forward = positions[..., 1].amax(-1)
    if target.sum() < PRESENT:
        return -forward
    return (positions[..., -1, :] - target[:, None]).square().sum(-1) - forward


def _differences(positions: Tensor) -> Tensor:
    """Velocity (..., T, 2) of every interval, the first from the origin, in m/s."""
    before = functional.pad(positions[..., :-1, :], (0, 0, 1, 0))
    return (positions - before) / STEP


def _rate(values: Tensor, axis: int) -> Tensor:
    """Change per second from step to step, one fewer along the axis."""
    return values.diff(dim=axis) / STEP


def _excess(value: Tensor, limits: tuple[float, float]) -> Tensor:
    limit, most = limits
    return (value - limit).clamp(0, most).square()
