"""A compiled network gives what the network gives."""

from typing import NamedTuple

import pytest
import torch
from support.sparse import SITES
from torch import nn

from snn_ros.sparse.backends import compiled
from snn_ros.sparse.backends.compiled import InstructionSet
from snn_ros.sparse.backends.kernels import Execution, Method
from snn_ros.sparse.backends.network import InferenceNetwork, Precision, compile_network
from snn_ros.sparse.backends.program import NotCompiled
from snn_ros.sparse.convolution import (
    InverseConvolution,
    SparseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.layers import SeenFromAbove, SparseLayer, SparseSequential
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.spiking.folding import FoldingError
from snn_ros.spiking.modules import IntegerSpike

built = pytest.mark.skipif(not compiled.is_available(), reason="kernels are not built")
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


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def assert_identical(made, expected):
    assert type(made) is type(expected)
    for one, other in zip(
        (*made.stages, made.spikes), (*expected.stages, expected.spikes), strict=True
    ):
        assert torch.equal(one.features, other.features)
        assert torch.equal(one.sites.coordinates, other.sites.coordinates)
        assert one.sites.spatial_shape == other.sites.spatial_shape
        assert one.sites.level == other.sites.level


@built
@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize(
    "name", ["batch of two", "odd extents", "single voxel", "empty element", "no voxels"]
)
def test_exact_weights_give_identical_results(precision, name):
    network, x = on_the_grid(Network()), given(name)
    with torch.no_grad():
        expected = network(x)
    for kernels in InstructionSet:
        for threads in (1, 2):
            compiled = compile_network(
                network, precision=precision, execution=Execution(threads, kernels)
            )
            assert isinstance(compiled, InferenceNetwork)
            assert_identical(compiled(x), expected)
            assert_identical(compiled(x), expected)  # buffers are used again


@built
def test_results_outlive_the_next_call():
    compiled = compile_network(on_the_grid(Network()))
    first = compiled(given())
    kept = first.stages[1].features.clone()
    compiled(given("odd extents"))
    assert torch.equal(first.stages[1].features, kept)


@built
def test_the_method_of_each_layer_is_chosen_on_the_clock_and_changes_nothing():
    network, x = on_the_grid(Network()), given()
    compiled = compile_network(network, x, precision=Precision.INT8)
    assert isinstance(compiled, InferenceNetwork)
    plan = {layer.name: layer for layer in compiled.plan}
    assert len(plan) == 6
    assert plan["stem.0"].method is Method.FLOATS
    spiking = plan["block.body.1"]
    assert set(spiking.milliseconds) == {Method.COUNTS, Method.EVENTS}
    assert spiking.milliseconds[spiking.method] == min(spiking.milliseconds.values())
    with torch.no_grad():
        expected = network(x)
        fired = network.block.body[0](network.down(network.stem(x)).features)
    assert spiking.density == pytest.approx((fired != 0).float().mean().item())
    assert spiking.silent == pytest.approx((fired == 0).all(1).float().mean().item())
    assert_identical(compiled(x), expected)


@built
def test_real_weights_are_close_where_no_cell_decides():
    network = SparseSequential(
        SubmanifoldConvolution(5, 24), nn.BatchNorm1d(24), StridedConvolution(24, 7, 3, 2, 1)
    ).eval()
    x = given("dense and large")
    with torch.no_grad():
        expected = network(x)
    made = compile_network(network)(x)
    torch.testing.assert_close(made.features, expected.features, rtol=0, atol=1e-5)


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


@built
@pytest.mark.parametrize("precision", Precision)
def test_seen_from_above(precision):
    network, x = on_the_grid(Pillars()), given()
    network.finish[1].weight.data = torch.randint(-9, 10, (3, 6)).float()
    network.finish[1].bias.data.fill_(0.25)
    with torch.no_grad():
        features, sites, coarse = network(x)
    made_features, made_sites, made_coarse = compile_network(network, precision=precision)(x)
    assert torch.equal(made_features, features)
    assert torch.equal(made_sites.coordinates, sites.coordinates)
    assert made_sites.spatial_shape == sites.spatial_shape == (7, 8)
    assert torch.equal(made_coarse.features, coarse.features)
    assert torch.equal(made_coarse.sites.coordinates, coarse.sites.coordinates)


@built
def test_what_cannot_be_compiled_is_named():
    with pytest.raises(NotCompiled, match=r"1: Tanh"):
        compile_network(SparseSequential(SubmanifoldConvolution(5, 4), nn.Tanh()).eval())
    with pytest.raises(NotCompiled, match="max_count = 200"):
        compile_network(
            SparseSequential(SubmanifoldConvolution(5, 4), IntegerSpike(200)),
            precision=Precision.INT8,
        )
    with pytest.raises(FoldingError, match="training mode"):
        compile_network(SparseSequential(SubmanifoldConvolution(5, 4), nn.BatchNorm1d(4)))


def test_without_the_kernels_torch_does_the_work(monkeypatch):
    monkeypatch.setattr("snn_ros.sparse.backends.network.is_available", lambda: False)
    network, x = on_the_grid(Network()), given()
    with torch.no_grad():
        assert_identical(compile_network(network)(x), network(x))
