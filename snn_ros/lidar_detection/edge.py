"""The `edge` detector's network: spiking sparse 3D stages, then sparse stages seen from above.

Sites are only where points are, up to the boxes. Between two layers there are whole numbers of
spikes 0..4; shortcuts add membranes, which are real. The head says at every site seen from above
how much it is the centre of each class, and the box around that centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from snn_ros.configuration import setting
from snn_ros.lidar_detection.edge_boxes import BOX_CODE
from snn_ros.lidar_detection.edge_features import CHANNELS
from snn_ros.lidar_detection.edge_grid import on_grid
from snn_ros.lidar_detection.scans import CLASSES
from snn_ros.sparse.convolution import (
    InverseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.layers import SeenFromAbove, SparseLayer, SparseSequential
from snn_ros.sparse.tensor import Sites, SparseTensor
from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.spiking.modules import IntegerSpike

_PRIOR = 0.01  # share of sites that are centres, at the start of training
_FIRST_COUNT = 0.5  # membrane from which a neuron emits
_BOTTOM_CELLS = 4  # below the road
_COARSENING = 2  # from voxels to sites seen from above


@dataclass(frozen=True)
class EdgeConfig:
    """The network's shape."""

    reach: float = setting(
        51.2, "ahead, behind and to both sides", unit="m", minimum=3.2, maximum=204.8
    )
    voxel: float = setting(0.2, "edge of a voxel", unit="m", minimum=0.05, maximum=1.0)
    height_cells: int = setting(24, "voxels from bottom to top, even", minimum=8, maximum=80)
    widths: tuple[int, ...] = setting(
        (16, 32), "channels at 1 and 2 voxels", minimum=4, maximum=512
    )
    flat_widths: tuple[int, ...] = setting(
        (64, 96, 128), "channels seen from above, each level twice as coarse", minimum=4,
        maximum=512,
    )  # fmt: skip
    activation: str = setting(
        "spike", "relu makes the dense twin, for comparison", choices=("spike", "relu")
    )
    max_count: int = setting(4, "spikes of a neuron at most", minimum=1, maximum=15)

    @property
    def grid(self) -> VoxelGrid:
        """The voxels; z = 0 is the road."""
        low = -_BOTTOM_CELLS * self.voxel
        high = low + self.height_cells * self.voxel
        return VoxelGrid(
            (-self.reach, -self.reach, low),
            (self.reach, self.reach, high),
            (self.voxel, self.voxel, self.voxel),
        )

    @property
    def site(self) -> float:
        """Edge of a site of the head in m."""
        return _COARSENING * self.voxel


@dataclass(frozen=True, eq=False)
class HeadOutput:
    """What the network says at V sites seen from above.

    Attributes:
        sites: with coordinates (V, 3) batch, y, x.
        heat: (V, classes) logits of being a centre.
        boxes: (V, BOX_CODE).
    """

    sites: Sites
    heat: Tensor
    boxes: Tensor


class Residual(SparseLayer):
    """Two layers of spikes beside a shortcut of membranes."""

    def __init__(self, first: SparseSequential, second: SparseSequential) -> None:
        super().__init__()
        self.layers = SparseSequential(first, second)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """The sum of x and layers(x)."""
        return x + self.layers(x)


class EdgeNetwork(nn.Module):
    """Voxel features in, heat and boxes out."""

    def __init__(self, config: EdgeConfig) -> None:
        super().__init__()
        self.config = config
        fine, middle = config.widths
        flat = config.flat_widths
        planes = config.height_cells // _COARSENING
        self.stem = SparseSequential(
            on_grid(SubmanifoldConvolution(CHANNELS, fine)), _norm(fine)
        )  # fmt: skip
        self.stages = SparseSequential(
            self._layer(StridedConvolution(fine, middle, 2, 2)),
            self._residual(middle, 3),
            self._residual(middle, 3),
            self._layer(StridedConvolution(middle, flat[0], (planes, 1, 1), (planes, 1, 1))),
        )
        self.above = SeenFromAbove()
        self.flat = self._residual(flat[0], 2)
        self.down = nn.ModuleList(
            SparseSequential(
                self._layer(StridedConvolution(finer, coarser, 2, 2, dimensions=2)),
                self._residual(coarser, 2),
            )
            for finer, coarser in pairwise(flat)
        )
        self.up = nn.ModuleList(
            self._layer(InverseConvolution(coarser, finer, 2, dimensions=2))
            for finer, coarser in reversed(list(pairwise(flat)))
        )
        self.shared = self._layer(SubmanifoldConvolution(flat[0], flat[0], dimensions=2))
        self.heat = self._branch(flat[0], len(CLASSES))
        self.boxes = self._branch(flat[0], BOX_CODE)
        self._initialise_heads()

    def forward(self, x: SparseTensor) -> HeadOutput:
        """Run on the features of ``voxel_features``."""
        top = self.flat(self.above(self.stages(self.stem(x))))
        levels = [top]
        for down in self.down:
            levels.append(down(levels[-1]))
        merged = levels.pop()
        for up in self.up:
            merged = levels.pop() + up(merged)
        shared = self.shared(merged)
        return HeadOutput(top.sites, self.heat(shared).features, self.boxes(shared).features)

    def _neuron(self) -> nn.Module:
        if self.config.activation == "relu":
            return nn.ReLU()
        return IntegerSpike(self.config.max_count)

    def _layer(self, convolution: nn.Module) -> SparseSequential:
        channels = int(convolution.out_channels)  # type: ignore[arg-type]
        return SparseSequential(self._neuron(), on_grid(convolution), _norm(channels))

    def _residual(self, channels: int, dimensions: int) -> Residual:
        first, second = (
            self._layer(SubmanifoldConvolution(channels, channels, dimensions=dimensions))
            for _ in range(2)
        )
        return Residual(first, second)

    def _branch(self, channels: int, outputs: int) -> SparseSequential:
        return SparseSequential(
            self._layer(SubmanifoldConvolution(channels, channels, dimensions=2)),
            self._neuron(),
            on_grid(nn.Linear(channels, outputs)),
            nn.Identity(),  # where the deployed network has the scale of the layer before
        )

    def _initialise_heads(self) -> None:
        with torch.no_grad():
            self.heat[2].bias.fill_(-torch.tensor(1.0 / _PRIOR - 1.0).log())  # type: ignore[operator]


def _norm(channels: int) -> nn.BatchNorm1d:
    """Its shift begins where a count of 1 does: fewer neurons are silent and without gradient."""
    norm = nn.BatchNorm1d(channels, eps=1e-3, momentum=0.02)
    nn.init.constant_(norm.bias, _FIRST_COUNT)
    return norm
