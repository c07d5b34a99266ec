"""Flights with the published network: rules of activation, and every fault with its end state."""

import math

import numpy as np
import pytest
from support.vertical_flight import centimetres

from snn_ros.blimp_control import BlimpController, BlimpSupervisor, SupervisorConfig
from snn_ros.blimp_control.freshness import (
    DEGRADED,
    FAILSAFE,
    HOLD,
    OFF,
    RUNNING,
    STARTING,
    FreshnessConfig,
)
from snn_ros.blimp_control.plant import PLANT_B, ballast_acceleration
from snn_ros.blimp_control.safety import OutputLimits
from snn_ros.configuration import ConfigurationError

CEILING = 3.0  # m


def silent(_now, _altitude):
    return None


def entered(outputs, state):
    """Seconds from the beginning of the outputs to the first one in a state."""
    return next(0.1 * i for i, output in enumerate(outputs) if output.state == state)


def excursion(flight, since):
    """Largest distance from the altitude at a moment, m."""
    altitudes = np.array(flight.altitudes[since:])
    return np.abs(altitudes - altitudes[0]).max()


def assert_room_is_respected(flight):
    assert max(flight.altitudes) < CEILING
    assert flight.touchdown_speed <= 0.3


def test_it_starts_on_the_altitude_it_has(make_flight):
    flight = make_flight(hover=0.0, altitude=1.3)
    outputs = flight.fly(20.0)
    assert outputs[0].state == STARTING
    assert math.isnan(outputs[0].setpoint)
    started = next(o for o in outputs if not math.isnan(o.setpoint))
    assert started.setpoint == pytest.approx(1.3, abs=0.011)
    assert outputs[-1].state == RUNNING
    assert abs(flight.altitude - 1.3) < 0.03


def test_output_rises_over_a_second(make_flight):
    flight = make_flight(hover=0.0, buoyancy=-0.1)
    flight.supervisor.set_setpoint(1.8, flight.clock)
    outputs = flight.fly(1.4)
    ramp = [o.command for o in outputs]
    assert max(ramp[:3]) < 3.0
    assert max(np.diff(ramp)) <= 2.0 + 1e-9
    assert outputs[-1].step.u > 5.0


def test_a_new_setpoint_is_reached_and_held(make_flight):
    flight = make_flight()
    assert flight.supervisor.set_setpoint(1.5, flight.clock) is None
    flight.fly(40.0)
    assert abs(np.mean(flight.altitudes[-1000:]) - 1.5) < 0.03


@pytest.mark.parametrize("setpoint", [math.nan, math.inf, 0.05, 3.5])
def test_bad_setpoints_are_refused_and_change_nothing(make_flight, setpoint):
    flight = make_flight(hover=3.0)
    assert str(setpoint) in flight.supervisor.set_setpoint(setpoint, flight.clock)
    assert flight.fly(0.5)[-1].setpoint == pytest.approx(1.0, abs=0.02)


def test_a_setpoint_before_activation_is_refused(edge_network):
    supervisor = BlimpSupervisor(BlimpController(edge_network))
    assert "while not active" in supervisor.set_setpoint(1.0, 0.0)


def test_silent_sensor_walks_through_the_states_in_time(make_flight):
    flight = make_flight(buoyancy=-0.05)
    since = len(flight.altitudes)
    flight.sensor = silent
    outputs = flight.fly(8.0)
    assert entered(outputs, HOLD) == pytest.approx(0.2, abs=0.11)
    assert entered(outputs, DEGRADED) == pytest.approx(0.6, abs=0.11)
    assert entered(outputs, FAILSAFE) == pytest.approx(2.1, abs=0.11)
    assert entered(outputs, OFF) == pytest.approx(5.1, abs=0.11)
    assert outputs[-1].thrust_left == outputs[-1].thrust_right == 0.0
    before_failsafe = since + int(entered(outputs, FAILSAFE) * 100)
    drift = np.abs(np.array(flight.altitudes[since:before_failsafe]) - flight.altitudes[since])
    assert drift.max() <= 0.5
    assert_room_is_respected(flight)


def test_integral_is_frozen_while_the_altitude_is_old(make_flight):
    flight = make_flight(buoyancy=-0.05)
    flight.sensor = silent
    outputs = flight.fly(1.9)
    held = [o.step.u_i for o in outputs if o.state in (HOLD, DEGRADED)]
    assert len(held) > 10
    assert len(set(held)) == 1


