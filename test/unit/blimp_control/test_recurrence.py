"""Recurrent hidden cells and sub-ticks: by hand, in every form of the network, mirror symmetric."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.blimp_control import BlimpController
from snn_ros.blimp_control.fixed_point import FixedPointNetwork, quantised
from snn_ros.blimp_control.model import LEGACY_IWTA, PAPER_IWTA, SpikingNetwork
from snn_ros.blimp_control.parameters import NetworkError
from snn_ros.blimp_control.published_genome import VARIANTS, published_genome
from snn_ros.blimp_control.simulator import pack, respond

FORMS = (SpikingNetwork, FixedPointNetwork)


def random_recurrence(network, wiring, seed=0):
    """Weights in steps of 1/64, so that their sums are exact in whatever order."""
    width = 2 if wiring == "blocks" else network.threshold.size
    steps = np.random.default_rng(seed).integers(-20, 21, (network.threshold.size, width))
    return replace(network, recurrent_weight=steps / 64.0)


def commands(network, errors):
    rows = []
    for error in errors:
        network.tick(error, 0.1)
        rows.append((network.u_pd, network.u_i, network.spikes))
    return rows


ERRORS = np.clip(np.cumsum(np.random.default_rng(1).normal(0.0, 0.06, 400)), -1.5, 1.5)


def test_a_spike_is_heard_one_tick_later(start_network):
    network = SpikingNetwork(random_recurrence(start_network, "full"))
    parameters, state = network.parameters, network.state
    commands(network, [0.3, 0.3, 0.3])
    fired, decayed = state.spikes.copy(), parameters.synapse_decay * state.current
    state.encoder_membrane[:] = -4.0  # nothing arrives from the encoder
    network.tick(0.0)
    assert fired.any()
    assert not state.encoder_spikes.any()
    heard = parameters.recurrent_weight @ fired
    np.testing.assert_allclose(state.current, decayed + heard, atol=1e-12)


def test_a_pair_hears_its_own_two_cells(start_network):
    blocks = random_recurrence(start_network, "blocks")
    matrix = blocks.recurrent_matrix()
    assert (matrix[6, 6], matrix[6, 7]) == tuple(blocks.recurrent_weight[6])
    assert (matrix[7, 6], matrix[7, 7]) == tuple(blocks.recurrent_weight[7])
    assert np.count_nonzero(matrix) == np.count_nonzero(blocks.recurrent_weight)


@pytest.mark.parametrize("form", FORMS)
def test_blocks_are_a_full_matrix_of_blocks_and_zeros_are_no_recurrence(start_network, form):
    blocks = random_recurrence(start_network, "blocks")
    full = replace(blocks, recurrent_weight=blocks.recurrent_matrix())
    assert (blocks.recurrence, full.recurrence) == ("blocks", "full")
    assert commands(form(blocks), ERRORS) == commands(form(full), ERRORS)
    none = commands(form(start_network), ERRORS)
    assert commands(form(blocks), ERRORS) != none
    silent = replace(start_network, recurrent_weight=np.zeros((start_network.threshold.size, 2)))
    assert commands(form(silent), ERRORS) == none


@pytest.mark.parametrize("mode", [PAPER_IWTA, LEGACY_IWTA])
@pytest.mark.parametrize("wiring", ["blocks", "full"])
@pytest.mark.parametrize("sub_ticks", [1, 3])
def test_vector_and_loop_form_give_the_same_spike_trains(start_network, wiring, mode, sub_ticks):
    parameters = replace(random_recurrence(start_network, wiring), sub_ticks=sub_ticks)
    rate = np.full((1, ERRORS.size), 0.1)
    looped = respond(pack([parameters], mode), ERRORS[None], rate)
    stepped = np.array(commands(SpikingNetwork(parameters, mode), ERRORS))
    np.testing.assert_array_equal(stepped[:, 2], looped.spikes[0, 0])
    np.testing.assert_allclose(stepped[:, 0], looped.u_pd[0, 0], atol=1e-9)
    np.testing.assert_allclose(stepped[:, 1], looped.u_i[0, 0], atol=1e-9)


WIRINGS = st.sampled_from(["blocks", "full"])


@given(WIRINGS, st.integers(0, 50), st.sampled_from([1, 2]))
@settings(max_examples=10, deadline=None)
def test_exchanged_cells_give_the_same_answers(start_network, wiring, seed, sub_ticks):
    one = replace(random_recurrence(start_network, wiring, seed), sub_ticks=sub_ticks)
    other = one.mirrored()
    assert (other.mirrored().recurrent_weight == one.recurrent_weight).all()
    for form in FORMS:
        left, right = form(one), form(other)
        for error in ERRORS[:60]:
            left.tick(error, 0.2)
            right.tick(error, 0.2)
            swapped = right.state.spikes.reshape(-1, 2)[:, ::-1].ravel()
            assert (left.state.spikes == swapped).all()
        assert left.u_pd == pytest.approx(right.u_pd, abs=1e-9)


@given(WIRINGS, st.integers(0, 50), st.sampled_from([PAPER_IWTA, LEGACY_IWTA]))
@settings(max_examples=10, deadline=None)
def test_symmetric_recurrence_answers_opposite_errors_with_opposite_commands(
    start_network, wiring, seed, mode
):
    network = random_recurrence(start_network, wiring, seed)
    weight = 0.5 * (network.recurrent_weight + network.mirrored().recurrent_weight)
    network = replace(network, recurrent_weight=weight)
    for make in (lambda: SpikingNetwork(network, mode), lambda: FixedPointNetwork(network)):
        one, other = make(), make()
        for error in ERRORS[:60]:
            one.tick(error, 0.2 * error)
            other.tick(-error, -0.2 * error)
            assert one.u_pd == pytest.approx(-other.u_pd, abs=1e-9)
            assert one.u_i == pytest.approx(-other.u_i, abs=1e-9)


def test_quantised_recurrence_is_what_the_integers_hold(start_network):
    network = replace(start_network, recurrent_weight=np.full((80, 2), 0.377), sub_ticks=2)
    rounded = quantised(network)
    assert np.abs(rounded.recurrent_weight - 0.377).max() < 2.0 / 254.0
    np.testing.assert_allclose(
        quantised(rounded).recurrent_weight, rounded.recurrent_weight, rtol=1e-12
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_output_is_the_mean_over_the_sub_ticks(start_network, form):
    single = commands(form(start_network), np.repeat(ERRORS, 4))
    held = commands(form(replace(start_network, sub_ticks=4)), ERRORS)
    u_pd, u_i, spikes = (column.reshape(-1, 4) for column in np.array(single).T)
    found = np.array(held).T
    tolerance = 1e-12 if form is SpikingNetwork else 1.0 / 1024.0  # commands are rounded to Q5.10
    np.testing.assert_allclose(found[0], u_pd.mean(axis=1), atol=tolerance)
    np.testing.assert_allclose(found[1], u_i.mean(axis=1), atol=tolerance)
    np.testing.assert_array_equal(found[2], spikes.sum(axis=1))


def test_sub_ticks_are_no_excess_of_spikes_to_the_shadow(edge_network):
    """The spike rate that may dismiss the network counts per cell and tick of the network."""
    controller = BlimpController(replace(edge_network, sub_ticks=8))
    for tick in range(80):
        step = controller.step(0.02, 0.1 * tick)
    assert step.spikes > 0.6 * edge_network.cells
    assert "spike" not in (step.fault or "")


@pytest.mark.parametrize("form", FORMS)
def test_a_saved_state_goes_on_alike_with_recurrence_and_sub_ticks(start_network, form):
    parameters = replace(random_recurrence(start_network, "blocks"), sub_ticks=2)
    network, other = form(parameters), form(parameters)
    commands(network, ERRORS[:100])
    other.state.assign(network.state)
    assert (other.u_pd, other.u_i) == (network.u_pd, network.u_i)
    assert commands(other, ERRORS[100:150]) == commands(network, ERRORS[100:150])
    other.reset_integral()
    assert other.u_i == 0.0
    other.restore_integral(network.state)
    assert other.u_i == network.u_i


def test_recurrent_spikes_are_synaptic_operations(edge_network):
    weight = np.zeros((edge_network.threshold.size, 2))
    weight[6:8] = 0.5
    controller = BlimpController(replace(edge_network, recurrent_weight=weight))
    controller.network._hidden_counts[6] = 1.0
    assert controller.spike_activity().synaptic_operations == 1 + 2  # the readout and the pair


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_network_knows_its_variant(variant):
    genome = published_genome(variant)
    vector = np.random.default_rng(2).uniform(0.2, 0.8, genome.size)
    assert genome.decode(vector).variant == variant


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"recurrent_weight": np.zeros((80, 3))},
            r"recurrent_weight has shape \(80, 3\), not \(80, 2\) or \(80, 80\)",
        ),
        (
            {"recurrent_weight": np.full((80, 2), 1.5)},
            r"recurrent_weight must lie in \[-1.0, 1.0\], holds 1.5",
        ),
        ({"recurrent_weight": np.full((80, 2), np.nan)}, "recurrent_weight holds nan"),
        ({"sub_ticks": 0}, r"sub_ticks must be an integer in \[1, 20\], is 0"),
        ({"sub_ticks": 21}, "sub_ticks .* is 21"),
        ({"sub_ticks": 2.0}, "sub_ticks .* is 2.0"),
        ({"sub_ticks": True}, "sub_ticks .* is True"),
    ],
)
def test_wrong_recurrence_and_sub_ticks_are_named(start_network, changes, text):
    with pytest.raises(NetworkError, match=text):
        replace(start_network, **changes)
