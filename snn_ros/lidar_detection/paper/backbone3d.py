"""3D backbones of the KITTI detector: membranes at five resolutions.

Sites go down from (41, 1600, 1408) in z, y, x by four halvings of z, three of x and y.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from snn_ros.lidar_detection.paper.blocks import (
    HALVING_3,
    SPIKING,
    Cells,
    Spiking,
    Stage,
    batch_norm,
    stem,
    strided,
    strided_unit,
    submanifold_unit,
)
from snn_ros.sparse.convolution import SubmanifoldConvolution
from snn_ros.sparse.layers import SparseLayer, SparseSequential
from snn_ros.sparse.rulebook import Kernel
from snn_ros.sparse.tensor import SparseTensor

STRIDES = (1, 2, 4, 8)
"""Voxels per site along x and y, of `BackboneOutput.stages`."""
STAGE_WIDTHS = (16, 32, 64, 64)
OUTPUT_WIDTH = 128
FLATTENING = Kernel(size=(3, 1, 1), stride=(2, 1, 1), padding=(0, 0, 0))
HALVING_UNPADDED_Z = Kernel(size=(3, 3, 3), stride=(2, 2, 2), padding=(0, 1, 1))


class BackboneOutput(NamedTuple):
    """What later parts of the detector use.

    Attributes:
        stages: membranes at the resolutions of `STRIDES`.
        flat: at the last resolution, with two planes left in z; spikes in the spiking backbone.
    """

    stages: tuple[SparseTensor, ...]
    flat: SparseTensor


class _Backbone(nn.Module):
    conv_input: SparseSequential
    conv1: SparseLayer
    conv2: SparseLayer
    conv3: SparseLayer
    conv4: SparseLayer
    conv_out: SparseSequential

    def forward(self, x: SparseTensor) -> BackboneOutput:
        """Voxels, shape (z, y, x), to membranes."""
        first = self.conv1(self.conv_input(x))
        second = self.conv2(first)
        third = self.conv3(second)
        fourth = self.conv4(third)
        return BackboneOutput((first, second, third, fourth), self.conv_out(fourth))


class ResidualBackbone(_Backbone):
    """The backbone of the published configuration, with membrane shortcuts.

    Its flattening convolution takes membranes, not spikes, and spikes behind: as published.
    """

    def __init__(self, in_channels: int = 4, cells: Spiking = SPIKING) -> None:
        super().__init__()
        first, second, third, fourth = STAGE_WIDTHS
        self.conv_input = stem(in_channels, first, cells)
        self.conv1 = SparseSequential(SparseSequential(*submanifold_unit(first, first, cells)))
        self.conv2 = Stage(first, second, 2, HALVING_3, cells)
        self.conv3 = Stage(second, third, 2, HALVING_3, cells)
        self.conv4 = Stage(third, fourth, 2, HALVING_3, cells)
        self.conv_out = SparseSequential(
            strided(fourth, OUTPUT_WIDTH, FLATTENING),
            batch_norm(OUTPUT_WIDTH),
            cells.activation(),
        )


class PlainBackbone(_Backbone):
    """One convolution per block: the stock backbone with ReLU, or its spiking variant."""

    def __init__(self, cells: Cells, in_channels: int = 4) -> None:
        super().__init__()
        first, second, third, fourth = STAGE_WIDTHS
        self.conv_input = SparseSequential(
            SubmanifoldConvolution(in_channels, first), batch_norm(first), cells.activation()
        )
        self.conv1 = SparseSequential(SparseSequential(*submanifold_unit(first, first, cells)))
        self.conv2 = _plain_stage(first, second, HALVING_3, cells)
        self.conv3 = _plain_stage(second, third, HALVING_3, cells)
        self.conv4 = _plain_stage(third, fourth, HALVING_UNPADDED_Z, cells)
        self.conv_out = SparseSequential(
            strided(fourth, OUTPUT_WIDTH, FLATTENING),
            batch_norm(OUTPUT_WIDTH),
            cells.activation(),
        )


def _plain_stage(in_channels: int, channels: int, kernel: Kernel, cells: Cells) -> SparseSequential:
    return SparseSequential(
        SparseSequential(*strided_unit(in_channels, channels, kernel, cells)),
        SparseSequential(*submanifold_unit(channels, channels, cells)),
        SparseSequential(*submanifold_unit(channels, channels, cells)),
    )


class NarrowBackbone(nn.Module):
    """The variant with four channels in the stem and four halvings; no configuration uses it."""

    def __init__(self, in_channels: int = 4, cells: Spiking = SPIKING) -> None:
        super().__init__()
        widths = (in_channels, *STAGE_WIDTHS)
        self.stem = stem(in_channels, in_channels, cells)
        self.enc = nn.ModuleList(
            Stage(width, channels, 2, HALVING_3, cells)
            for width, channels in zip(widths, STAGE_WIDTHS, strict=False)
        )
        self.conv_out = SparseSequential(
            *cells.unit(
                strided(STAGE_WIDTHS[-1], OUTPUT_WIDTH, FLATTENING), batch_norm(OUTPUT_WIDTH)
            )
        )

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Voxels, shape (z, y, x), to membranes at a 16th of the resolution."""
        x = self.stem(x)
        for stage in self.enc:
            x = stage(x)
        return self.conv_out(x)