def test_a_sensor_that_comes_back_makes_it_start_anew(make_flight):
    flight = make_flight()
    flight.sensor = silent
    flight.fly(7.0)
    flight.sensor = centimetres
    here = flight.altitude
    outputs = flight.fly(15.0)
    assert entered(outputs, STARTING) <= 0.3
    assert outputs[-1].state == RUNNING
    assert outputs[-1].setpoint == pytest.approx(here, abs=0.03)


def test_a_short_dropout_costs_little(make_flight):
    flight = make_flight(buoyancy=-0.05, hover=40.0)
    since = len(flight.altitudes)
    flight.sensor = silent
    flight.fly(2.0)
    flight.sensor = centimetres
    outputs = flight.fly(20.0)
    assert outputs[-1].state == RUNNING
    assert excursion(flight, since) < 0.25


def test_nan_is_as_if_silent(make_flight):
    flight = make_flight()
    flight.sensor = lambda *_: math.nan
    outputs = flight.fly(6.0)
    assert outputs[-1].state == OFF
    assert all(math.isfinite(o.command) for o in outputs)
    assert "range is nan" in flight.rejections[0]


def test_outliers_are_ignored(make_flight):
    flight = make_flight(hover=30.0)
    since = len(flight.altitudes)
    random = np.random.default_rng(0)
    flight.sensor = lambda _now, altitude: altitude + (0.7 if random.random() < 0.1 else 0.0)
    outputs = flight.fly(20.0)
    assert {o.state for o in outputs} == {RUNNING}
    assert excursion(flight, since) < 0.1
    assert any("altitude jumps" in reason for reason in flight.rejections)


def test_a_frozen_sensor_is_survived(make_flight):
    flight = make_flight(buoyancy=-0.05, hover=40.0)
    since, frozen = len(flight.altitudes), round(flight.altitude, 2)
    flight.sensor = lambda *_: frozen
    flight.fly(5.0)
    flight.sensor = centimetres
    flight.fly(30.0)
    assert excursion(flight, since) < 0.5
    assert abs(np.mean(flight.altitudes[-500:]) - 1.0) < 0.03


def test_a_clock_five_seconds_back_starts_anew_and_keeps_the_setpoint(make_flight):
    flight = make_flight(hover=30.0)
    since = len(flight.altitudes)
    flight.clock_offset = -5.0
    outputs = flight.fly(15.0)
    assert outputs[0].state == STARTING
    assert entered(outputs, RUNNING) <= 2.0
    assert outputs[-1].setpoint == pytest.approx(1.0, abs=0.02)
    assert excursion(flight, since) < 0.3


def test_duplicate_times_do_no_harm(make_flight):
    flight = make_flight()
    first = flight.supervisor.tick(flight.clock)
    second = flight.supervisor.tick(flight.clock)
    assert math.isfinite(first.command + second.command)
    assert flight.fly(2.0)[-1].state == RUNNING


def test_a_setpoint_that_falls_silent_is_replaced_by_the_altitude(make_flight):
    flight = make_flight(config=SupervisorConfig(setpoint_timeout=5.0))
    flight.supervisor.set_setpoint(1.6, flight.clock)
    flight.fly(4.0)
    assert flight.log[-1].setpoint == 1.6
    flight.fly(2.0)
    held = flight.log[-1].setpoint
    assert held != 1.6
    assert flight.fly(10.0)[-1].setpoint == held


def test_a_latched_setpoint_lasts_by_default(make_flight):
    flight = make_flight()
    flight.supervisor.set_setpoint(1.6, flight.clock)
    assert flight.fly(100.0)[-1].setpoint == 1.6


def test_twenty_seconds_of_full_saturation_wind_nothing_up(make_flight):
    flight = make_flight(hover=30.0, altitude=0.5)
    flight.supervisor.set_setpoint(1.9, flight.clock)
    thrust, flight.plant = flight.plant, flight.plant._replace(thrust_gain=0.0)
    blocked = flight.fly(20.0)
    flight.plant = thrust
    assert min(output.command for output in blocked[10:]) > 9.3
    assert any(output.saturated for output in blocked)
    assert abs(blocked[-1].step.u_i) < 1.0
    flight.fly(30.0)
    free = make_flight(hover=30.0, altitude=0.5)
    free.supervisor.set_setpoint(1.9, free.clock)
    free.fly(30.0)
    assert max(flight.altitudes) < max(free.altitudes) + 0.05
    assert abs(np.mean(flight.altitudes[-500:]) - 1.9) < 0.05
    assert_room_is_respected(flight)


@pytest.mark.parametrize("grams", [5.0, -5.0])
def test_a_payload_in_flight_is_carried_within_forty_seconds(make_flight, grams):
    flight = make_flight(hover=30.0)
    flight.buoyancy = ballast_acceleration(grams)
    flight.fly(40.0)
    assert abs(np.mean(flight.altitudes[-300:]) - 1.0) < 0.05


