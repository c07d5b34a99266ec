"""Encoder of the classifier and of the segmentation network, and its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from snn_ros.lidar_detection.paper.blocks import HALVING_2, Spiking, Stage, stem
from snn_ros.sparse.convolution import SparseConvolution
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.spiking.parameters import refuse

REAL_INPUT_LAYERS = ("backbone.stem.0", "backbone.final")
"""What multiplies real numbers; all other layers add up spikes."""
WEIGHT_DEVIATION = 0.02  # of freshly drawn weights


@dataclass(frozen=True)
class EncoderSize:
    """Widths and depths.

    Attributes:
        in_channels: features of a voxel.
        embedding: channels of the stem.
        channels: of each stage.
        depth: residual blocks of each stage.
    """

    in_channels: int
    embedding: int
    channels: tuple[int, ...]
    depth: tuple[int, ...]

    def __post_init__(self) -> None:
        problems = []
        if len(self.depth) != len(self.channels):
            problems.append(f"depth = {self.depth!r}: must have {len(self.channels)} entries")
        refuse(self, problems)


class Encoder(nn.Module):
    """Stem and stages, each at half the resolution of the one before."""

    def __init__(self, size: EncoderSize, cells: Spiking) -> None:
        super().__init__()
        self.stem = stem(size.in_channels, size.embedding, cells)
        widths = pairwise((size.embedding, *size.channels))
        self.enc = nn.ModuleList(
            Stage(width, channels, depth, HALVING_2, cells)
            for (width, channels), depth in zip(widths, size.depth, strict=True)
        )

    def encode(self, x: SparseTensor) -> list[SparseTensor]:
        """Membranes of the stem and of every stage, finest first."""
        outputs = [self.stem(x)]
        for stage in self.enc:
            outputs.append(stage(outputs[-1]))
        return outputs

    @torch.no_grad()
    def draw_weights(self) -> None:
        """Initial weights as published: a truncated normal distribution, biases at zero."""
        for module in self.modules():
            if isinstance(module, SparseConvolution | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=WEIGHT_DEVIATION)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def from_cells(
    cells: Tensor, features: Tensor, ends: Sequence[int], *, margin: int
) -> SparseTensor:
    """The input of an encoder: samples stacked one after the other.

    Args:
        cells: (V, 3) integer, x, y, z, at least 0; each cell once per sample.
        features: (V, C) real.
        ends: rows up to the end of each sample.
        margin: planes behind the last occupied one, 96 in the published classifiers and 1 in the
            segmentation network. Kernels of two drop an odd last plane, so this matters.
    """
    rows = torch.arange(len(cells), device=cells.device)
    sample = torch.bucketize(rows, torch.tensor(ends, device=cells.device), right=True)
    shape = (cells.amax(0) + margin).tolist() if len(cells) else [margin] * 3
    coordinates = torch.cat([sample[:, None], cells], dim=1).int()
    return sparse_tensor(features, coordinates, tuple(shape), len(ends))
