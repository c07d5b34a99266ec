"""Sparse convolutions compute what dense ones compute at the same sites."""

import pytest
import torch
from support.sparse import SITES, at_sites, dense_convolution, dense_inverse, layers, sparse

from snn_ros.configuration import ConfigurationError
from snn_ros.sparse.convolution import (
    InverseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.tensor import SparseTensorError, sparse_tensor

TOLERANCE = {"rtol": 0, "atol": 1e-5}
REPEATS = 2


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def dimensions(name):
    return len(SITES[name][1])


@pytest.mark.parametrize("name", SITES)
def test_convolutions_equal_dense_ones(name, threads):
    for kind, layer in layers(dimensions(name)).items():
        x = sparse(name, layer.in_channels)
        with torch.no_grad():
            dense = dense_convolution(layer, x)
            first = None
            for count in (1, 2) * REPEATS:
                threads(count)
                y = layer(x.with_features(x.features))
                features = y.features if layer.bias is None else y.features - layer.bias
                torch.testing.assert_close(features, at_sites(dense, y), **TOLERANCE, msg=kind)
                first = y.features if first is None else first
                assert torch.equal(y.features, first), kind
        if isinstance(layer, StridedConvolution):
            assert y.sites.spatial_shape == tuple(dense.shape[2:])
            # no site was forgotten: elsewhere the dense convolution saw nothing
            torch.testing.assert_close(y.dense(), dense, **TOLERANCE, msg=kind)
        else:
            assert y.sites is x.sites


@pytest.mark.parametrize("name", SITES)
def test_inverse_convolution_equals_the_dense_one(name):
    axes = dimensions(name)
    down = StridedConvolution(4, 6, 2, 2, dimensions=axes)
    up = InverseConvolution(6, 5, 2, dimensions=axes)
    x = sparse(name, 4)
    with torch.no_grad():
        coarse = down(x)
        y = up(coarse)
        dense = dense_inverse(up, coarse, x.sites.spatial_shape)
    assert y.sites is x.sites
    torch.testing.assert_close(y.features, at_sites(dense, x), **TOLERANCE)


def test_the_last_plane_of_an_odd_extent_comes_back_as_zeros():
    coordinates = torch.tensor([[0, 0, 0, 0], [0, 4, 1, 1]])
    x = sparse_tensor(torch.ones(2, 3), coordinates, (5, 4, 4), 1)
    coarse = StridedConvolution(3, 3, 2, 2)(x)
    assert coarse.sites.coordinates.tolist() == [[0, 0, 0, 0]]
    assert coarse.sites.spatial_shape == (2, 2, 2)
    y = InverseConvolution(3, 3)(coarse)
    assert y.features[0].all()
    assert not y.features[1].any()


def test_output_sites_are_in_lexicographic_order():
    y = StridedConvolution(2, 2, 3, 2, 1)(sparse("batch of two", 2))
    rows = y.sites.coordinates.tolist()
    assert rows == sorted(rows)
    assert y.sites.coordinates.dtype == torch.int32


@pytest.mark.parametrize("name", ["odd extents", "single voxel", "2D"])
def test_gradients(name):
    made = layers(dimensions(name), 2, 3)
    del made["submanifold 5"]  # no other rules, and many weights
    for layer in made.values():
        x = sparse(name, 2, torch.float64)
        x = sparse_tensor(x.features[:30], x.sites.coordinates[:30], x.sites.spatial_shape, 2)
        weight = torch.randn_like(layer.weight, dtype=torch.float64).requires_grad_()

        def convolve(features, weight, x=x, layer=layer):
            return torch.func.functional_call(
                layer, {"weight": weight}, (x.with_features(features),)
            ).features

        layer.double()
        assert torch.autograd.gradcheck(convolve, (x.features.requires_grad_(), weight))


def test_gradients_of_the_inverse_convolution():
    x = sparse("odd extents", 2, torch.float64)
    down, up = StridedConvolution(2, 2, 2, 2).double(), InverseConvolution(2, 3).double()
    features = x.features[:40].clone().requires_grad_()
    coordinates = x.sites.coordinates[:40]

    def decode(features):
        return up(down(sparse_tensor(features, coordinates, (7, 9, 5), 2))).features

    assert torch.autograd.gradcheck(decode, (features,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [(5, 7), (16, 10), (64, 64)])
def test_bits_do_not_depend_on_threads(channels, dtype, threads):
    """A few rows per offset, and a few channels, are where MKL's kernels differ."""
    for rows in (6, 11, 40, 400):
        x = sparse("dense and large", channels[0], dtype)
        x = sparse_tensor(x.features[:rows], x.sites.coordinates[:rows], (11, 20, 20), 2)
        for layer in layers(3, *channels).values():
            layer.to(dtype)
            results = []
            for count in (1, 2, 2):
                threads(count)
                features = x.features.clone().requires_grad_()
                y = layer(x.with_features(features)).features
                upstream = torch.linspace(-1, 1, y.numel(), dtype=dtype).view_as(y)
                results.append((y, *torch.autograd.grad(y, (features, layer.weight), upstream)))
            for other in results[1:]:
                assert all(map(torch.equal, results[0], other)), (layer, rows)


def test_row_order_of_the_input_only_permutes_the_output():
    x = sparse("batch of two", 4)
    order = torch.randperm(len(x.features))
    shuffled = sparse_tensor(x.features[order], x.sites.coordinates[order], (6, 7, 8), 2)
    submanifold, strided = SubmanifoldConvolution(4, 6), StridedConvolution(4, 6, 3, 2, 1)
    with torch.no_grad():
        assert torch.equal(strided(shuffled).sites.coordinates, strided(x).sites.coordinates)
        torch.testing.assert_close(strided(shuffled).features, strided(x).features)
        torch.testing.assert_close(submanifold(shuffled).features, submanifold(x).features[order])


def test_layers_share_rulebooks():
    x = sparse("batch of two", 3)
    first, second = SubmanifoldConvolution(3, 4), SubmanifoldConvolution(4, 4)
    down, again = StridedConvolution(4, 4, 2, 2), StridedConvolution(4, 4, 2, 2)
    fine = second(first(x))
    assert len(fine.rulebooks) == 1
    coarse = down(fine)
    assert again(fine).sites is coarse.sites
    up = InverseConvolution(4, 4)(SubmanifoldConvolution(4, 4)(coarse))
    assert up.sites is x.sites
    assert len(x.rulebooks) == 3
    assert (up + fine).features.shape == fine.features.shape
    with pytest.raises(SparseTensorError, match="different sites"):
        up + coarse


def test_wrong_use_is_refused():
    x = sparse("batch of two", 3)
    with pytest.raises(ConfigurationError, match="kernel_size = 2"):
        SubmanifoldConvolution(3, 3, 2)
    with pytest.raises(ConfigurationError, match=r"stride = \(0, 0, 0\).*padding = \(-1, -1, -1\)"):
        StridedConvolution(3, 3, 2, 0, -1)
    with pytest.raises(SparseTensorError, match="no strided convolution"):
        InverseConvolution(3, 3)(x)
    with pytest.raises(ConfigurationError, match=r"\(3, 3, 3\).*has \(2, 2, 2\)"):
        InverseConvolution(3, 3, 3)(StridedConvolution(3, 3, 2, 2)(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, c: (f[1:], c), "features of shape"),
        (lambda f, c: (f, c[:, :3]), "coordinates of shape"),
        (lambda f, c: (f, c + 5), "must lie within"),
        (lambda f, c: (f, c - 1), "must lie within"),
        (lambda f, c: (torch.cat([f, f]), torch.cat([c, c])), "occurs twice"),
    ],
)
def test_input_that_does_not_fit_is_refused(change, message):
    coordinates, shape, batch_size = SITES["batch of two"]
    features = torch.randn(len(coordinates), 3)
    with pytest.raises(SparseTensorError, match=message):
        sparse_tensor(*change(features, coordinates), shape, batch_size)
