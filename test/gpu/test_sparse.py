"""The sparse core on a GPU gives what it gives on the CPU."""

import pytest
import torch
from support.lidar_vectors import canonical_order
from support.sparse import SITES, layers, sparse
from support.sparse_networks import Network, given, on_the_grid

from benchmarks.sparse_gpu import on_device
from snn_ros.sparse.backends.device_network import BackendMissing, DeviceNetwork
from snn_ros.sparse.backends.fused import Precision
from snn_ros.sparse.backends.network import compile_network
from snn_ros.sparse.backends.spconv_backend import SpconvBackend
from snn_ros.sparse.functional import sparse_convolution

PRECISIONS = [Precision.FLOAT32, Precision.INT8]


def results(outputs):
    """Coordinates and features on the CPU, sites in order."""
    for x in (*outputs.stages, outputs.spikes):
        coordinates = x.sites.coordinates.cpu()
        rows = canonical_order(coordinates)
        yield coordinates[rows], x.features.cpu()[rows]


def assert_same(made, expected):
    for one, other in zip(results(made), results(expected), strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])


@torch.no_grad()
@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("dtype", [torch.int8, torch.float16, torch.float32])
def test_the_kernel_on_every_shape(cuda, name, dtype):
    from snn_ros.sparse.backends.triton_kernels import convolve

    x = on_device(sparse(name, 37), cuda)
    counts = torch.randint(0, 5, x.features.shape, device=cuda)
    for layer in layers(len(SITES[name][1]), 37, 70).values():
        rulebook, _ = layer.rulebook(x)
        weight = torch.randint(-127, 128, layer.weight.shape).to(cuda)
        expected = sparse_convolution(counts.double(), weight.double(), rulebook).float()
        membrane = torch.full_like(expected, float("nan"))
        convolve(
            counts.to(dtype), rulebook.neighbours,
            weight.flatten(1, -2).permute(1, 2, 0).to(dtype).contiguous(),
            torch.ones(70, device=cuda), torch.zeros(70, device=cuda), membrane=membrane,
        )  # fmt: skip
        assert torch.equal(membrane, expected)


@torch.no_grad()
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["batch of two", "odd extents", "single voxel", "no voxels"])
def test_a_compiled_network(cuda, name, precision):
    network, x = on_the_grid(Network()), given(name)
    expected = network(x)
    compiled = compile_network(network.to(cuda), precision=precision)
    assert isinstance(compiled, DeviceNetwork)
    for _ in range(20):
        assert_same(compiled(on_device(x, cuda)), expected)


@torch.no_grad()
def test_torch_itself(cuda):
    network, x = on_the_grid(Network()), given("dense and large")
    expected = network(x)
    assert_same(network.to(cuda)(on_device(x, cuda)), expected)


@torch.no_grad()
@pytest.mark.parametrize("name", ["batch of two", "odd extents", "single voxel", "no voxels"])
def test_spconv(cuda, name):
    try:
        backend = SpconvBackend()
    except BackendMissing as err:
        pytest.skip(str(err))
    network, x = on_the_grid(Network()), given(name)
    expected = network(x)
    compiled = compile_network(network.to(cuda), backend=backend)
    assert_same(compiled(on_device(x, cuda)), expected)
