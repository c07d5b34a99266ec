"""Region proposals: classes, residuals and directions of the anchors at each cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.geometry.box_coding import decode_boxes, with_direction
from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.spiking.parameters import refuse

BOX_VALUES = 7
DIRECTIONS = 2
PRIOR = 0.01  # share of anchors with an object, that the classifier begins with


@dataclass(frozen=True)
class Anchors:
    """Boxes of one class that stand at every cell.

    Attributes:
        size: length, width, height in m.
        bottom: z of the lower face in m.
        yaws: headings in rad; 1.57 and not pi / 2, as published.
    """

    size: tuple[float, float, float] = (3.9, 1.6, 1.56)
    bottom: float = -1.78
    yaws: tuple[float, ...] = (0.0, 1.57)

    def __post_init__(self) -> None:
        refuse(
            self,
            [f"size = {self.size!r}: must be above 0"] if min(self.size) <= 0 else [],
        )

    def on(self, grid: VoxelGrid, rows: int, columns: int) -> Tensor:
        """(rows * columns * yaws, 7) boxes; y slowest, then x, then yaw.

        The outermost anchors stand on the ends of the range, not in the middle of a cell.
        """
        x = torch.linspace(grid.minimum[0], grid.maximum[0], columns, dtype=torch.float64)
        y = torch.linspace(grid.minimum[1], grid.maximum[1], rows, dtype=torch.float64)
        yaw = torch.tensor(self.yaws, dtype=torch.float64)
        y, x, yaw = torch.meshgrid(y, x, yaw, indexing="ij")
        z = torch.full_like(x, self.bottom + self.size[2] / 2)
        size = x.new_tensor(self.size).expand(*x.shape, 3)
        boxes = torch.cat([torch.stack([x, y, z], -1), size, yaw[..., None]], -1)
        return boxes.flatten(0, -2).float()


CAR_ANCHORS = Anchors()


class Proposals(NamedTuple):
    """Maps of the head, (batch, y, x, channels).

    Attributes:
        classes: a logit per anchor.
        residuals: seven per anchor.
        directions: two logits per anchor.
    """

    classes: Tensor
    residuals: Tensor
    directions: Tensor

    def boxes(self, anchors: Tensor) -> Tensor:
        """(batch, anchors, 7) decoded; yaw in the half turn that its direction says."""
        batch = len(self.residuals)
        boxes = decode_boxes(self.residuals.reshape(batch, -1, BOX_VALUES), anchors)
        direction = self.directions.reshape(batch, -1, DIRECTIONS).argmax(-1)
        yaw = with_direction(boxes[..., 6], direction)
        return torch.cat([boxes[..., :6], yaw[..., None]], dim=-1)

    def logits(self) -> Tensor:
        """(batch, anchors)."""
        return self.classes.flatten(1)


class AnchorHead(nn.Module):
    """1x1 convolutions on membranes."""

    def __init__(self, in_channels: int, anchors_per_cell: int) -> None:
        super().__init__()
        self.conv_cls = nn.Conv2d(in_channels, anchors_per_cell, 1)
        self.conv_box = nn.Conv2d(in_channels, anchors_per_cell * BOX_VALUES, 1)
        self.conv_dir_cls = nn.Conv2d(in_channels, anchors_per_cell * DIRECTIONS, 1)
        prior = torch.full((anchors_per_cell,), -math.log((1 - PRIOR) / PRIOR))
        self.conv_cls.bias = nn.Parameter(prior)
        nn.init.normal_(self.conv_box.weight, std=0.001)

    def forward(self, x: Tensor) -> Proposals:
        """(batch, C, y, x) to maps."""
        layers = (self.conv_cls, self.conv_box, self.conv_dir_cls)
        return Proposals(*(layer(x).movedim(1, -1) for layer in layers))
