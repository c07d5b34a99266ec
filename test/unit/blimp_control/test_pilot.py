"""Modes, and altitude first: without velocities the motors get what they always got."""

import math
from dataclasses import replace

import pytest
from support.vertical_flight import VerticalFlight

from snn_ros.blimp_control import BlimpController, BlimpPilot, BlimpSupervisor
from snn_ros.blimp_control.freshness import OFF as STATE_OFF
from snn_ros.blimp_control.freshness import RUNNING
from snn_ros.blimp_control.heads import SURGE, YAW, Head
from snn_ros.blimp_control.motors import pwm_duty
from snn_ros.blimp_control.pilot import ALTITUDE, FULL, LAND, OFF
from snn_ros.blimp_control.planar_motion import PlanarConfig, PlanarMotion


class Piloted:
    """A pilot as the vertical flight knows it; it is told ``wish`` (None: silent), and stands."""

    def __init__(self, pilot):
        self.pilot, self.wish, self.outputs = pilot, None, []
        self.add_range = pilot.supervisor.add_range

    def tick(self, now):
        planar = self.pilot.planar
        planar.add_attitude(0.0, 0.0, 0.0, now)
        planar.add_speed(0.0, now)
        if self.wish is not None:
            planar.set_velocity(*self.wish, now)
        self.outputs.append(self.pilot.tick(now))
        control = self.outputs[-1].control
        # The string lets only the altitude's part of the thrust move the blimp.
        if self.outputs[-1].planar.active:
            tilt = 0.0 if control.command >= 0.0 else math.pi
            return replace(control, thrust_left=pwm_duty(control.command), tilt=tilt)
        return control


class PilotedFlight(VerticalFlight):
    """The vertical flight with a pilot between its sensor and its motors."""

    def __init__(self, pilot, **world):
        self.piloted = Piloted(pilot)
        super().__init__(self.piloted, **world)

    def fly(self, seconds):
        """As the motors get it."""
        first = len(self.piloted.outputs)
        super().fly(seconds)
        return [output.control for output in self.piloted.outputs[first:]]


@pytest.fixture
def make_pilot(edge_network):
    def make(mode=FULL, controller="snn"):
        heads = (Head.from_weights(axis, controller) for axis in (YAW, SURGE))
        planar = PlanarMotion(*heads, PlanarConfig())
        return BlimpPilot(BlimpSupervisor(BlimpController(edge_network)), planar, mode)

    return make


def airborne(pilot, seconds=10.0, **world):
    flight = PilotedFlight(pilot, **world)
    pilot.activate(flight.clock)
    flight.fly(seconds)
    assert pilot.supervisor.state == RUNNING
    return flight


def climb_and_sink(supervisor, flight):
    """Everything the altitude path does: start, steps up and down, a lost sensor, and back."""
    flight.fly(5.0)
    supervisor.set_setpoint(1.5, flight.clock)
    flight.fly(10.0)
    supervisor.set_setpoint(0.7, flight.clock)
    flight.fly(10.0)
    healthy, flight.sensor = flight.sensor, lambda _now, _altitude: None
    flight.fly(6.0)
    flight.sensor = healthy
    flight.fly(8.0)
    return [repr(output) for output in flight.log]  # as text, where NaN equals NaN


@pytest.mark.parametrize("mode", [ALTITUDE, FULL])
def test_without_velocities_the_altitude_path_is_unchanged_bit_for_bit(
    make_pilot, edge_network, mode
):
    alone = VerticalFlight(BlimpSupervisor(BlimpController(edge_network)), buoyancy=-0.05)
    alone.supervisor.activate(alone.clock)
    pilot = make_pilot(mode)
    piloted = PilotedFlight(pilot, buoyancy=-0.05)
    pilot.activate(piloted.clock)
    expected = climb_and_sink(alone.supervisor, alone)
    assert climb_and_sink(pilot.supervisor, piloted) == expected


def test_velocities_mean_nothing_in_mode_altitude(make_pilot):
    flight = airborne(make_pilot(ALTITUDE))
    flight.piloted.wish = (0.4, 0.3)
    outputs = flight.fly(3.0)
    assert all(o.thrust_left == o.thrust_right and o.tilt in (0.0, math.pi) for o in outputs)


