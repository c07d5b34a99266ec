"""The adaptive-threshold (IWTA) cell: hand table, memory, both modes, NumPy = torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snn_ros.configuration import ConfigurationError
from snn_ros.spiking.adaptive_threshold import (
    AdaptiveThresholdParameters,
    AdaptiveThresholdState,
    adaptive_threshold_step,
)
from snn_ros.spiking.current_lif import CurrentLIFParameters, CurrentLIFState, current_lif_step

NEURONS = 6
PLAIN = CurrentLIFParameters(membrane_decay=0.8, current_decay=0.4, threshold=1.0)
drives = arrays(np.float32, (15, 2, NEURONS), elements=st.floats(-4, 4, width=32))
spike_trains = arrays(np.float32, (15, 2, NEURONS), elements=st.sampled_from([0.0, 1.0]))


def run(drive, input_spikes, parameters, project):
    state = AdaptiveThresholdState.at_rest(drive[0], parameters)
    spikes, states = [], []
    for x, s_in in zip(drive, input_spikes, strict=True):
        s, state = adaptive_threshold_step(x, s_in, state, parameters, project)
        spikes.append(s)
        states.append(state)
    return spikes, states


def test_the_fire_test_uses_the_new_threshold_and_the_reset_the_old_one():
    parameters = AdaptiveThresholdParameters(
        neuron=CurrentLIFParameters(membrane_decay=1.0, threshold=1.0), trace_decay=0.5
    )
    drive = np.array([[2.0], [2.0], [0.0]])
    input_spikes = np.array([[1.0], [1.0], [0.0]])
    spikes, states = run(drive, input_spikes, parameters, lambda s: 0.5 * s)
    # a: 0.5, 0.75, 0.375; th: 1.5, 1.75, 1.375
    assert [s.threshold[0] for s in states] == [1.5, 1.75, 1.375]
    # v: 2 fires; 2 + 2 - 1.5 = 2.5 fires; 2.5 - 1.75 = 0.75 does not
    assert [s.neuron.membrane[0] for s in states] == [2.0, 2.5, 0.75]
    assert [s[0] for s in spikes] == [1, 1, 0]


@given(drive=drives, input_spikes=spike_trains)
@settings(deadline=None, max_examples=30)
def test_without_threshold_weights_it_is_the_plain_cell(drive, input_spikes):
    parameters = AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=0.9)
    spikes, _ = run(drive, input_spikes, parameters, lambda s: 0.0 * s)
    state = CurrentLIFState.at_rest(drive[0])
    for x, expected in zip(drive, spikes, strict=True):
        s, state = current_lif_step(x, state, PLAIN)
        np.testing.assert_array_equal(s, expected)


def test_the_threshold_remembers_input_that_has_ended():
    """With a slow trace a burst of input spikes changes the firing long after it."""
    parameters = AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=0.999)
    drive = np.full((400, 1), 0.3)
    burst = np.zeros((400, 1))
    with_burst = burst.copy()
    with_burst[:10] = 1.0
    quiet, _ = run(drive, burst, parameters, lambda s: -0.05 * s)
    moved, _ = run(drive, with_burst, parameters, lambda s: -0.05 * s)
    assert sum(moved[300:])[0] > 1.3 * sum(quiet[300:])[0]


def test_the_floor_keeps_a_pushed_down_threshold_from_firing_for_ever():
    drive = np.zeros((60, 1))
    drive[0] = 0.1
    pushes = np.ones((60, 1))
    project = lambda s: -1.0 * s  # noqa: E731
    floored = AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=0.9)
    published = AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=0.9, threshold_floor=None)
    spikes, states = run(drive, pushes, floored, project)
    assert min(s.threshold[0] for s in states) == 0.05
    assert sum(spikes)[0] <= 4
    spikes, states = run(drive, pushes, published, project)
    assert min(s.threshold[0] for s in states) < 0
    assert sum(spikes)[0] > 50


def test_the_trace_limit_stops_winding_up():
    """After long input a limited trace is back within the time its limit takes to decay."""
    drive, pushes = np.zeros((300, 1)), np.zeros((300, 1))
    pushes[:200] = 1.0
    limited = AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=0.9, trace_limit=0.5)
    thresholds = [s.threshold[0] for s in run(drive, pushes, limited, lambda s: 0.4 * s)[1]]
    assert max(thresholds) == 1.5
    assert thresholds[210] == pytest.approx(1.0 + 0.5 * 0.9**11)


def test_legacy_mode_updates_the_trace_by_own_and_input_spikes():
    """The closed form: a = d^2 a_prev + d s_own_prev + s_in; th = base + W a."""
    generator = np.random.default_rng(3)
    weight = generator.normal(size=(NEURONS, NEURONS)) * 0.1
    decay = generator.uniform(0.2, 0.9, NEURONS)
    drive = generator.normal(size=(20, NEURONS))
    input_spikes = (generator.random((20, NEURONS)) < 0.4).astype(float)
    parameters = AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=decay, mode="legacy")
    spikes, states = run(drive, input_spikes, parameters, lambda s: s @ weight.T)
    assert 0 < sum(spikes).sum() < 20 * NEURONS
    trace, own = np.zeros(NEURONS), np.zeros(NEURONS)
    for step, state in enumerate(states):
        trace = decay**2 * trace + decay * own + input_spikes[step]
        np.testing.assert_allclose(state.trace, trace, rtol=1e-12)
        threshold = np.maximum(1.0 + weight @ trace, 0.05)
        np.testing.assert_allclose(state.threshold, threshold, rtol=1e-12)
        own = spikes[step]


@pytest.mark.parametrize("mode", ["paper", "legacy"])
@given(drive=drives, input_spikes=spike_trains)
@settings(deadline=None, max_examples=30)
def test_numpy_and_torch_agree_bit_for_bit(mode, drive, input_spikes):
    parameters = AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=0.7, mode=mode)
    swap = [1, 0, 3, 2, 5, 4]  # the mirrored pairs: a projection without sums is exact

    def project(s):
        return -0.3 * s + 0.2 * s[..., swap]

    ours, ours_states = run(drive, input_spikes, parameters, project)
    theirs, theirs_states = run(
        torch.from_numpy(drive), torch.from_numpy(input_spikes), parameters, project
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b.numpy())
    for a, b in zip(ours_states, theirs_states, strict=True):
        np.testing.assert_array_equal(a.threshold, b.threshold.numpy())
        np.testing.assert_array_equal(a.neuron.membrane, b.neuron.membrane.numpy())


def test_bad_parameters_are_named():
    with pytest.raises(ConfigurationError, match=r"trace_decay.*mode.*'both'"):
        AdaptiveThresholdParameters(neuron=PLAIN, trace_decay=-0.1, mode="both")
