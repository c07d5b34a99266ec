"""Segmentation network (SemanticKITTI): encoder, and a decoder that fuses each finer resolution."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from snn_ros.lidar_detection.paper.blocks import SPIKING, Spiking, batch_norm
from snn_ros.lidar_detection.paper.encoder import REAL_INPUT_LAYERS, Encoder, EncoderSize
from snn_ros.sparse.convolution import InverseConvolution, SubmanifoldConvolution
from snn_ros.sparse.layers import SparseLayer, SparseSequential
from snn_ros.sparse.tensor import SparseTensor

CELL_MARGIN = 1
"""Planes behind the last occupied one, for `from_cells`."""
SIZE = EncoderSize(4, 64, (64, 128, 128, 256), (2, 2, 2, 2))
"""Published size; features are x, y, z in m and reflectance."""
DECODER_WIDTHS = (256, 256, 256, 256)


class FusingStage(SparseLayer):
    """One resolution up, fused with what the encoder had there."""

    def __init__(self, in_channels: int, skipped: int, channels: int, cells: Spiking) -> None:
        super().__init__()
        self.up = SparseSequential(
            *cells.unit(InverseConvolution(in_channels, channels), batch_norm(channels))
        )
        self.fuse = nn.Sequential(
            *cells.unit(nn.Linear(channels + skipped, channels), batch_norm(channels)),
            *cells.unit(nn.Linear(channels, channels), batch_norm(channels)),
        )

    def forward(self, x: SparseTensor, skip: SparseTensor) -> SparseTensor:
        """Membranes of the coarse sites and of the encoder to membranes at the fine sites."""
        upper = self.up(x)
        fused = self.fuse(torch.cat([upper.features, skip.features], dim=1))
        return upper.with_features(upper.features + fused)


class UNet(Encoder):
    """Encoder, decoder and logits of every voxel."""

    def __init__(
        self, size: EncoderSize, decoder_widths: tuple[int, ...], classes: int, cells: Spiking
    ) -> None:
        super().__init__(size, cells)
        skipped = (size.embedding, *size.channels[:-1])
        inputs = pairwise((*decoder_widths, size.channels[-1]))
        self.dec = nn.ModuleList(
            FusingStage(in_channels, skip, channels, cells)
            for (channels, in_channels), skip in zip(inputs, skipped, strict=True)
        )
        self.final = SubmanifoldConvolution(decoder_widths[0], classes, 1, bias=True)
        self.draw_weights()

    def forward(self, x: SparseTensor) -> Tensor:
        """(V, classes) logits, rows as those of the input."""
        *skips, x = self.encode(x)
        for stage, skip in zip(reversed(self.dec), reversed(skips), strict=True):
            x = stage(x, skip)
        return self.final(x).features


class Segmentation(nn.Module):
    """What a published checkpoint of a segmentation network holds."""

    real_input_layers = REAL_INPUT_LAYERS

    def __init__(
        self,
        size: EncoderSize = SIZE,
        *,
        decoder_widths: tuple[int, ...] = DECODER_WIDTHS,
        classes: int = 19,
        cells: Spiking = SPIKING,
    ) -> None:
        super().__init__()
        self.backbone = UNet(size, decoder_widths, classes, cells)

    def forward(self, x: SparseTensor) -> Tensor:
        """(V, classes) logits, rows as those of the input."""
        return self.backbone(x)
