"""The network tick: hand-computed traces, symmetry, both forms alike."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.blimp_control.genome import GENOMES
from snn_ros.blimp_control.model import LEGACY_IWTA, PAPER_IWTA, NetworkState, SpikingNetwork
from snn_ros.blimp_control.parameters import NetworkError, NetworkParameters
from snn_ros.blimp_control.simulator import pack, respond


def one_pair(**changes: object) -> NetworkParameters:
    """One encoder pair, one fast and one slow hidden pair, numbers one can follow by hand."""
    pair = np.ones(2)
    four = np.ones(4)
    values = {
        "encoder_error_weight": np.array([1.0, -1.0]),
        "encoder_rate_weight": np.zeros(2),
        "encoder_bias": 0.5 * pair,
        "encoder_decay": 1.0 * pair,
        "encoder_threshold": 1.0 * pair,
        "source": np.array([0, 1, 0, 1]),
        "own_weight": np.array([1.0, 1.0, 0.5, 0.5]),
        "cross_weight": np.array([-1.0, -1.0, 0.5, 0.5]),
        "synapse_decay": 0.0 * four,
        "membrane_decay": np.array([0.5, 0.5, 1.0, 1.0]),
        "threshold": np.array([0.75, 0.75, 1.0, 1.0]),
        "trace_own_weight": np.array([0.0, 0.0, -0.25, -0.25]),
        "trace_cross_weight": np.array([0.0, 0.0, 0.25, 0.25]),
        "trace_decay": np.array([0.0, 0.0, 1.0, 1.0]),
        "readout_weight": np.array([1.0, -1.0, 1.0, -1.0]),
        "readout_decay": np.array([0.5, 0.0]),
        "fast": 2,
    }
    return NetworkParameters(**(values | changes))


def test_encoder_follows_a_hand_computed_trace():
    network = SpikingNetwork(one_pair())
    seen = []
    for _ in range(5):
        network.tick(0.25)
        seen.append((*network.state.encoder_membrane, *network.state.encoder_spikes))
    # drives are 0.75 and 0.25; the spike of a tick takes 1 off in the next, and 1 is not above 1
    assert seen == [
        (0.75, 0.25, 0, 0),
        (1.50, 0.50, 1, 0),
        (1.25, 0.75, 1, 0),
        (1.00, 1.00, 0, 0),
        (1.75, 1.25, 1, 1),
    ]


def test_hidden_cells_and_readouts_follow_a_hand_computed_trace():
    network = SpikingNetwork(one_pair())
    for _ in range(2):
        network.tick(0.25)
    state = network.state  # the + cell of the encoder has just fired for the first time
    assert state.current.tolist() == [1.0, -1.0, 0.5, 0.5]
    assert state.membrane.tolist() == [1.0, -1.0, 0.5, 0.5]
    assert state.effective_threshold.tolist() == [0.75, 0.75, 0.75, 1.25]
    assert state.spikes.tolist() == [1, 0, 0, 0]
    assert (network.u_pd, network.u_i) == (0.5, 0.0)
    network.tick(0.25)
    assert state.membrane.tolist() == [0.5 + 1.0 - 0.75, -1.5, 1.0, 1.0]
    assert state.effective_threshold.tolist() == [0.75, 0.75, 0.5, 1.5]
    assert state.spikes.tolist() == [0, 0, 1, 0]
    assert (network.u_pd, network.u_i) == (0.25, 1.0)


def test_reset_takes_off_the_threshold_the_cell_fired_at():
    network = SpikingNetwork(one_pair())
    for _ in range(4):
        network.tick(0.25)
    # fired at th 0.5 in tick 3 with v 1.0; in tick 4 the encoder is silent: 1.0 + 0 - 0.5
    assert network.state.membrane[2] == 0.5


def test_threshold_never_falls_to_zero_and_trace_is_bounded():
    network = SpikingNetwork(one_pair(trace_limit=5.0))
    for _ in range(200):
        network.tick(1.0)
    assert network.state.effective_threshold.min() == 0.05
    assert np.abs(network.state.trace).max() <= 5.0
    bounded = SpikingNetwork(one_pair(trace_limit=0.3))
    for _ in range(200):
        bounded.tick(1.0)
    assert bounded.state.effective_threshold[2:].tolist() == [0.7, 1.3]


def test_membranes_are_clamped_so_that_no_debt_builds_up():
    network = SpikingNetwork(one_pair())
    for _ in range(1000):
        network.tick(1.5)
    assert np.abs(network.state.encoder_membrane).max() <= 4.0
    for _ in range(15):  # after a large error the other side answers again soon
        network.tick(-0.4)
    assert network.state.encoder_membrane[1] > 0.0


def test_integration_can_be_frozen():
    network = SpikingNetwork(one_pair())
    for _ in range(20):
        network.tick(0.3, integration=0.0)
    assert not network.state.trace.any()


@given(
    st.lists(st.floats(-1.5, 1.5), min_size=5, max_size=60),
    st.sampled_from([PAPER_IWTA, LEGACY_IWTA]),
    st.sampled_from(sorted(GENOMES)),
)
@settings(max_examples=25, deadline=None)
def test_opposite_errors_give_opposite_commands(errors, mode, profile):
    genome = GENOMES[profile]()
    parameters = genome.decode(genome.start())
    one, other = SpikingNetwork(parameters, mode), SpikingNetwork(parameters, mode)
    for error in errors:
        one.tick(error, 0.2 * error)
        other.tick(-error, -0.2 * error)
        assert one.u_pd == pytest.approx(-other.u_pd, abs=1e-12)
        assert one.u_i == pytest.approx(-other.u_i, abs=1e-12)


def test_exchanging_the_cells_of_all_pairs_mirrors_a_network_without_symmetry():
    random = np.random.default_rng(3)
    parameters = one_pair(
        own_weight=random.uniform(0.5, 1.5, 4),
        cross_weight=random.uniform(-1.0, 0.5, 4),
        readout_weight=random.uniform(-1.0, 1.0, 4),
        encoder_bias=random.uniform(0.2, 0.6, 2),
    )
    one, other = SpikingNetwork(parameters), SpikingNetwork(parameters.mirrored())
    for error in random.uniform(-0.5, 0.5, 200):
        one.tick(error)
        other.tick(error)
        swapped = other.state.spikes.reshape(-1, 2)[:, ::-1].ravel()
        assert (one.state.spikes == swapped).all()


@pytest.mark.parametrize("mode", [PAPER_IWTA, LEGACY_IWTA])
@pytest.mark.parametrize("profile", sorted(GENOMES))
def test_vector_and_loop_form_give_the_same_spike_trains(profile, mode):
    genome = GENOMES[profile]()
    random = np.random.default_rng(7)
    parameters = genome.decode(genome.start() + 0.05 * random.standard_normal(genome.size))
    error = np.clip(np.cumsum(0.05 * random.standard_normal((1, 1500)), axis=1), -1.5, 1.5)
    rate = 0.3 * random.standard_normal((1, 1500))
    u_pd, u_i, spikes = respond(pack([parameters], mode), error, rate)
    network = SpikingNetwork(parameters, mode)
    for tick in range(error.shape[1]):
        network.tick(error[0, tick], rate[0, tick])
        assert network.spikes == spikes[0, 0, tick]
        # the sums of the readout may be taken in another order, the spikes are the same
        assert network.u_pd == pytest.approx(u_pd[0, 0, tick], abs=1e-9)
        assert network.u_i == pytest.approx(u_i[0, 0, tick], abs=1e-9)


def test_cell_counts_are_those_published():
    counts = {name: genome().decode(genome().start()).cells for name, genome in GENOMES.items()}
    assert counts == {"edge": 120, "paper": 160}


def test_states_are_copied_not_shared(start_network):
    network = SpikingNetwork(start_network)
    for tick in range(50):
        network.tick(0.01 * tick)
    saved = network.state.copy()
    expected = _commands(network)
    network.state.assign(saved)
    assert _commands(network) == expected
    network.reset()
    assert _commands(network) != expected


def _commands(network: SpikingNetwork) -> list[float]:
    commands = []
    for _ in range(30):
        network.tick(0.2)
        commands.append(network.u_pd + network.u_i)
    return commands


def test_a_state_of_another_size_is_refused(start_network):
    with pytest.raises(ValueError, match="broadcast"):
        SpikingNetwork(start_network).state.assign(NetworkState.zeros(4, 4))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"threshold": np.array([0.01, 1, 1, 1])}, r"threshold must lie in \[0.05, 10.0\].* 0.01"),
        ({"trace_decay": np.array([0, 0, 1.5, 1])}, "trace_decay.* 1.5"),
        ({"own_weight": np.array([1.0, np.nan, 1, 1])}, "own_weight holds nan"),
        ({"own_weight": np.ones(3)}, r"own_weight has shape \(3,\), not \(4,\)"),
        ({"source": np.array([0, 1, 0, 2])}, r"source must lie in \[0, 2\)"),
        ({"source": np.array([0, 1, 0, 0])}, "source must give each hidden pair one encoder pair"),
        ({"fast": 9}, r"fast must lie in \[0, 4\], is 9"),
    ],
)
def test_wrong_parameters_are_named(changes, text):
    with pytest.raises(NetworkError, match=text):
        one_pair(**changes)


def test_every_problem_is_reported_at_once():
    with pytest.raises(NetworkError, match=r"synapse_decay.*; readout_weight"):
        one_pair(synapse_decay=-np.ones(4), readout_weight=9.0 * np.ones(4))


def test_unknown_threshold_rule_is_refused(start_network):
    with pytest.raises(NetworkError, match="iwta_mode.*'other'"):
        SpikingNetwork(start_network, "other")


def test_legacy_rule_counts_own_spikes_and_decays_twice():
    parameters = replace(one_pair(), trace_decay=np.array([0.0, 0.0, 0.5, 0.5]))
    network = SpikingNetwork(parameters, LEGACY_IWTA)
    network.state.trace[2] = 1.0
    network.state.spikes[2] = 1.0
    network.tick(0.6)  # the + encoder cell is driven by 1.1 and fires
    assert network.state.trace[2] == 0.5**2 * 1.0 + 0.5 * 1.0 + 1.0
