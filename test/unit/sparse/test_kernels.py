"""The compiled kernels compute what the reference computes; integers to the bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sparse import SITES

from snn_ros.sparse import rulebook as reference
from snn_ros.sparse.backends import compiled, rulebooks
from snn_ros.sparse.backends.compiled import InstructionSet, library
from snn_ros.sparse.backends.kernels import Execution, Method, Outputs, convolve
from snn_ros.sparse.backends.rulebooks import PackedRulebook
from snn_ros.sparse.backends.weights import (
    LARGEST_WEIGHT,
    LARGEST_WIDE_WEIGHT,
    largest_wide_weight,
    pack_floats,
    pack_integers,
    padded,
    quantised,
)
from snn_ros.sparse.functional import sparse_convolution
from snn_ros.spiking.firing import spike_count

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="kernels are not built")
KERNEL = reference.Kernel((3, 3, 3), (2, 2, 2), (1, 1, 1))


def random_rulebook(random, num_inputs, num_outputs, offsets):
    """Pairs drawn at random: within an offset no output twice, inputs in no order."""
    inputs, outputs, starts = [], [], [0]
    for _ in range(offsets):
        count = random.integers(0, min(num_inputs, num_outputs) + 1)
        outputs.append(np.sort(random.permutation(num_outputs)[:count]))
        inputs.append(random.integers(0, max(num_inputs, 1), count))
        starts.append(starts[-1] + count)
    return PackedRulebook(
        np.concatenate(inputs).astype(np.int32),
        np.concatenate(outputs).astype(np.int32),
        np.array(starts, np.int64),
        num_inputs,
        num_outputs,
    )


def add_pairs(features, weight, book):
    """(V', Cout): the sum of a convolution, without ado."""
    sums = np.zeros((book.num_outputs, len(weight)), np.result_type(features, weight))
    for offset in range(weight.shape[1]):
        pairs = slice(book.starts[offset], book.starts[offset + 1])
        np.add.at(sums, book.outputs[pairs], features[book.inputs[pairs]] @ weight[:, offset].T)
    return sums


def with_padding(features):
    channels = features.shape[1]
    return np.pad(features, ((0, 0), (0, padded(channels) - channels)))


def buffers(rows, channels):
    shape = rows, padded(channels)
    return Outputs(
        np.full(shape, np.nan, np.float32),
        np.full(shape, np.nan, np.float32),
        np.full(shape, 255, np.uint8),
        np.full(rows, 255, np.uint8),
    )


def executions():
    for kernels in InstructionSet:
        if kernels <= compiled.best_instruction_set():
            for threads in (1, 2):
                yield Execution(threads, kernels)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    num_inputs=st.sampled_from([0, 1, 7, 130, 700]),
    num_outputs=st.sampled_from([0, 1, 9, 128, 1100]),
    offsets=st.sampled_from([1, 4, 27]),
    channels_in=st.sampled_from([1, 3, 4, 16, 37, 64]),
    channels_out=st.sampled_from([1, 15, 16, 33, 48, 64, 70, 130]),
    density=st.sampled_from([0.0, 0.03, 0.5]),
    largest=st.sampled_from([1, 4, 127]),
    wide=st.booleans(),
)
def test_counts_are_exact_by_every_method_kernel_and_number_of_threads(
    seed, num_inputs, num_outputs, offsets, channels_in, channels_out, density, largest, wide
):
    random = np.random.default_rng(seed)
    book = random_rulebook(random, num_inputs, num_outputs, offsets)
    counts = random.integers(1, largest + 1, (num_inputs, channels_in))
    counts[random.random(counts.shape) >= density] = 0
    most = largest_wide_weight(offsets * channels_in, largest) if wide else LARGEST_WEIGHT
    weight = random.integers(-most, most + 1, (channels_out, offsets, channels_in))
    scale, bias = random.random((2, channels_out), np.float32) * np.float32([[2.54 / most], [1.0]])
    shortcut = random.normal(size=(num_outputs, channels_out)).astype(np.float32)

    sums = add_pairs(counts, weight, book)
    membrane = sums.astype(np.float32) * scale + bias + shortcut
    spikes = spike_count(membrane, largest)
    weights = pack_integers(weight.astype(np.int16 if wide else np.int8), scale, bias)
    features = with_padding(counts.astype(np.uint8))
    awake = counts.any(1).astype(np.uint8)
    for execution in executions():
        for method in (Method.COUNTS, Method.EVENTS):
            for active in (None, awake):
                made = buffers(num_outputs, channels_out)
                convolve(
                    method, features, book, weights, made,
                    shortcut=with_padding(shortcut), active=active, max_count=largest,
                    execution=execution,
                )  # fmt: skip
                np.testing.assert_array_equal(made.membrane, with_padding(membrane))
                np.testing.assert_array_equal(made.spikes, with_padding(spikes))
                np.testing.assert_array_equal(made.counts, with_padding(spikes))
                np.testing.assert_array_equal(made.active, spikes.any(1))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("channels", "largest"), [(64, 127), (128, 4), (1, 1)])
