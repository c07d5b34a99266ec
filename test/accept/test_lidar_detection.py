"""Issue-size acceptance of LiDAR detection."""

from multiprocessing import get_context

import pytest
import torch
from support.sparse import (
    SITES,
    at_sites,
    dense_convolution,
    dense_inverse,
    digest_of_a_scan,
    layers,
    sparse,
)

from snn_ros.sparse.convolution import InverseConvolution, StridedConvolution

SPARSE_REPEATS = 50
SPARSE_TOLERANCE = 1e-5
SPARSE_CHANNELS = ((4, 16), (16, 32), (64, 64))


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


# ---- 1: sparse convolutions equal dense ones, to the same bits for any number of threads ------


def forward_and_gradients(network, x, upstream):
    features = x.features.clone().requires_grad_()
    y = network(x.with_features(features))
    weights = list(network.parameters())
    upstream = upstream[: y.features.numel()].view_as(y.features)
    return y, [y.features, *torch.autograd.grad(y.features, [features, *weights], upstream)]


@pytest.mark.parametrize("name", SITES)
def test_sparse_convolutions_equal_dense_ones(name, figures, threads):
    axes = len(SITES[name][1])
    upstream = torch.randn(2_000_000, generator=torch.Generator().manual_seed(2))
    for channels in SPARSE_CHANNELS:
        torch.manual_seed(0)
        made = layers(axes, *channels)
        x = sparse(name, channels[0])
        for kind, layer in made.items():
            dense = dense_convolution(layer, x)
            first = None
            for repeat in range(SPARSE_REPEATS):
                for count in (1, 2):
                    threads(count)
                    y, results = forward_and_gradients(layer, x, upstream)
                    first = results if first is None else first
                    assert all(map(torch.equal, first, results)), (kind, channels, count, repeat)
            found = y.features if layer.bias is None else y.features - layer.bias
            error = (found - at_sites(dense, y)).abs()
            largest = f"largest_error {kind} {channels[0]}-{channels[1]}"
            figures[largest] = error.max().item() if len(error) else 0.0
            assert figures[largest] <= SPARSE_TOLERANCE
            if isinstance(layer, StridedConvolution):
                assert (y.dense().bool() | (dense.abs() <= SPARSE_TOLERANCE)).all()


@pytest.mark.parametrize("name", SITES)
def test_inverse_convolutions_equal_dense_ones(name, figures, threads):
    axes = len(SITES[name][1])
    upstream = torch.randn(2_000_000, generator=torch.Generator().manual_seed(2))
    for channels_in, channels_out in SPARSE_CHANNELS:
        torch.manual_seed(0)
        x = sparse(name, channels_in)
        down = StridedConvolution(channels_in, channels_out, 2, 2, dimensions=axes)
        up = InverseConvolution(channels_out, channels_in, 2, dimensions=axes)
        network = torch.nn.Sequential(down, up)
        dense = dense_inverse(up, down(x), x.sites.spatial_shape)
        first = None
        for repeat in range(SPARSE_REPEATS):
            for count in (1, 2):
                threads(count)
                y, results = forward_and_gradients(network, x, upstream)
                first = results if first is None else first
                assert all(map(torch.equal, first, results)), (channels_in, count, repeat)
        error = (y.features - at_sites(dense, y)).abs()
        largest = f"largest_error {channels_out}-{channels_in}"
        figures[largest] = error.max().item() if len(error) else 0.0
        assert figures[largest] <= SPARSE_TOLERANCE


def test_same_bits_on_a_whole_scan_in_every_process(figures):
    """Voxels, spikes' convolutions and gradients, three processes at each number of threads."""
    runs = [1, 2] * 3
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        digests = pool.map(digest_of_a_scan, runs, chunksize=1)
    figures.update(digests=digests)
    assert len(set(digests)) == 1
