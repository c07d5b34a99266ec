"""The network in integers: close to the floating-point one, symmetric, within its ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.blimp_control import BlimpController, ControllerConfig, weights
from snn_ros.blimp_control.fitness import error_rates, small_errors
from snn_ros.blimp_control.fixed_point import (
    FixedPointNetwork,
    decayed,
    divided,
    even_weights,
    layer_scale,
    quantised,
)
from snn_ros.blimp_control.flight_scores import moving_means, rms
from snn_ros.blimp_control.model import SpikingNetwork
from snn_ros.blimp_control.parameters import NetworkError
from snn_ros.configuration import ConfigurationError


def commands(network, error, rate):
    u = np.empty((error.size, 2))
    for tick, (e, de) in enumerate(zip(error, rate, strict=True)):
        network.tick(e, de)
        u[tick] = network.u_pd, network.u_i
    return u.T


@pytest.fixture(scope="module")
def profile():
    """Small errors with a large step and a release, 120 s."""
    error = small_errors(np.random.default_rng(5), 1, 1200)
    error[0, 400:430] += np.linspace(1.0, 0.0, 30)
    error[0, 800:830] -= np.linspace(0.7, 0.0, 30)
    return error[0], error_rates(error)[0]


@pytest.fixture(scope="module", params=["edge", "paper"])
def shipped_network(request):
    return weights.load(weights.default_path(request.param), request.param)[0]


def test_windowed_commands_agree_with_floating_point(shipped_network, profile):
    floating = commands(SpikingNetwork(shipped_network), *profile)
    integer = commands(FixedPointNetwork(shipped_network), *profile)
    difference = moving_means(integer) - moving_means(floating)
    assert np.abs(difference).max() < 0.3
    assert np.abs(difference.sum(axis=0)).max() < 0.3


def test_it_flies_as_well(make_flight, shipped_network):
    errors = []
    for backend in ("numpy", "int32"):
        flight = make_flight(hover=5.0, altitude=0.5)
        flight.supervisor.controller = BlimpController(
            shipped_network, ControllerConfig(backend=backend)
        )
        for setpoint in (1.5, 0.5, 1.0, 0.5):
            flight.supervisor.set_setpoint(setpoint, flight.clock)
            flight.fly(40.0)
        error = [o.error for o in flight.log[50:]]
        errors.append(rms(np.array(error)))
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


@pytest.mark.parametrize("profile_name", ["edge", "paper"])
def test_the_back_end_is_a_setting(profile_name):
    for backend, form in (("numpy", SpikingNetwork), ("int32", FixedPointNetwork)):
        config = ControllerConfig(backend=backend)
        assert type(BlimpController.from_config(profile_name, config=config).network) is form


def test_integers_run_one_threshold_rule_only(edge_network):
    with pytest.raises(ConfigurationError, match="iwta_mode = 'legacy': backend 'int32' runs 'pa"):
        BlimpController(edge_network, ControllerConfig(backend="int32", iwta_mode="legacy"))


def test_runs_are_bit_exact_and_in_steps_of_the_output(edge_network, profile):
    one, two = (commands(FixedPointNetwork(edge_network), *profile) for _ in range(2))
    assert (one == two).all()
    assert (one * 1024 == np.rint(one * 1024)).all()


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_it_is_mirror_symmetric_to_the_last_bit(edge_network, profile, reset):
    error, rate = profile
    one = commands(FixedPointNetwork(edge_network, reset), error, rate)
    other = commands(FixedPointNetwork(edge_network, reset), -error, -rate)
    assert (one == -other).all()


def test_weights_are_even_and_states_fit_32_bits(edge_network, profile):
    network = FixedPointNetwork(edge_network)
    commands(network, *profile)
    own = even_weights(edge_network.own_weight, layer_scale(edge_network.own_weight))
    assert own.min() >= -256
    assert own.max() <= 254
    assert not (own % 2).any()
    for name in ("encoder_membrane", "current", "membrane", "trace", "readout"):
        assert np.abs(getattr(network.state, name)).max() < 2**31


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 4096))
def test_decay_rounds_symmetrically_and_never_grows(value, kept):
    up, down = decayed(np.array([value]), kept)[0], decayed(np.array([-value]), kept)[0]
    assert up == -down
    assert abs(up) <= abs(value)
    assert abs(up - value * kept / 4096) <= 0.5


def test_division_rounds_half_away_from_zero():
    assert divided(np.array([-3, -2, -1, 0, 1, 2, 3]), 2).tolist() == [-2, -1, -1, 0, 1, 1, 2]


def test_hard_reset_differs_and_an_unknown_one_is_refused(edge_network, profile):
    soft = commands(FixedPointNetwork(edge_network), *profile)
    hard = commands(FixedPointNetwork(edge_network, "hard"), *profile)
    assert not (soft == hard).all()
    with pytest.raises(NetworkError, match="'other'"):
        FixedPointNetwork(edge_network, "other")


def test_a_quantised_network_loses_nothing_more_in_integers(start_network, profile):
    rounded = quantised(start_network)
    floating = moving_means(commands(SpikingNetwork(rounded), *profile))
    integer = moving_means(commands(FixedPointNetwork(rounded), *profile))
    assert np.abs(integer - floating).max() < 0.1
    again = quantised(rounded)
    for name, array in rounded.arrays().items():
        np.testing.assert_allclose(getattr(again, name), array, rtol=1e-12)