def test_the_largest_sums_of_wide_weights_do_not_overflow(sign, channels, largest):
    most = largest_wide_weight(27 * channels, largest)
    weight = np.full((16, 27, channels), sign * most, np.int16)
    row = np.zeros(27, np.int32)
    book = PackedRulebook(row, row, np.arange(28), 1, 1)
    counts = np.full((1, channels), largest, np.uint8)
    weights = pack_integers(weight, np.ones(16, np.float32), np.zeros(16, np.float32))
    for execution in executions():
        for method in (Method.COUNTS, Method.EVENTS):
            made = buffers(1, 16)
            convolve(method, with_padding(counts), book, weights, made, execution=execution)
            np.testing.assert_array_equal(
                made.membrane, np.float32(sign * most * largest * 27 * channels)
            )


def test_wide_weights_leave_room_for_their_sums():
    assert largest_wide_weight(27 * 128, 4) == LARGEST_WIDE_WEIGHT
    assert LARGEST_WEIGHT < largest_wide_weight(27 * 64, 127) < LARGEST_WIDE_WEIGHT
    assert largest_wide_weight(70_000, 127) == LARGEST_WEIGHT


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.sampled_from([0, 1, 100, 1100]),
    channels_in=st.sampled_from([1, 4, 16, 37]),
    channels_out=st.sampled_from([1, 16, 33, 64, 130]),
    density=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_reals_are_close_and_neither_threads_nor_events_change_a_bit(
    seed, rows, channels_in, channels_out, density
):
    random = np.random.default_rng(seed)
    book = random_rulebook(random, rows, rows, 27)
    features = random.normal(size=(rows, channels_in)).astype(np.float32)
    features[random.random(features.shape) >= density] = 0
    bound = 1.0 / np.sqrt(27 * channels_in)
    weight = random.uniform(-bound, bound, (channels_out, 27, channels_in)).astype(np.float32)
    bias = random.normal(size=channels_out).astype(np.float32)
    expected = add_pairs(features.astype(np.float64), weight, book) + bias
    weights = pack_floats(weight, bias)
    by_kernel = {}
    for execution in executions():
        for method in (Method.FLOATS, Method.FLOAT_EVENTS):
            made = Outputs(np.full((rows, padded(channels_out)), np.nan, np.float32))
            convolve(method, features, book, weights, made, execution=execution)
            np.testing.assert_allclose(made.membrane[:, :channels_out], expected, rtol=0, atol=1e-5)
            assert not made.membrane[:, channels_out:].any()
            first = by_kernel.setdefault(execution.instruction_set, made.membrane)
            np.testing.assert_array_equal(made.membrane, first)


def in_order(name):
    coordinates, shape, _ = SITES[name]
    return torch.unique(coordinates, dim=0).int(), shape


def assert_same(made, expected):
    np.testing.assert_array_equal(made.inputs, expected.inputs)
    np.testing.assert_array_equal(made.outputs, expected.outputs)
    assert tuple(made.starts) == expected.starts
    assert (made.num_inputs, made.num_outputs) == (expected.num_inputs, expected.num_outputs)


@pytest.mark.parametrize("name", SITES)
def test_submanifold_rulebooks_are_those_of_the_reference(name):
    coordinates, shape = in_order(name)
    for size in ((3,) * len(shape), (1,) * len(shape), (5,) * (len(shape) - 1) + (3,)):
        expected = reference.submanifold_rulebook(coordinates, shape, size)
        assert_same(rulebooks.submanifold_rulebook(coordinates.numpy(), shape, size), expected)


