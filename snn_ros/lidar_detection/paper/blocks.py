"""Blocks that the published networks share.

Their weight layers take spikes: cell, convolution without bias, batch normalisation. Shortcuts add
membranes, which stay real. The ReLU twin has the published order of its own: convolution,
normalisation, ReLU.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from snn_ros.sparse.convolution import StridedConvolution, SubmanifoldConvolution
from snn_ros.sparse.layers import SparseLayer, SparseSequential
from snn_ros.sparse.rulebook import Kernel
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.spiking.modules import IntegerSpike

HALVING_3 = Kernel(size=(3, 3, 3), stride=(2, 2, 2), padding=(1, 1, 1))
"""How the detectors go one resolution down."""
HALVING_2 = Kernel(size=(2, 2, 2), stride=(2, 2, 2), padding=(0, 0, 0))
"""How classifier and segmentation go one resolution down; an odd last plane is dropped."""


@dataclass(frozen=True)
class Spiking:
    """Integer cells, in front of what they feed.

    Attributes:
        max_count: D, 4 in everything published.
    """

    max_count: int = 4

    def activation(self) -> nn.Module:
        """A cell."""
        return IntegerSpike(self.max_count)

    def unit(self, layer: nn.Module, normalisation: nn.Module) -> list[nn.Module]:
        """Cell, layer, normalisation."""
        return [self.activation(), layer, normalisation]


@dataclass(frozen=True)
class Rectifying:
    """ReLU, behind what feeds it: the twin without spikes."""

    def activation(self) -> nn.Module:
        """A ReLU."""
        return nn.ReLU()

    def unit(self, layer: nn.Module, normalisation: nn.Module) -> list[nn.Module]:
        """Layer, normalisation, ReLU."""
        return [layer, normalisation, self.activation()]


Cells = Spiking | Rectifying
SPIKING = Spiking()


def batch_norm(channels: int) -> nn.BatchNorm1d:
    """Normalisation with the constants of the backbones."""
    return nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)


def strided(
    in_channels: int, out_channels: int, kernel: Kernel, *, bias: bool = False
) -> StridedConvolution:
    """A strided convolution of this kernel."""
    return StridedConvolution(
        in_channels, out_channels, kernel.size, kernel.stride, kernel.padding, bias=bias
    )


def submanifold_unit(in_channels: int, out_channels: int, cells: Cells) -> list[nn.Module]:
    """A 3x3x3 submanifold convolution with cell and normalisation."""
    return cells.unit(SubmanifoldConvolution(in_channels, out_channels), batch_norm(out_channels))


def strided_unit(
    in_channels: int, out_channels: int, kernel: Kernel, cells: Cells
) -> list[nn.Module]:
    """A strided convolution with cell and normalisation."""
    return cells.unit(strided(in_channels, out_channels, kernel), batch_norm(out_channels))


def stem(in_channels: int, channels: int, cells: Spiking) -> SparseSequential:
    """Spike voxel coding: three convolutions, the first on real input, the output a membrane."""
    return SparseSequential(
        SubmanifoldConvolution(in_channels, channels),
        batch_norm(channels),
        *submanifold_unit(channels, channels, cells),
        *submanifold_unit(channels, channels, cells),
    )


class ResidualBlock(SparseLayer):
    """Membrane shortcuts around one convolution, then around two."""

    def __init__(self, channels: int, cells: Spiking) -> None:
        super().__init__()
        self.block = SparseSequential(*submanifold_unit(channels, channels, cells))
        self.voxel_block = SparseSequential(
            *submanifold_unit(channels, channels, cells),
            *submanifold_unit(channels, channels, cells),
        )

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Membranes to membranes at the same sites."""
        x = x + self.block(x)
        return x + self.voxel_block(x)


class Stage(SparseLayer):
    """One resolution down, then residual blocks there."""

    def __init__(
        self, in_channels: int, channels: int, depth: int, kernel: Kernel, cells: Spiking
    ) -> None:
        super().__init__()
        self.down = SparseSequential(*strided_unit(in_channels, channels, kernel, cells))
        self.blocks = SparseSequential(*(ResidualBlock(channels, cells) for _ in range(depth)))

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Membranes to membranes at half the resolution."""
        return self.blocks(self.down(x))
