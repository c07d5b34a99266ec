"""The blimp in flight over DDS: every fault ends in its stated state, and nothing gets hurt.

Simulation, controller and motor watchdog are processes; times of states are those of the page
docs/blimp_control.md plus one control period.
"""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from snn_ros.blimp_control.flight_scores import rms
from snn_ros.nodes.flight_recorder import fly

PERIOD = 0.1
TICK = PERIOD + 1e-6
GENTLE = 0.3  # m/s at which the floor may be touched
EXCURSION = 0.5  # m before the stated state is entered
FAULT = 30.0  # s, when every fault scenario begins


@pytest.fixture
def flight(tmp_path):
    """Fly a scenario and check what must hold in every flight."""

    def flown(scenario, during=None, pace="0.0", **arguments):
        output = (tmp_path / "launch.log").open("w+")
        log = fly(
            {"scenario": scenario, "pace": pace, **arguments},
            timeout=110,
            output=output,
            during=during,
        )
        for time, surface, speed in log.contacts:
            assert surface == "floor", (time, surface)
            assert speed <= GENTLE, (time, speed)
        return log

    return flown


def seconds(message):
    """Stamp of a message."""
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def first(log, state, after):
    """When a state is first seen after a time."""
    times = [t for t, s in zip(log.time, log.states, strict=True) if t >= after and s == state]
    assert times, f"never {state} after {after} s: {sorted(set(log.states))}"
    return times[0]


def excursion(log, begin, end):
    """Largest distance from the altitude at the beginning, in m."""
    time, altitude = log.path.T
    altitude = altitude[(time >= begin - TICK / 2) & (time <= end + TICK / 2)]
    return float(np.abs(altitude - altitude[0]).max())


@pytest.mark.parametrize(
    ("scenario", "duration"), [("blimp_range_silent", 5.0), ("blimp_range_nan", 2.0)]
)
def test_lost_altitude_holds_degrades_fails_safe_and_comes_back(flight, scenario, duration):
    log = flight(scenario)
    last_reading = FAULT - PERIOD
    assert first(log, "hold", FAULT) - last_reading <= 0.15 + TICK
    degraded = first(log, "degraded", FAULT)
    assert degraded - last_reading <= 0.5 + TICK
    assert excursion(log, FAULT, degraded) <= EXCURSION
    if duration > 2.0:
        assert first(log, "failsafe", FAULT) - last_reading <= 2.0 + TICK
    assert first(log, "running", FAULT + duration) <= FAULT + duration + 1.0 + 6 * TICK
    assert log.states[-1] == "running"
    assert rms(log.values["setpoint"][-100:] - log.true_altitude[-100:]) < 0.15


def test_outliers_are_not_followed(flight):
    log = flight("blimp_range_outlier")
    # A rejected reading is no reading, so half a second of clutter holds, then degrades.
    assert set(log.states[50:]) <= {"running", "hold", "degraded"}
    assert log.states[-1] == "running"
    assert excursion(log, FAULT, FAULT + 10.0) <= 0.2


def test_a_frozen_sensor_moves_nothing_far(flight):
    log = flight("blimp_range_frozen")
    assert log.states[-1] == "running"
    assert excursion(log, FAULT, FAULT + 3.0) <= EXCURSION


def test_a_clock_that_goes_back_starts_the_controller_anew(flight):
    log = flight("blimp_clock_back")
    jump = int(np.flatnonzero(np.diff(log.time) < 0)[0]) + 1
    assert "starting" in log.states[jump : jump + 2]
    restarted = jump + log.states[jump:].index("running")
    assert restarted - jump <= 16  # five samples and one second
    altitude = log.true_altitude[jump - 1 : restarted + 1]
    assert np.abs(altitude - altitude[0]).max() <= EXCURSION
    assert log.states[-1] == "running"


def test_a_silent_setpoint_is_kept(flight):
    log = flight("blimp_setpoint_silent")
    assert set(log.states[50:]) == {"running"}
    assert excursion(log, FAULT, 59.0) <= 0.2


def test_saturation_for_20_s_winds_nothing_up(flight):
    log, reference = (flight("blimp_saturation", controller=c) for c in ("snn", "pid"))
    assert log.values["u"][(log.time > 25.0) & (log.time < 40.0)].max() == pytest.approx(10.0)
    (at_release,) = log.values["u_i"][np.isclose(log.time, 41.0)]
    assert abs(at_release) < 1.0
    overshoot, allowed = ((f.path[f.path[:, 0] > 41.0, 1] - 1.7).max() for f in (log, reference))
    assert overshoot <= allowed + 0.02
    assert abs(np.mean(log.true_altitude[-100:]) - 1.7) < 0.05


def test_a_killed_controller_stops_the_motors_and_is_back_in_flight(flight):
    killed = {}

    def kill(session, recorder):
        if not killed and recorder.odometry and recorder.odometry[-1].header.stamp.sec >= 12:
            (victim,) = (p for p in session.processes if p.label == "blimp_control")
            killed["time"] = seconds(recorder.odometry[-1])
            killed["commands"] = recorder.applied
            os.kill(victim.pid, signal.SIGKILL)

    log = flight("blimp_quick", during=kill, pace="1.0")
    time = killed["time"]
    after = [c for c in killed["commands"] if seconds(c) > time + 2 * TICK]
    assert after[0].thrust_left == after[0].thrust_right == 0.0
    assert seconds(after[0]) - time <= 0.3 + 2 * TICK
    assert excursion(log, time, seconds(after[0])) <= EXCURSION
    assert first(log, "running", time + 0.5) - time <= 15.0
    assert log.states[-1] == "running"
    assert rms(log.values["setpoint"][-50:] - log.true_altitude[-50:]) < 0.15


def test_wrong_weights_keep_the_motors_off_and_are_named(probe, start_node, tmp_path):
    weights = tmp_path / "other.safetensors"
    weights.write_bytes(Path(__file__).read_bytes())
    node = start_node("blimp_control_node", "--ros-args", "-p", f"weights:={weights}")
    probe.wait(lambda: str(tmp_path) in probe.health("/blimp_control").get("message", ""))
    assert probe.health("/blimp_control")["level"] == "2"
    assert probe.state("/blimp_control") == "unconfigured"
    assert "Traceback" not in node.output