@pytest.mark.parametrize("yaw_rate", [-0.3, 0.3])
def test_full_pushes_forward_turns_and_lifts_as_the_altitude_asks(make_pilot, yaw_rate):
    flight = airborne(make_pilot(), buoyancy=-0.08)
    flight.piloted.wish = (0.4, yaw_rate)
    flight.fly(3.0)
    thrusters = flight.piloted.pilot.planar.config.thrusters
    for output in flight.piloted.outputs[-10:]:
        control = output.control
        left, right = thrusters.force(control.thrust_left), thrusters.force(control.thrust_right)
        assert 0.0 < control.tilt < math.pi
        assert (right - left) * yaw_rate > 0.0
        lift = math.copysign(2.0 * thrusters.force(pwm_duty(control.command)), control.command)
        assert (left + right) * math.cos(control.tilt) == pytest.approx(lift, abs=1e-6)


def test_a_stale_velocity_gives_the_motors_back_to_the_altitude(make_pilot):
    flight = airborne(make_pilot())
    flight.piloted.wish = (0.4, 0.2)
    flight.fly(2.0)
    flight.piloted.wish = None
    outputs = flight.fly(2.0)
    assert outputs[3].tilt not in (0.0, math.pi)
    assert all(o.thrust_left == o.thrust_right and o.tilt in (0.0, math.pi) for o in outputs[10:])
    assert {o.state for o in outputs} == {RUNNING}


def test_a_lost_altitude_stops_surge_and_yaw_at_once(make_pilot):
    flight = airborne(make_pilot())
    flight.piloted.wish = (0.4, 0.2)
    flight.fly(2.0)
    flight.sensor = lambda _now, _altitude: None
    flight.fly(1.0)
    assert not flight.piloted.outputs[-1].planar.active
    assert flight.piloted.outputs[-1].control.tilt in (0.0, math.pi)


def test_landing_ends_with_the_motors_off(make_pilot):
    pilot = make_pilot()
    flight = airborne(pilot)
    assert pilot.set_mode(LAND, flight.clock) is None
    assert "landing" in pilot.supervisor.set_setpoint(2.0, flight.clock)
    before = flight.altitude
    flight.fly(2.0)
    assert 0.0 < before - flight.altitude < 0.6  # slowly
    flight.fly(20.0)
    assert pilot.mode == OFF
    assert flight.log[-1].state == STATE_OFF
    assert flight.log[-1].thrust_left == flight.log[-1].thrust_right == 0.0
    assert flight.touchdown_speed <= 0.3


def test_a_landing_can_be_called_off(make_pilot):
    pilot = make_pilot()
    flight = airborne(pilot)
    pilot.set_mode(LAND, flight.clock)
    flight.fly(2.0)
    pilot.set_mode(ALTITUDE, flight.clock)
    assert pilot.supervisor.set_setpoint(1.0, flight.clock) is None
    flight.fly(20.0)
    assert abs(flight.altitude - 1.0) < 0.05


def test_off_and_back(make_pilot):
    pilot = make_pilot()
    flight = airborne(pilot)
    assert pilot.set_mode(OFF, flight.clock) is None
    flight.fly(1.5)
    assert flight.log[-1].thrust_left == 0.0
    assert "off" in pilot.set_mode(LAND, flight.clock)
    assert pilot.set_mode(FULL, flight.clock) is None
    flight.fly(3.0)
    assert flight.log[-1].state == RUNNING


def test_an_unknown_mode_is_named_and_changes_nothing(make_pilot):
    pilot = make_pilot()
    flight = airborne(pilot)
    assert "'hover'" in pilot.set_mode("hover", flight.clock)
    assert pilot.mode == FULL


def test_spikes_of_all_networks_that_flew_are_reported(make_pilot):
    pilot = make_pilot()
    flight = airborne(pilot)
    altitude = pilot.spike_activity()
    assert [layer.name for layer in altitude.layers] == ["encoder", "fast", "slow"]
    flight.piloted.wish = (0.4, 0.2)
    flight.fly(1.0)
    together = pilot.spike_activity()
    names = [layer.name for layer in together.layers]
    assert names[3:] == ["yaw encoder", "yaw hidden", "surge encoder", "surge hidden"]
    assert {layer.neuron_steps for layer in together.layers[3:]} == {32 * 10}
    assert sum(layer.spikes for layer in together.layers[5:]) > 0
    # Each encoder spike is heard by two cells, each hidden spike by the readout.
    heads = together.layers[3:]
    additions = sum(2 * e.spikes + h.spikes for e, h in zip(heads[::2], heads[1::2], strict=True))
    assert together.synaptic_operations > additions > 0
