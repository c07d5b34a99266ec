"""LIF and current-based LIF: hand tables, closed forms, conservation, NumPy = torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snn_ros.configuration import ConfigurationError
from snn_ros.spiking.current_lif import CurrentLIFParameters, CurrentLIFState, current_lif_step
from snn_ros.spiking.lif import LIFParameters, LIFState, lif_step

SCALED_INPUT = LIFParameters(decay=0.5)
RESETS = ("hard", "soft")

inputs = arrays(np.float32, (12, 2, 5), elements=st.floats(-8, 8, width=32))
# multiples of 1/64 of moderate size: all sums below are exact in float32
dyadic = arrays(np.float32, (40, 3), elements=st.integers(-128, 128).map(lambda n: n / 64))


def run(step, x, state, parameters):
    spikes, membranes = [], []
    for value in x:
        s, state = step(value, state, parameters)
        spikes.append(s)
        membranes.append(state.membrane)
    return spikes, membranes, state


def run_lif(x, parameters):
    return run(lif_step, x, LIFState.at_rest(x[0]), parameters)


def run_current_lif(x, parameters):
    return run(current_lif_step, x, CurrentLIFState.at_rest(x[0]), parameters)


@pytest.mark.parametrize(
    ("constant", "first_spike"), [(0.5, None), (1.0, None), (1.2, 3), (1.5, 2), (2.0, 1)]
)
def test_constant_input_first_fires_when_the_closed_form_says(constant, first_spike):
    # v_k = c (1 - 2^-k) until the first spike: fires only for c > 1
    spikes, membranes, _ = run_lif(np.full((10, 1), constant), SCALED_INPUT)
    fired = [step for step, s in enumerate(spikes, start=1) if s[0]]
    assert fired[:1] == ([] if first_spike is None else [first_spike])
    until = len(spikes) if first_spike is None else first_spike - 1
    expected = [constant * (1 - 2.0**-k) for k in range(1, until + 1)]
    np.testing.assert_allclose([m[0] for m in membranes[:until]], expected, rtol=1e-12)


def test_input_of_two_fires_at_every_step():
    spikes, _, _ = run_lif(np.full((10, 1), 2.0), SCALED_INPUT)
    assert all(s[0] == 1.0 for s in spikes)


def test_hard_reset_sets_and_soft_reset_subtracts():
    x = np.array([[2.5]])
    hard = LIFParameters(decay=1.0, scale_input=False, reset="hard", reset_potential=-0.25)
    soft = LIFParameters(decay=1.0, scale_input=False, reset="soft")
    assert run_lif(x, hard)[2].membrane[0] == -0.25
    assert run_lif(x, soft)[2].membrane[0] == 1.5


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_membrane_exactly_at_threshold_obeys_the_switch(inclusive):
    x = np.array([[1.0]], np.float32)
    lif = LIFParameters(decay=1.0, scale_input=False, inclusive=inclusive)
    current = CurrentLIFParameters(membrane_decay=1.0, inclusive=inclusive)
    assert run_lif(x, lif)[0][0][0] == float(inclusive)
    assert run_current_lif(x, current)[0][0][0] == float(inclusive)


def test_current_lif_follows_the_hand_table():
    """i = i/2 + x; v = 0.5 v + i - s th; fires above 1; the reset lands a step later, unleaked."""
    parameters = CurrentLIFParameters(membrane_decay=0.5, current_decay=0.5)
    x = np.array([1.0, 0.5, 0.0, 0.0, -2.0])[:, None]
    spikes, membranes, state = run_current_lif(x, parameters)
    # i: 1, 1, 0.5, 0.25, -1.875
    assert [m[0] for m in membranes] == [1.0, 1.5, 0.25, 0.375, -1.6875]
    assert [s[0] for s in spikes] == [0, 1, 0, 0, 0]
    assert state.current[0] == -1.875


def test_hard_reset_of_current_lif_clears_the_membrane_before_it_leaks():
    parameters = CurrentLIFParameters(membrane_decay=0.5, reset="hard")
    _, membranes, _ = run_current_lif(np.array([3.0, 0.5, 0.25])[:, None], parameters)
    assert [m[0] for m in membranes] == [3.0, 0.5, 0.5]


def test_membrane_limit_bounds_the_debt_of_spikes():
    x = np.concatenate([np.full((50, 1), 10.0), np.zeros((50, 1))])
    free = CurrentLIFParameters(membrane_decay=1.0, threshold=0.5)
    limited = CurrentLIFParameters(membrane_decay=1.0, threshold=0.5, membrane_limit=4.0)
    assert sum(run_current_lif(x, free)[0][50:])[0] == 50
    assert sum(run_current_lif(x, limited)[0][50:])[0] <= 4


@given(x=dyadic)
@settings(deadline=None)
def test_soft_reset_conserves_charge_without_leak(x):
    """Sum of inputs = spikes x threshold + what is left in the membrane, exactly."""
    threshold = 0.75
    parameters = LIFParameters(decay=1.0, scale_input=False, threshold=threshold, reset="soft")
    spikes, _, state = run_lif(x, parameters)
    np.testing.assert_array_equal(x.sum(0), sum(spikes) * np.float32(threshold) + state.membrane)

    current = CurrentLIFParameters(membrane_decay=1.0, threshold=threshold)
    spikes, _, last = run_current_lif(x, current)
    left = last.membrane - last.spikes * np.float32(threshold)  # its reset is still to come
    np.testing.assert_array_equal(x.sum(0), sum(spikes) * np.float32(threshold) + left)


@given(x=inputs)
@settings(deadline=None)
def test_hard_reset_leaves_the_reset_potential_behind_every_spike(x):
    parameters = LIFParameters(decay=0.9, scale_input=False, reset_potential=-0.5)
    spikes, membranes, _ = run_lif(x, parameters)
    for s, membrane in zip(spikes, membranes, strict=True):
        assert set(np.unique(s)) <= {0.0, 1.0}
        assert np.all(membrane[s == 1] == -0.5)
        assert np.all(membrane < parameters.threshold)


@pytest.mark.parametrize("reset", RESETS)
@given(x=inputs, decay=st.floats(0, 1, width=32))
@settings(deadline=None, max_examples=40)
def test_numpy_and_torch_agree_bit_for_bit(reset, x, decay):
    scaled = LIFParameters(decay=decay, reset=reset)
    added = LIFParameters(decay=decay, scale_input=False, reset=reset)
    current = CurrentLIFParameters(
        membrane_decay=decay, current_decay=0.3, reset=reset, membrane_limit=4.0
    )
    for runner, parameters in (
        (run_lif, scaled),
        (run_lif, added),
        (run_current_lif, current),
    ):
        ours = runner(x, parameters)
        theirs = runner(torch.from_numpy(x), parameters)
        for a, b in zip(ours[0] + ours[1], theirs[0] + theirs[1], strict=True):
            assert a.dtype == np.float32
            np.testing.assert_array_equal(a, b.numpy())


@pytest.mark.parametrize("runner", [run_lif, run_current_lif])
@given(x=inputs)
@settings(deadline=None, max_examples=30)
def test_a_member_of_a_batch_does_not_feel_the_others(runner, x):
    parameters = LIFParameters() if runner is run_lif else CurrentLIFParameters(membrane_decay=0.8)
    both, alone = runner(x, parameters), runner(x[:, :1], parameters)
    for a, b in zip(both[0], alone[0], strict=True):
        np.testing.assert_array_equal(a[:1], b)


def test_parameters_may_be_one_per_neuron():
    decays = np.array([0.0, 0.5, 1.0])
    x = np.ones((2, 3))
    _, membranes, _ = run_lif(x, LIFParameters(decay=decays, scale_input=False, threshold=10.0))
    np.testing.assert_array_equal(membranes[1], [1.0, 1.5, 2.0])


def test_every_bad_parameter_is_named_with_its_value():
    with pytest.raises(ConfigurationError) as error:
        LIFParameters(decay=1.5, threshold=0.0, reset="none")
    assert all(
        text in str(error.value)
        for text in ("decay", "1.5", "threshold", "0.0", "reset", "'none'", "LIFParameters")
    )
    with pytest.raises(ConfigurationError, match="membrane_decay.*nan"):
        CurrentLIFParameters(membrane_decay=np.array([0.5, np.nan]))
    with pytest.raises(ConfigurationError, match="membrane_limit"):
        CurrentLIFParameters(membrane_decay=0.5, membrane_limit=0.5)
