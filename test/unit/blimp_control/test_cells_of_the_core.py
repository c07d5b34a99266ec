"""The preallocated flight network is the network of the core's cells, bit for bit."""

import numpy as np
import pytest

from snn_ros.blimp_control.model import SpikingNetwork
from snn_ros.blimp_control.parameters import NetworkParameters
from snn_ros.spiking.adaptive_threshold import (
    AdaptiveThresholdParameters,
    AdaptiveThresholdState,
    adaptive_threshold_step,
)
from snn_ros.spiking.current_lif import CurrentLIFParameters, CurrentLIFState, current_lif_step


def random_network(generator):
    def draw(low, high, count=80):
        return generator.uniform(low, high, count)

    slow = np.repeat([0.0, 1.0], 40)  # only the slow cells adapt
    return NetworkParameters(
        encoder_error_weight=draw(1, 1.5, 40),
        encoder_rate_weight=draw(0, 0.3, 40),
        encoder_bias=draw(0.2, 0.5, 40),
        encoder_decay=draw(0.1, 0.9, 40),
        encoder_threshold=draw(0.8, 1.2, 40),
        source=np.tile(np.arange(40), 2),
        own_weight=draw(0.5, 1.5),
        cross_weight=draw(-1, 1),
        synapse_decay=draw(0, 0.9),
        membrane_decay=draw(0.1, 0.9),
        threshold=draw(0.8, 1.5),
        trace_own_weight=slow * draw(-0.3, 0.3),
        trace_cross_weight=slow * draw(-0.3, 0.3),
        trace_decay=draw(0.5, 0.99),
        readout_weight=draw(-0.5, 0.5),
        readout_decay=np.array([0.4, 0.2]),
        fast=40,
    )


@pytest.mark.parametrize("mode", ["paper", "legacy"])
def test_flight_network_equals_the_cells_of_the_core(mode):
    p = random_network(np.random.default_rng(0))
    network = SpikingNetwork(p, mode)
    encoder = CurrentLIFParameters(
        membrane_decay=p.encoder_decay, threshold=p.encoder_threshold, membrane_limit=4.0
    )
    hidden = AdaptiveThresholdParameters(
        neuron=CurrentLIFParameters(
            membrane_decay=p.membrane_decay,
            current_decay=p.synapse_decay,
            threshold=p.threshold,
            membrane_limit=4.0,
        ),
        trace_decay=p.trace_decay,
        trace_limit=p.trace_limit,
        mode=mode,
    )
    mate = np.arange(80) ^ 1
    encoder_state = CurrentLIFState.at_rest(np.zeros(40))
    state = AdaptiveThresholdState.at_rest(np.zeros(80), hidden)
    fired = 0.0
    for tick in range(500):
        error, rate = 1.2 * np.sin(tick / 40), 0.3 * np.cos(tick / 40)
        network.tick(error, rate)
        drive = p.encoder_error_weight * error + p.encoder_rate_weight * rate + p.encoder_bias
        spikes, encoder_state = current_lif_step(drive, encoder_state, encoder)
        own = spikes[p.source]
        spikes, state = adaptive_threshold_step(
            p.own_weight * own + p.cross_weight * own[mate],
            own,
            state,
            hidden,
            lambda s: p.trace_own_weight * s + p.trace_cross_weight * s[..., mate],
        )
        np.testing.assert_array_equal(spikes, network.state.spikes)
        np.testing.assert_array_equal(state.neuron.membrane, network.state.membrane)
        np.testing.assert_array_equal(state.threshold, network.state.effective_threshold)
        fired += spikes.mean()
    assert 50 < fired < 450
