"""Sparse networks with every kind of layer, and with weights that make arithmetic exact."""

from typing import NamedTuple

import torch
from torch import nn

from snn_ros.sparse.convolution import (
    InverseConvolution,
    SparseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.layers import SeenFromAbove, SparseLayer, SparseSequential
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.spiking.modules import IntegerSpike
from support.sparse import SITES

GRID_STEP = 2.0**-7  # weights on a dyadic grid: float sums are exact in any order


class Outputs(NamedTuple):
    stages: tuple[SparseTensor, ...]
    spikes: SparseTensor


class Block(SparseLayer):
    """A membrane shortcut."""

    def __init__(self, channels):
        super().__init__()
        self.body = SparseSequential(
            IntegerSpike(), SubmanifoldConvolution(channels, channels), nn.BatchNorm1d(channels),
            IntegerSpike(), SubmanifoldConvolution(channels, channels), nn.BatchNorm1d(channels),
        )  # fmt: skip

    def forward(self, x):
        return x + self.body(x)


class Network(nn.Module):
    """Every kind of layer, a shortcut, an inverse convolution, spikes and membranes as outputs."""

    def __init__(self):
        super().__init__()
        self.stem = SparseSequential(SubmanifoldConvolution(5, 12), nn.BatchNorm1d(12))
        self.down = SparseSequential(
            IntegerSpike(), StridedConvolution(12, 20, 2, 2), nn.BatchNorm1d(20)
        )
        self.block = Block(20)
        self.up = SparseSequential(IntegerSpike(), InverseConvolution(20, 12), nn.Identity())
        self.last = SparseSequential(
            SubmanifoldConvolution(12, 9, (1, 3, 3), bias=True), IntegerSpike()
        )

    def forward(self, x):
        fine = self.stem(x)
        coarse = self.block(self.down(fine))
        merged = fine + self.up(coarse)
        return Outputs((fine, coarse, merged), self.last(merged))


def on_the_grid(network):
    """Exact arithmetic: weights k / 128 with |k| = 127 in every channel, normalisation by 1."""
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, SparseConvolution):
            weight = torch.randint(-40, 41, module.weight.shape, generator=generator)
            weight[:, 0, 0, 0, 0] = 127
            module.weight.data = weight * GRID_STEP
            if module.bias is not None:
                module.bias.data = torch.full_like(module.bias, 0.125)
        if isinstance(module, nn.BatchNorm1d):
            module.eps = 0.0
            module.running_mean = torch.randint(-2, 3, (module.num_features,), generator=generator)
            module.running_mean = module.running_mean * 0.25
    return network.eval()


def given(name="batch of two"):
    coordinates, shape, batch_size = SITES[name]
    features = torch.randint(-8, 9, (len(coordinates), 5)) / 8.0
    return sparse_tensor(features, coordinates, shape, batch_size)


class Pillars(nn.Module):
    """Two resolutions seen from above, each by features of its own."""

    def __init__(self):
        super().__init__()
        self.fine = StridedConvolution(5, 6, (6, 1, 1), (6, 1, 1))
        self.coarse = StridedConvolution(5, 4, (6, 2, 2), (6, 2, 2))
        self.above = SeenFromAbove()
        self.finish = SparseSequential(IntegerSpike(), nn.Linear(6, 3))

    def forward(self, x):
        fine = self.finish(self.above(self.fine(x)))
        return fine.features, fine.sites, self.above(self.coarse(x))


def assert_identical(made, expected):
    assert type(made) is type(expected)
    for one, other in zip(
        (*made.stages, made.spikes), (*expected.stages, expected.spikes), strict=True
    ):
        assert torch.equal(one.features, other.features)
        assert torch.equal(one.sites.coordinates, other.sites.coordinates)
        assert one.sites.spatial_shape == other.sites.spatial_shape
        assert one.sites.level == other.sites.level
