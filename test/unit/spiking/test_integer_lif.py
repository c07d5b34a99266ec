"""Integer LIF: the staircase, its gradient, its state, its exact binary form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snn_ros.configuration import ConfigurationError
from snn_ros.spiking.firing import spike_count
from snn_ros.spiking.integer_lif import (
    IntegerLIFParameters,
    IntegerLIFState,
    integer_lif_step,
    unrolled_count,
    unrolled_counts,
    unrolled_spikes,
)
from snn_ros.spiking.surrogate import StraightThroughCount

EDGES = [edge for half in np.arange(-1, 20) / 2 for edge in (half, np.nextafter(half, 9))]
membranes = arrays(
    np.float32, 30, elements=st.one_of(st.floats(-3, 12, width=32), st.sampled_from(EDGES[::2]))
)
counts = st.integers(1, 8)


def test_counts_of_the_specified_values():
    x = np.array([-1, 0, 0.49, 0.5, 1.49, 1.5, 2.5, 3.5, 4, 9, np.inf, -np.inf], np.float32)
    np.testing.assert_array_equal(spike_count(x, 4), [0, 0, 0, 1, 1, 2, 3, 4, 4, 4, 4, 0])


def test_the_float32_just_below_a_half_fires_and_the_float64_does_too():
    for dtype in (np.float32, np.float64):
        below = np.nextafter(dtype(0.5), dtype(0))
        assert spike_count(np.array([below]), 4)[0] == 1


@given(x=membranes, max_count=counts)
@settings(deadline=None)
def test_unrolled_sub_steps_are_binary_and_sum_to_the_count(x, max_count):
    expected = spike_count(x, max_count)
    assert expected.min() >= 0
    assert expected.max() <= max_count
    for substeps in (unrolled_spikes(x, max_count), unrolled_counts(expected, max_count)):
        assert len(substeps) == max_count
        assert set(np.unique(substeps)) <= {0.0, 1.0}
        np.testing.assert_array_equal(sum(substeps), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unrolled_equals_integer_on_a_dense_sweep(dtype):
    x = np.concatenate([np.linspace(-2, 10, 20001), EDGES]).astype(dtype)
    for max_count in range(1, 9):
        np.testing.assert_array_equal(unrolled_count(x, max_count), spike_count(x, max_count))


@given(x=arrays(np.float32, (6, 10), elements=st.floats(-5, 9, width=32)), max_count=counts)
@settings(deadline=None)
def test_the_state_follows_the_equations_in_both_forms(x, max_count):
    parameters = IntegerLIFParameters(max_count=max_count, decay=0.25)
    ours = theirs = unrolled = None
    membrane = np.zeros(10, np.float32)
    for value in x:
        ours = ours or IntegerLIFState.at_rest(value)
        theirs = theirs or IntegerLIFState.at_rest(torch.from_numpy(value))
        unrolled = unrolled or ours
        expected = np.floor(np.clip(membrane + value, 0, max_count) + np.float32(0.5))
        membrane = np.float32(0.25) * ((membrane + value) - expected)
        spikes, ours = integer_lif_step(value, ours, parameters)
        torch_spikes, theirs = integer_lif_step(
            torch.from_numpy(value), theirs, parameters, StraightThroughCount()
        )
        unrolled_spikes_, unrolled = integer_lif_step(value, unrolled, parameters, unrolled_count)
        for form in (spikes, torch_spikes.numpy(), unrolled_spikes_):
            np.testing.assert_array_equal(form, expected)
        for state in (ours.membrane, theirs.membrane.numpy(), unrolled.membrane):
            np.testing.assert_array_equal(state, membrane)


@given(x=arrays(np.float32, (20, 4), elements=st.integers(-64, 64).map(lambda n: n / 32)))
@settings(deadline=None)
def test_without_leak_charge_is_conserved(x):
    parameters = IntegerLIFParameters(max_count=4, decay=1.0)
    state, total = IntegerLIFState.at_rest(x[0]), np.zeros(4, np.float32)
    for value in x:
        spikes, state = integer_lif_step(value, state, parameters)
        total += spikes
    np.testing.assert_array_equal(x.sum(0), total + state.membrane)


@pytest.mark.parametrize("max_count", [1, 3, 4, 8])
def test_gradient_is_one_strictly_inside_and_nothing_elsewhere(max_count):
    tiny = float(np.nextafter(np.float32(0), np.float32(1)))
    inside = [tiny, 0.2, 0.5, max_count / 2, float(np.nextafter(np.float32(max_count), 0))]
    outside = [-1.0, -tiny, 0.0, float(max_count), max_count + 1.0, float("inf")]
    x = torch.tensor(inside + outside, requires_grad=True)
    upstream = torch.arange(1.0, len(x) + 1)
    StraightThroughCount()(x, max_count).backward(upstream)
    expected = torch.cat([upstream[: len(inside)], torch.zeros(len(outside))])
    torch.testing.assert_close(x.grad, expected, rtol=0, atol=0)


@pytest.mark.parametrize("detach", [True, False])
def test_gradient_through_the_reset_follows_the_switch(detach):
    """Two steps, inside the window: dS2/dx1 = decay (1 - dS1/dx1), or decay when detached."""
    parameters = IntegerLIFParameters(decay=0.25, detach_reset=detach)
    x = torch.tensor([1.2, 1.4], dtype=torch.float64, requires_grad=True)
    count = StraightThroughCount()
    _, state = integer_lif_step(x[0], IntegerLIFState.at_rest(x[0]), parameters, count)
    second, _ = integer_lif_step(x[1], state, parameters, count)
    second.backward()
    assert x.grad.tolist() == [0.25 if detach else 0.0, 1.0]


def test_bad_parameters_are_named():
    with pytest.raises(ConfigurationError, match=r"max_count.*0.*decay.*2"):
        IntegerLIFParameters(max_count=0, decay=2)