@pytest.mark.parametrize("speed", [0.3, -0.3])
def test_a_gust_pulse_costs_less_than_25_centimetres(make_flight, speed):
    flight = make_flight(hover=30.0, plant=PLANT_B)
    since = len(flight.altitudes)
    flight.air_speed = speed
    flight.fly(3.0)
    flight.air_speed = 0.0
    flight.fly(15.0)
    assert excursion(flight, since) < 0.25


def test_floor_and_ceiling_are_guarded(edge_network):
    supervisor = BlimpSupervisor(BlimpController(edge_network), SupervisorConfig(h_max=2.0))
    supervisor.activate(0.0)
    now = 0.0
    for altitude, sign in ((2.1, 1.0), (0.15, -1.0)):
        supervisor.activate(now)
        outputs = []
        for _ in range(40):
            for _ in range(5):
                supervisor.add_range(altitude, now)
                now += 0.02
            supervisor.set_setpoint(1.9 if altitude < 1.0 else 0.3, now)
            outputs.append(supervisor.tick(now))
        assert outputs[-1].command * sign <= 0.0


def test_a_low_battery_lands(make_flight):
    flight = make_flight(hover=5.0, altitude=1.5)
    flight.supervisor.add_battery(3.3, flight.clock)
    assert not flight.fly(4.9)[-1].battery_low
    flight.supervisor.add_battery(3.3, flight.clock)
    outputs = flight.fly(15.0)
    assert outputs[-1].battery_low
    assert "low battery" in flight.supervisor.set_setpoint(1.5, flight.clock)
    assert flight.altitude < 0.4
    assert_room_is_respected(flight)


def test_one_low_reading_is_no_low_battery(make_flight):
    flight = make_flight(hover=5.0)
    flight.supervisor.add_battery(3.3, flight.clock)
    flight.fly(2.0)
    flight.supervisor.add_battery(3.7, flight.clock)
    assert not flight.fly(6.0)[-1].battery_low


def test_deactivation_ramps_to_zero_within_a_second(make_flight):
    flight = make_flight(hover=60.0, buoyancy=-0.1)
    assert flight.log[-1].thrust_left > 0.2
    flight.supervisor.deactivate(flight.clock)
    outputs = flight.fly(1.5)
    commands = [o.command for o in outputs]
    assert {o.state for o in outputs} == {OFF}
    assert sorted(commands, reverse=True) == commands
    assert commands[11] == 0.0
    assert commands[4] > 0.0


@pytest.mark.parametrize("save", [True, False])
def test_the_trim_survives_a_short_deactivation_if_asked_to(make_flight, save):
    flight = make_flight(hover=60.0, buoyancy=-0.1, config=SupervisorConfig(save_integral=save))
    trim = flight.log[-1].step.u_i
    flight.supervisor.deactivate(flight.clock)
    flight.fly(1.5)
    flight.supervisor.activate(flight.clock)
    kept = [o.step.u_i for o in flight.fly(1.0)][-1]
    assert trim > 1.8
    assert (kept > 0.6 * trim) == save


def test_missed_ticks_are_no_problem(make_flight):
    flight = make_flight(hover=20.0)
    now = flight.clock
    for gap in (0.05, 0.3, 0.12, 0.25):
        now += gap
        flight.supervisor.add_range(1.0, now)
        output = flight.supervisor.tick(now)
        assert output.state == RUNNING
        assert abs(output.command) < 3.0


def test_states_stay_bounded_under_noise(edge_network):
    controller = BlimpController(edge_network)
    random = np.random.default_rng(0)
    errors = 0.3 * random.standard_normal(20_000)
    for tick, error in enumerate(errors):
        step = controller.step(float(error), 0.1 * tick)
        assert abs(step.u) <= 10.0
    state = controller.get_state().network
    assert np.abs(state.trace).max() <= 0.6
    assert np.abs(state.membrane).max() <= 4.0


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (SupervisorConfig(h_min=2.0, h_max=1.0), "h_min = 2.0: must be below h_max = 1.0"),
        (SupervisorConfig(failsafe_u=math.nan), "failsafe_u = nan: must be finite"),
        (SupervisorConfig(output=OutputLimits(rate=0.0)), "output.rate = 0.0"),
        (SupervisorConfig(freshness=FreshnessConfig(hold_after=0.7)), "must rise, are 0.7"),
    ],
)
def test_wrong_rules_are_refused_by_name(edge_network, config, text):
    with pytest.raises(ConfigurationError, match=text):
        BlimpSupervisor(BlimpController(edge_network), config)
