"""Classifier of single objects (ModelNet40): encoder, then the mean of all voxels' votes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snn_ros.lidar_detection.paper.blocks import SPIKING, Spiking
from snn_ros.lidar_detection.paper.encoder import REAL_INPUT_LAYERS, Encoder, EncoderSize
from snn_ros.sparse.convolution import SubmanifoldConvolution
from snn_ros.sparse.tensor import SparseTensor

CELL_MARGIN = 96
"""Planes behind the last occupied one, for `from_cells`."""

SIZES = {
    "T": EncoderSize(6, 16, (16, 32, 64, 128), (1, 1, 1, 1)),
    "S": EncoderSize(6, 24, (24, 48, 96, 160), (1, 1, 1, 1)),
    "L": EncoderSize(6, 64, (64, 128, 128, 256), (2, 2, 2, 2)),
    "H": EncoderSize(6, 64, (96, 192, 288, 384), (2, 2, 2, 2)),
}
"""Published sizes; features are x, y, z in the unit sphere and the surface normal."""


class VoxelVotes(Encoder):
    """Encoder whose last membranes vote for classes."""

    def __init__(self, size: EncoderSize, classes: int, cells: Spiking) -> None:
        super().__init__(size, cells)
        self.final = SubmanifoldConvolution(size.channels[-1], classes, 1, bias=True)
        self.draw_weights()

    def forward(self, x: SparseTensor) -> Tensor:
        """(samples, classes) logits: the mean over a sample's voxels; zero without a voxel."""
        votes = self.final(self.encode(x)[-1])
        sample = votes.sites.coordinates[:, 0].long()
        counts = torch.bincount(sample, minlength=votes.sites.batch_size).clamp(min=1)
        sums = votes.features.new_zeros(votes.sites.batch_size, votes.features.shape[1])
        return sums.index_add_(0, sample, votes.features) / counts[:, None]


class Classifier(nn.Module):
    """What a published checkpoint of a classifier holds."""

    real_input_layers = REAL_INPUT_LAYERS

    def __init__(
        self,
        size: EncoderSize = SIZES["T"],
        *,
        classes: int = 40,
        cells: Spiking = SPIKING,
    ) -> None:
        super().__init__()
        self.backbone = VoxelVotes(size, classes, cells)

    def forward(self, x: SparseTensor) -> Tensor:
        """(samples, classes) logits."""
        return self.backbone(x)
