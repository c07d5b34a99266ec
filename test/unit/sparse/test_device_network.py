"""Networks compiled for a device, run on the CPU: Triton by its interpreter, spconv where it is."""

import sys

import pytest
import torch
from support.lidar_vectors import canonical_order
from support.sparse import sparse
from support.sparse_networks import Network, Pillars, assert_identical, given, on_the_grid
from torch import nn

from snn_ros.sparse.backends import triton_backend
from snn_ros.sparse.backends.device_network import BackendMissing, DeviceNetwork
from snn_ros.sparse.backends.fused import Precision
from snn_ros.sparse.backends.network import compile_network
from snn_ros.sparse.backends.program import NotCompiled
from snn_ros.sparse.backends.spconv_backend import SpconvBackend
from snn_ros.sparse.backends.triton_backend import TritonBackend
from snn_ros.sparse.convolution import (
    InverseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.layers import SparseSequential
from snn_ros.sparse.tensor import SparseTensor, SparseTensorError
from snn_ros.spiking.modules import IntegerSpike


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def spconv():
    """With one thread: more of them race in spconv's CPU build."""
    try:
        backend = SpconvBackend()
    except BackendMissing as err:
        pytest.skip(str(err))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield backend
    torch.set_num_threads(threads)


def assert_same_in_some_order(one, other):
    rows, other_rows = (canonical_order(x.sites.coordinates) for x in (one, other))
    assert torch.equal(one.sites.coordinates[rows], other.sites.coordinates[other_rows])
    assert torch.equal(one.features[rows], other.features[other_rows])
    assert one.sites.spatial_shape == other.sites.spatial_shape
    assert one.sites.level == other.sites.level


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.INT8])
@pytest.mark.parametrize("name", ["batch of two", "single voxel in a corner", "no voxels"])
def test_exact_weights_give_identical_results(precision, name):
    network, x = on_the_grid(Network()), given(name)
    compiled = compile_network(network, precision=precision, backend=TritonBackend())
    assert isinstance(compiled, DeviceNetwork)
    with torch.no_grad():
        assert_identical(compiled(x), network(x))


@pytest.mark.parametrize("precision", [p for p in Precision if p is not Precision.INT16])
def test_seen_from_above(precision):
    network, x = on_the_grid(Pillars()), given("single voxel")
    network.finish[1].weight.data = torch.randint(-9, 10, (3, 6)).float()
    compiled = compile_network(network, precision=precision, backend=TritonBackend())
    with torch.no_grad():
        features, sites, coarse = network(x)
    made_features, made_sites, made_coarse = compiled(x)
    assert torch.equal(made_features, features)
    assert torch.equal(made_sites.coordinates, sites.coordinates)
    assert torch.equal(made_coarse.features, coarse.features)
    assert made_coarse.sites.spatial_shape == coarse.sites.spatial_shape == (3, 4)


def test_relu_is_computed_in_real_numbers():
    network, x = SparseSequential(SubmanifoldConvolution(5, 4), nn.ReLU()), given("single voxel")
    made = compile_network(network, backend=TritonBackend())(x)
    with torch.no_grad():
        torch.testing.assert_close(made.features, network(x).features)
    with pytest.raises(NotCompiled, match="behind a ReLU"):
        compile_network(network, precision=Precision.INT8_CALIBRATED, backend=TritonBackend())


def test_wide_weights_are_refused():
    with pytest.raises(NotCompiled, match="int16"):
        compile_network(on_the_grid(Network()), precision=Precision.INT16, backend=TritonBackend())


def test_counts_beyond_a_byte_are_refused():
    network = SparseSequential(SubmanifoldConvolution(5, 4), IntegerSpike(200))
    with pytest.raises(NotCompiled, match="max_count = 200"):
        compile_network(network, precision=Precision.INT8, backend=TritonBackend())


def test_a_network_that_is_not_on_the_cpu_runs_by_triton():
    """The device without memory stands for one that is not here."""
    network = SparseSequential(SubmanifoldConvolution(5, 4), IntegerSpike()).to("meta")
    assert isinstance(compile_network(network), DeviceNetwork)


def test_without_triton_it_is_said_once_and_torch_does_the_work(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "snn_ros.sparse.backends.triton_kernels", None)
    triton_backend._kernels.cache_clear()
    triton_backend._note_missing.cache_clear()
    network = SparseSequential(SubmanifoldConvolution(5, 4), IntegerSpike()).to("meta")
    try:
        for _ in range(2):
            assert isinstance(compile_network(network), SparseSequential)
        assert [r.levelname for r in caplog.records] == ["WARNING"]
        with pytest.raises(BackendMissing, match="Triton") as caught:
            TritonBackend()
        assert isinstance(caught.value.__cause__, ImportError)
    finally:
        triton_backend._kernels.cache_clear()
        triton_backend._note_missing.cache_clear()


@pytest.mark.parametrize(
    "name", ["batch of two", "odd extents", "single voxel in a corner", "no voxels"]
)
def test_spconv_gives_the_same_at_the_same_sites(spconv, name):
    network, x = on_the_grid(Network()), given(name)
    made = compile_network(network, backend=spconv)(x)
    with torch.no_grad():
        expected = network(x)
    for pair in zip((*made.stages, made.spikes), (*expected.stages, expected.spikes), strict=True):
        assert_same_in_some_order(*pair)
    pillars = on_the_grid(Pillars())
    features, sites, _ = compile_network(pillars, backend=spconv)(x)
    with torch.no_grad():
        expected_features, expected_sites, _ = pillars(x)
    assert_same_in_some_order(
        SparseTensor(features, sites), SparseTensor(expected_features, expected_sites)
    )


def test_what_spconv_cannot_do_is_refused(spconv):
    with pytest.raises(NotCompiled, match="'int8'"):
        compile_network(on_the_grid(Network()), precision=Precision.INT8, backend=spconv)
    with pytest.raises(NotCompiled, match="0: spconv reads kernels of one site"):
        compile_network(SparseSequential(StridedConvolution(5, 4, 1, 2)), backend=spconv)


def test_an_inverse_convolution_needs_a_strided_one(spconv):
    network = SparseSequential(InverseConvolution(5, 4))
    with pytest.raises(SparseTensorError, match="0: no strided convolution"):
        compile_network(network, backend=spconv)(given())


class Twice(nn.Module):
    """Two convolutions to the same sites; spconv would find them twice, in different orders."""

    def __init__(self):
        super().__init__()
        self.left, self.right = (StridedConvolution(5, 4, 2, 2) for _ in range(2))

    def forward(self, x):
        return self.left(x) + self.right(x)


def test_sites_that_spconv_would_order_twice_are_refused(spconv):
    with pytest.raises(SparseTensorError, match="right: a second convolution"):
        compile_network(Twice(), backend=spconv)(sparse("batch of two", 5))
