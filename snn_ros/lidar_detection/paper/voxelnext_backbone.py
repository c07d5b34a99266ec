"""Fully sparse backbone of the nuScenes detector: six resolutions, merged seen from above."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.lidar_detection.paper.blocks import (
    HALVING_3,
    Spiking,
    batch_norm,
    strided_unit,
)
from snn_ros.sparse.convolution import StridedConvolution, SubmanifoldConvolution
from snn_ros.sparse.layers import SparseLayer, SparseSequential
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor

STRIDE = 8
"""Voxels per site along x and y where resolutions are merged."""
FIRST_MERGED = 3  # of the six resolutions


class BackboneOutput(NamedTuple):
    """Membranes on the way.

    Attributes:
        stages: the six resolutions, (z, y, x).
        merged: their sum over z, (y, x).
        widened: after the convolution that adds sites, (y, x).
        shared: what all heads begin with, at the same sites.
    """

    stages: tuple[SparseTensor, ...]
    merged: SparseTensor
    widened: SparseTensor
    shared: SparseTensor


class TwoConvolutions(SparseLayer):
    """A membrane shortcut around two convolutions with bias."""

    def __init__(self, channels: int, cells: Spiking) -> None:
        super().__init__()
        self.relu1 = cells.activation()
        self.conv1 = SubmanifoldConvolution(channels, channels, bias=True)
        self.bn1 = batch_norm(channels)
        self.relu2 = cells.activation()
        self.conv2 = SubmanifoldConvolution(channels, channels, bias=True)
        self.bn2 = batch_norm(channels)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Membranes to membranes at the same sites."""
        y = self.conv1(x.with_features(self.relu1(x.features)))
        y = y.with_features(self.relu2(self.bn1(y.features)))
        y = self.conv2(y)
        return x + y.with_features(self.bn2(y.features))


class VoxelNextBackbone(nn.Module):
    """Six resolutions in 3D; the last three are summed over z and merged."""

    def __init__(
        self,
        in_channels: int,
        widths: tuple[int, int, int, int, int],
        out_channels: int,
        cells: Spiking,
    ) -> None:
        super().__init__()
        first, *_, last = widths
        self.conv_input = SparseSequential(
            SubmanifoldConvolution(in_channels, first), batch_norm(first)
        )
        self.conv1 = SparseSequential(TwoConvolutions(first, cells), TwoConvolutions(first, cells))
        halvings = pairwise((*widths, last))
        self.conv2, self.conv3, self.conv4, self.conv5, self.conv6 = (
            _halving(before, after, cells) for before, after in halvings
        )
        widening = StridedConvolution(last, out_channels, 3, 1, 1, dimensions=2)
        self.conv_out = SparseSequential(*cells.unit(widening, batch_norm(out_channels)))
        sharing = SubmanifoldConvolution(out_channels, out_channels, dimensions=2, bias=True)
        # the constants of this normalisation are torch's own, as published
        self.shared_conv = SparseSequential(
            *cells.unit(sharing, nn.BatchNorm1d(out_channels, eps=1e-5, momentum=0.1))
        )

    def forward(self, x: SparseTensor) -> BackboneOutput:
        """Voxels, shape (z, y, x), to membranes."""
        x = self.conv1(self.conv_input(x))
        stages = [x]
        for stage in (self.conv2, self.conv3, self.conv4, self.conv5, self.conv6):
            stages.append(stage(stages[-1]))
        merged = merge_over_height(stages[FIRST_MERGED:])
        widened = self.conv_out(merged)
        return BackboneOutput(tuple(stages), merged, widened, self.shared_conv(widened))


def merge_over_height(stages: list[SparseTensor]) -> SparseTensor:
    """Sum of features (z, y, x) with equal y and x, on the sites (y, x) of the first resolution.

    Each further resolution is half the one before; its sites go to the first of the cells they
    span. Sites of the result are in lexicographic order.
    """
    coordinates = torch.cat([_columns(stage, 2**level) for level, stage in enumerate(stages)])
    sites, row = coordinates.unique(dim=0, return_inverse=True)
    features = torch.cat([stage.features for stage in stages])
    sums = features.new_zeros(len(sites), features.shape[1]).index_add_(0, row, features)
    finest = stages[0].sites
    return sparse_tensor(sums, sites, finest.spatial_shape[1:], finest.batch_size)


def _columns(stage: SparseTensor, scale: int) -> Tensor:
    sample, _, y, x = stage.sites.coordinates.T
    return torch.stack([sample, y * scale, x * scale], dim=1)


def _halving(in_channels: int, channels: int, cells: Spiking) -> SparseSequential:
    return SparseSequential(
        SparseSequential(*strided_unit(in_channels, channels, HALVING_3, cells)),
        TwoConvolutions(channels, cells),
        TwoConvolutions(channels, cells),
    )
