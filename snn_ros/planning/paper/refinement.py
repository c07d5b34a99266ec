"""The chosen candidate, refined by a spiking recurrent unit that begins with the front view."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_ros.planning.paper.blocks import Bottleneck
from snn_ros.spiking.gru import SpikingGRUCell

INPUTS = 6  # last waypoint, candidate's waypoint and target, each x right and y forward


class Refinement(nn.Module):
    """Front view to a hidden state, then one waypoint per step."""

    def __init__(self, feature_channels: int, hidden: int) -> None:
        """Choose sizes.

        Args:
            feature_channels: of the front camera's feature.
            hidden: of the recurrent unit; as many numbers as the reduced feature has.
        """
        super().__init__()
        half, eighth = feature_channels // 2, feature_channels // 8
        self.reduce_channel = nn.Sequential(
            Bottleneck(feature_channels, feature_channels),
            Bottleneck(feature_channels, half),
            Bottleneck(half, half),
            Bottleneck(half, eighth, halve=False),
        )
        self.GRU = SpikingGRUCell(INPUTS, hidden)
        self.decoder = nn.Sequential(nn.Linear(hidden, hidden), nn.Linear(hidden, 2))

    def initial_hidden(self, front: Tensor) -> Tensor:
        """Hidden state (B, hidden) of the front camera's feature (B, C, H, W); no gradient."""
        return self.reduce_channel(front.detach()).flatten(1)

    def forward(self, candidate: Tensor, front: Tensor, target: Tensor) -> Tensor:
        """Refine.

        Args:
            candidate: (B, F, 2 or more) x right, y forward in m.
            front: (B, C, H, W) feature of the front camera in the present frame.
            target: (B, 2) x right, y forward in m; zeros where there is none.

        Returns:
            (B, F, 3) x right, y forward, and 0: the heading is not predicted.
        """
        hidden = self.initial_hidden(front)
        waypoint, waypoints = torch.zeros_like(target), []
        for along in candidate[..., :2].unbind(1):
            hidden = self.GRU(torch.cat([waypoint, along, target], dim=-1), hidden)
            waypoint = self.decoder(hidden)
            waypoints.append(waypoint)
        return functional.pad(torch.stack(waypoints, dim=1), (0, 1))
