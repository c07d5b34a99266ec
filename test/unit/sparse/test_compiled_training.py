"""Training by the compiled kernels: outputs and gradients of the reference, for any threads."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sparse import SITES, layers, sparse
from torch import nn

from snn_ros.lidar_detection.edge_grid import deployed, on_grid
from snn_ros.sparse.backends import compiled
from snn_ros.sparse.backends.compiled import InstructionSet
from snn_ros.sparse.backends.network import compile_network
from snn_ros.sparse.backends.training import compiled_convolution, train_compiled
from snn_ros.sparse.convolution import StridedConvolution, SubmanifoldConvolution
from snn_ros.sparse.functional import sparse_convolution
from snn_ros.sparse.layers import SparseSequential
from snn_ros.sparse.tensor import sparse_tensor
from snn_ros.spiking.modules import IntegerSpike

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="kernels are not built")
RELATIVE = 1e-5  # of the largest entry
CHANNELS = st.sampled_from([1, 3, 5, 16, 31, 32, 48, 64, 96, 130])


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def drawn(rulebook, channels, size, seed):
    """Features, weight and gradient of the output."""
    generator = torch.Generator().manual_seed(seed)
    ins, outs = channels
    shapes = (rulebook.num_inputs, ins), (outs, *size, ins), (rulebook.num_outputs, outs)
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)


def output_and_gradients(convolve, rulebook, features, weight, upstream):
    features, weight = features.requires_grad_(), weight.requires_grad_()
    output = convolve(features, weight, rulebook)
    return (output.detach(), *torch.autograd.grad(output, (features, weight), upstream))


def assert_close(made, expected):
    for ours, theirs in zip(made, expected, strict=True):
        assert ours.shape == theirs.shape
        largest = theirs.abs().max().item() if theirs.numel() else 0.0
        torch.testing.assert_close(
            ours, theirs.float(), rtol=0, atol=RELATIVE * largest, msg=lambda text: text
        )


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(SITES)),
    kind=st.integers(0, 7),
    inverse=st.booleans(),
    channels=st.tuples(CHANNELS, CHANNELS),
    seed=st.integers(0, 2**31),
)
def test_output_and_gradients_are_those_of_the_reference_in_double(
    name, kind, inverse, channels, seed
):
    made = [*layers(len(SITES[name][1])).values()]
    layer = made[kind % len(made)]
    rulebook, _ = layer.rulebook(sparse(name, 1))
    if inverse:
        rulebook = rulebook.transposed()
    given_ = drawn(rulebook, channels, layer.kernel_size, seed)
    expected = output_and_gradients(sparse_convolution, rulebook, *(x.double() for x in given_))
    assert_close(output_and_gradients(compiled_convolution, rulebook, *given_), expected)


@pytest.mark.parametrize("kernels", InstructionSet)
def test_gradients_by_every_instruction_set(kernels, monkeypatch):
    if kernels > compiled.best_instruction_set():
        pytest.skip(f"this CPU has no {kernels.name}")
    monkeypatch.setattr("snn_ros.sparse.backends.kernels.best_instruction_set", lambda: kernels)
    layer = SubmanifoldConvolution(1, 1)
    rulebook, _ = layer.rulebook(sparse("dense and large", 1))
    for channels in ((5, 7), (32, 16), (80, 70)):
        given_ = drawn(rulebook, channels, layer.kernel_size, 0)
        expected = output_and_gradients(sparse_convolution, rulebook, *(x.double() for x in given_))
        assert_close(output_and_gradients(compiled_convolution, rulebook, *given_), expected)


@pytest.mark.parametrize("channels", [(5, 7), (64, 64), (130, 40)])
def test_bits_do_not_depend_on_threads(channels, threads):
    x = sparse("dense and large", 1)
    for layer in layers(3).values():
        rulebook, _ = layer.rulebook(x)
        given_ = drawn(rulebook, channels, layer.kernel_size, 0)
        results = []
        for count in (1, 2, 3):
            threads(count)
            results.append(output_and_gradients(compiled_convolution, rulebook, *given_))
        for other in results[1:]:
            assert all(map(torch.equal, results[0], other))


def small_network():
    torch.manual_seed(0)
    return SparseSequential(
        on_grid(SubmanifoldConvolution(4, 16)), nn.BatchNorm1d(16), IntegerSpike(4),
        on_grid(StridedConvolution(16, 8, 2, 2)), nn.BatchNorm1d(8),
    )  # fmt: skip


def gradients(network, x):
    network.zero_grad()
    network(x).features.square().sum().backward()
    return [parameter.grad for parameter in network.parameters()]


def test_a_network_trains_compiled_copies_included():
    x = sparse("dense and large", 4)
    reference, network = small_network(), small_network()
    assert train_compiled(network)
    expected = gradients(reference, x)
    copied = copy.deepcopy(network)
    assert_close(gradients(network, x), expected)
    assert_close(gradients(copied, x), expected)
    assert list(network.state_dict()) == list(reference.state_dict())
    convolutions = [copied[0], copied[3]]
    assert all(layer.convolve is compiled_convolution for layer in convolutions)
    assert reference[0].convolve is sparse_convolution


def test_what_was_trained_compiled_is_deployed_and_compiled_as_before():
    x = sparse("dense and large", 4)
    reference, network = small_network(), small_network()
    train_compiled(network)
    network.load_state_dict(reference.state_dict())
    made = [compile_network(deployed(each.eval()))(x).features for each in (reference, network)]
    assert torch.equal(*made)


def test_the_order_of_rows_is_free():
    """Rulebooks of sites in no order are sorted for the kernels."""
    x = sparse("batch of two", 1)
    order = torch.unique(x.sites.coordinates, dim=0, return_inverse=True)[1]
    in_order = sparse_tensor(x.features, x.sites.coordinates[order.argsort()], (6, 7, 8), 2)
    layer = SubmanifoldConvolution(16, 16)
    features = torch.randn(len(order), 16)
    there = compiled_convolution(features, layer.weight, layer.rulebook(in_order)[0])
    here = compiled_convolution(features[order], layer.weight, layer.rulebook(x)[0])
    torch.testing.assert_close(here, there[order])


@pytest.mark.parametrize("argument", [0, 1])
def test_other_number_formats_are_refused(argument):
    layer = SubmanifoldConvolution(3, 3)
    rulebook, _ = layer.rulebook(sparse("batch of two", 1))
    given_ = list(drawn(rulebook, (3, 3), layer.kernel_size, 0)[:2])
    given_[argument] = given_[argument].double()
    with pytest.raises(TypeError, match=r"torch\.float64 on cpu"):
        compiled_convolution(*given_, rulebook)


def test_without_the_kernels_a_network_stays_in_torch(monkeypatch):
    monkeypatch.setattr("snn_ros.sparse.backends.training.is_available", lambda: False)
    network = small_network()
    assert not train_compiled(network)
    assert network[0].convolve is sparse_convolution
