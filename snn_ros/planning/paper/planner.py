"""The published planner: the cheapest candidate of a command, refined."""

from __future__ import annotations

import torch
from torch import Tensor

from snn_ros.planning.paper.costs import CostFunction, Scene
from snn_ros.planning.paper.grid import Grid
from snn_ros.planning.paper.refinement import Refinement

COMMANDS = ("LEFT", "FORWARD", "RIGHT")
"""In the order of the thirds of candidates sorted by where they end, from left to right."""


class PaperPlanner(Refinement):
    """Refinement, and the cost that chooses what is refined."""

    def __init__(self, grid: Grid, feature_channels: int, hidden: int) -> None:
        super().__init__(feature_channels, hidden)
        self.cost_function = CostFunction(grid)

    def select(self, candidates: Tensor, scene: Scene) -> Tensor:
        """The cheapest (B, T, 3) of candidates (B, N, T, 3), x to the right."""
        best = self.cost_function(mirrored(candidates), scene).total.argmin(1)
        return candidates[torch.arange(len(candidates), device=candidates.device), best]


def mirrored(candidates: Tensor) -> Tensor:
    """Candidates with x to the other side, as the grid has it."""
    return candidates * candidates.new_tensor([-1.0, 1.0, 1.0])


def of_command(candidates: Tensor, command: str) -> Tensor:
    """The third of candidates (N, ...), sorted by terminal x, that a command allows.

    Any other command than those of `COMMANDS` allows all.
    """
    if command not in COMMANDS:
        return candidates
    third = len(candidates) // len(COMMANDS)
    first = COMMANDS.index(command) * third
    return candidates[first : first + third]