@pytest.mark.parametrize("name", SITES)
def test_strided_rulebooks_are_those_of_the_reference(name):
    coordinates, shape = in_order(name)
    axes = len(shape)
    for size, stride, padding in ((3, 2, 1), (3, 1, 1), (2, 2, 0), (1, 3, 0)):
        kernel = reference.Kernel((size,) * axes, (stride,) * axes, (padding,) * axes)
        expected, sites = reference.strided_rulebook(coordinates, shape, kernel)
        made, made_sites = rulebooks.strided_rulebook(coordinates.numpy(), shape, kernel)
        assert_same(made, expected)
        np.testing.assert_array_equal(made_sites, sites)


def test_a_rulebook_of_sites_in_no_order_is_packed_with_ascending_outputs():
    coordinates, shape, _ = SITES["batch of two"]
    features = torch.randn(len(coordinates), 3)
    weight = torch.randn(5, 3, 3, 3, 3)
    book = reference.submanifold_rulebook(coordinates, shape, (3, 3, 3))
    weights = pack_floats(weight.reshape(5, 27, 3).numpy(), np.zeros(5, np.float32))
    made = Outputs(np.empty((len(features), 16), np.float32))
    convolve(Method.FLOATS, features.numpy(), rulebooks.packed(book), weights, made)
    expected = sparse_convolution(features, weight, book)
    np.testing.assert_allclose(made.membrane[:, :5], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SITES)
def test_wide_sums_at_sites_are_those_of_torch_in_whole_numbers(name):
    coordinates, shape = in_order(name)
    book = reference.submanifold_rulebook(coordinates, shape, (3,) * len(shape))
    counts = torch.randint(0, 5, (len(coordinates), 37))
    weight = torch.randint(-LARGEST_WIDE_WEIGHT, LARGEST_WIDE_WEIGHT + 1, (20, book.offsets, 37))
    expected = torch.zeros(len(coordinates), 20, dtype=torch.int64)
    for offset, inputs, outputs in book.segments():
        expected.index_add_(0, outputs, (counts[inputs, None] * weight[:, offset]).sum(2))
    weights = pack_integers(
        weight.numpy().astype(np.int16), np.ones(20, np.float32), np.zeros(20, np.float32)
    )
    features = with_padding(counts.numpy().astype(np.uint8))
    for execution in executions():
        for method in (Method.COUNTS, Method.EVENTS):
            made = buffers(len(coordinates), 20)
            convolve(method, features, rulebooks.packed(book), weights, made, execution=execution)
            np.testing.assert_array_equal(made.membrane[:, :20], expected.float())


def test_weights_on_an_int8_grid_come_back_exactly():
    random = np.random.default_rng(0)
    integers = random.integers(-127, 128, (6, 27, 5)).astype(np.int8)
    integers[:, 0, 0] = 127
    integers[2] = 0
    scale = np.float32([0.1, 0.003, 1.0, 7.0, 0.25, 1e-6])
    made, made_scale = quantised(integers * scale[:, None, None])
    np.testing.assert_array_equal(made, integers)
    np.testing.assert_allclose(made_scale, scale, rtol=1e-6)


def test_wide_weights_in_fixed_point_come_back_exactly_and_others_to_half_a_step():
    random = np.random.default_rng(0)
    drawn = random.normal(size=(6, 27, 5)).astype(np.float32) * np.float32(0.1)
    drawn[2] = 0
    fixed = np.rint(drawn * 1024) / np.float32(1024)
    made, scale = quantised(fixed, LARGEST_WIDE_WEIGHT)
    np.testing.assert_array_equal(made * scale[:, None, None], fixed)
    made, scale = quantised(drawn, LARGEST_WIDE_WEIGHT)
    assert made.dtype == np.int16
    assert np.abs(made).max() <= LARGEST_WIDE_WEIGHT
    assert (np.abs(made * scale[:, None, None] - drawn) <= scale[:, None, None] / 2).all()
    assert (scale <= np.abs(drawn).max((1, 2)) / (LARGEST_WIDE_WEIGHT // 2))[[0, 1, 3, 4, 5]].all()


@pytest.mark.parametrize("name", ["absent.so", "libc.so.6"])
def test_where_the_library_is_missing_or_another_it_is_said_once(monkeypatch, caplog, name):
    monkeypatch.setattr(compiled, "LIBRARY", name)
    library.cache_clear()
    compiled._note_missing.cache_clear()
    try:
        assert not compiled.is_available()
        assert not compiled.is_available()
        assert [r.levelname for r in caplog.records] == ["WARNING"]
        assert name in caplog.text
    finally:
        library.cache_clear()
