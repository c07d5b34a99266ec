"""Networks with ReLU, compiled: float32 as torch, int8 within what rounding can do."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sparse import SITES, sparse
from torch import nn

from snn_ros.sparse.backends import compiled, rulebooks
from snn_ros.sparse.backends.compiled import InstructionSet
from snn_ros.sparse.backends.kernels import Execution, Method, Outputs, convolve
from snn_ros.sparse.backends.network import InferenceNetwork, Precision, compile_network
from snn_ros.sparse.backends.program import NotCompiled
from snn_ros.sparse.backends.weights import pack_integers
from snn_ros.sparse.convolution import StridedConvolution, SubmanifoldConvolution
from snn_ros.sparse.layers import SparseLayer, SparseSequential
from snn_ros.spiking.modules import IntegerSpike

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="kernels are not built")


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Residual(SparseLayer):
    def __init__(self, channels):
        super().__init__()
        self.body = SparseSequential(
            nn.ReLU(), SubmanifoldConvolution(channels, channels), nn.BatchNorm1d(channels)
        )

    def forward(self, x):
        return x + self.body(x)


def network():
    """Two resolutions, a shortcut, rectified values as output."""
    return SparseSequential(
        SubmanifoldConvolution(5, 12), nn.BatchNorm1d(12), Residual(12), nn.ReLU(),
        StridedConvolution(12, 20, 2, 2), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 7),
        nn.ReLU(),
    ).eval()  # fmt: skip


@pytest.mark.parametrize("name", ["batch of two", "single voxel", "no voxels"])
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.INT8, Precision.INT16])
def test_float32_is_close_to_torch_for_any_kernel_and_its_bits_for_any_threads(name, precision):
    relu, x = network(), sparse(name, 5)
    with torch.no_grad():
        expected = relu(x).features
    assert bool((expected > 0).any()) == (len(expected) > 0)
    for kernels in InstructionSet:
        made = [
            compile_network(relu, precision=precision, execution=Execution(threads, kernels))(x)
            for threads in (1, 2)
        ]
        torch.testing.assert_close(made[0].features, expected, rtol=0, atol=1e-6)
        assert torch.equal(made[0].features, made[1].features)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 300]), st.floats(1e-3, 1e3, allow_nan=False)
)
def test_what_the_kernels_emit(seed, rows, counts_per_unit):
    """y, max(y, 0), and whole numbers of units, by every instruction set."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 128, (rows, 16), np.uint8)
    weight = random.integers(-127, 128, (16, 1, 16)).astype(np.int8)
    scale, bias = random.normal(size=(2, 16)).astype(np.float32) * np.float32([[1e-3], [1.0]])
    sums = counts.astype(np.int32) @ weight[:, 0].T.astype(np.int32)
    membrane = sums.astype(np.float32) * scale + bias
    steps = np.clip(membrane * np.float32(counts_per_unit), 0, 127) + np.float32(0.5)
    identity = np.arange(rows, dtype=np.int32)
    book = rulebooks.PackedRulebook(identity, identity, np.array([0, rows]), rows, rows)
    for kernels in InstructionSet:
        made = Outputs(
            membrane=np.full((rows, 16), np.nan, np.float32),
            counts=np.full((rows, 16), 255, np.uint8),
            rectified=np.full((rows, 16), np.nan, np.float32),
        )
        convolve(
            Method.COUNTS, counts, book, pack_integers(weight, scale, bias), made,
            max_count=127, counts_per_unit=counts_per_unit, execution=Execution(1, kernels),
        )  # fmt: skip
        np.testing.assert_array_equal(made.membrane, membrane)
        np.testing.assert_array_equal(made.rectified, np.maximum(membrane, 0))
        np.testing.assert_array_equal(made.counts, steps.astype(np.uint8))


def test_int8_behind_a_relu_errs_by_half_a_step_at_each_input_and_no_more():
    first, second = SubmanifoldConvolution(5, 16), SubmanifoldConvolution(16, 9)
    whole = torch.randint(-127, 128, second.weight.shape).float()
    second.weight.data = whole  # on the int8 grid: the inputs alone are rounded
    relu, x = SparseSequential(first, nn.ReLU(), second).eval(), sparse("dense and large", 5)
    with torch.no_grad():
        expected, largest = relu(x).features, first(x).features.max()
    made = compile_network(relu, x, precision=Precision.INT8_CALIBRATED)
    assert isinstance(made, InferenceNetwork)
    assert made.plan[1].method is not Method.FLOATS
    step = largest / 127
    bound = step / 2 * whole.abs().flatten(1).sum(1) * 1.001
    error = (made(x).features - expected).abs()
    assert (error <= bound).all()
    assert error.max() > step  # it does round
    assert error.mean() < 0.05 * expected.abs().mean()


def test_int8_of_rectified_outputs_comes_back_in_units():
    relu, x = SparseSequential(SubmanifoldConvolution(5, 7), nn.ReLU()).eval(), sparse("2D", 5)
    relu[0] = SubmanifoldConvolution(5, 7, dimensions=2)
    with torch.no_grad():
        expected = relu(x).features
    made = compile_network(relu, x, precision=Precision.INT8_CALIBRATED)(x).features
    assert (made - expected).abs().max() <= expected.max() / 127 / 2 * 1.001


class Summed(nn.Module):
    """A shortcut that carries what comes out of a cell or ReLU, not the membrane before it."""

    def __init__(self, cell):
        super().__init__()
        self.first = SparseSequential(SubmanifoldConvolution(5, 7), cell)
        self.second = SubmanifoldConvolution(7, 7)

    def forward(self, x):
        x = self.first(x)
        return x + self.second(x)


@pytest.mark.parametrize("cell", [nn.ReLU(), IntegerSpike()])
def test_shortcuts_of_activations_are_refused_and_not_taken_for_membranes(cell):
    with pytest.raises(NotCompiled, match="add"):
        compile_network(Summed(cell).eval())


def test_what_cannot_be_rectified_is_named():
    with pytest.raises(NotCompiled, match=r"0: ReLU"):
        compile_network(SparseSequential(nn.ReLU(), SubmanifoldConvolution(5, 4)).eval())
    with pytest.raises(NotCompiled, match="needs a sample"):
        compile_network(network(), precision=Precision.INT8_CALIBRATED)


def test_a_sample_on_which_nothing_rises_above_zero_is_survived():
    relu = SparseSequential(
        SubmanifoldConvolution(5, 7, bias=True), nn.ReLU(), SubmanifoldConvolution(7, 3, bias=True)
    ).eval()
    relu[0].bias.data.fill_(-1e3)
    x = sparse("batch of two", 5)
    made = compile_network(relu, x, precision=Precision.INT8_CALIBRATED)(x).features
    assert torch.equal(made, relu[2].bias.detach().expand_as(made))
    assert len(made) == len(SITES["batch of two"][0])
