"""Dense backbone on the bird's-eye view: two resolutions, brought back to one and stacked."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snn_ros.lidar_detection.paper.blocks import Cells
from snn_ros.sparse.tensor import SparseTensor

CONVOLUTIONS = 6  # of each resolution, the first included
WIDTHS = (64, 128)
UPPER_WIDTH = 128  # of each resolution where they are stacked


def birds_eye_view(flat: SparseTensor) -> Tensor:
    """(batch, C * z, y, x) of a sparse tensor (z, y, x); channel = c * planes + z."""
    return flat.dense().flatten(1, 2)


class BevBackbone(nn.Module):
    """3x3 convolutions at one and at two cells per step."""

    def __init__(self, in_channels: int, cells: Cells) -> None:
        super().__init__()
        fine, coarse = WIDTHS
        self.blocks = nn.ModuleList(
            [_resolution(in_channels, fine, 1, cells), _resolution(fine, coarse, 2, cells)]
        )
        self.deblocks = nn.ModuleList([_upper(fine, 1, cells), _upper(coarse, 2, cells)])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to membranes (batch, 256, y, x)."""
        upper = []
        for block, deblock in zip(self.blocks, self.deblocks, strict=True):
            x = block(x)
            upper.append(deblock(x))
        return torch.cat(upper, dim=1)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _resolution(in_channels: int, channels: int, stride: int, cells: Cells) -> nn.Sequential:
    first = nn.Conv2d(in_channels, channels, 3, stride=stride, bias=False)
    layers = cells.unit(first, _norm(channels))
    for _ in range(CONVOLUTIONS - 1):
        convolution = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        layers += cells.unit(convolution, _norm(channels))
    return nn.Sequential(nn.ZeroPad2d(1), *layers)


def _upper(in_channels: int, stride: int, cells: Cells) -> nn.Sequential:
    layer = nn.ConvTranspose2d(in_channels, UPPER_WIDTH, stride, stride=stride, bias=False)
    return nn.Sequential(*cells.unit(layer, _norm(UPPER_WIDTH)))
