"""A flight in control periods: readings, events and faults at their times; determinism."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.geometry.rigid import quaternion_of
from snn_ros.simulation import faults
from snn_ros.simulation.blimp_world import StartPose
from snn_ros.simulation.faults import Fault, FaultSchedule
from snn_ros.simulation.flight import MOTORS_OFF, Flight, Frame, MotorCommand
from snn_ros.simulation.scenario import BallastChange, Scenario, Sensors, Setpoint
from snn_ros.simulation.sensors.imu import ImuParameters
from snn_ros.simulation.sensors.range_finder import RangeFinderParameters

PERFECT = Sensors(
    RangeFinderParameters(noise=0.0, quantum=0.0, latency=0.0),
    ImuParameters(0.0, 0.0, 0.0, 0.0, 0.0),
)
HOVER = Scenario(
    duration=4.0,
    setpoints=(Setpoint(0.0, 1.0), Setpoint(2.0, 1.5)),
    sensors=PERFECT,
    start=StartPose(altitude=1.0),
)
CLIMB = MotorCommand(0.35, 0.35, 0.0)


def flown(scenario: Scenario, command: MotorCommand = MOTORS_OFF) -> list[Frame]:
    flight = Flight(scenario)
    frames = []
    while not flight.finished:
        frames.append(flight.advance(command))
    return frames


def test_one_frame_per_control_period() -> None:
    frames = flown(HOVER)
    assert [frame.time for frame in frames] == pytest.approx(np.arange(1, 41) * 0.1)
    assert [frame.stamp for frame in frames] == [frame.time for frame in frames]
    assert [frame.setpoint for frame in frames] == [1.0] * 19 + [1.5] * 21
    assert [frame.range for frame in frames] == pytest.approx([1.0] * 40)
    assert frames[-1].pose[2, 3] == frames[-1].altitude == pytest.approx(1.0)


def test_commands_move_the_blimp() -> None:
    frames = flown(HOVER, CLIMB)
    assert frames[-1].altitude > 1.3
    assert [frame.range for frame in frames] == pytest.approx([f.altitude for f in frames])
    assert frames[-1].velocity[2] > 0.2


@pytest.mark.parametrize("latency", [0.03, 0.1, 0.24])
def test_readings_are_as_old_as_the_latency(latency: float) -> None:
    old = RangeFinderParameters(noise=0.0, quantum=0.0, latency=latency)
    frames = flown(replace(HOVER, sensors=replace(PERFECT, range_finder=old)), CLIMB)
    times = [frame.time for frame in frames]
    altitudes = [frame.altitude for frame in frames]
    for frame in frames[10:]:
        expected = np.interp(frame.time - latency, times, altitudes)
        assert frame.range == pytest.approx(expected, abs=1e-3)


def test_ballast_is_hung_on_in_time() -> None:
    frames = flown(replace(HOVER, ballast=(BallastChange(1.0, 4.5), BallastChange(3.0, 0.0))))
    speeds = np.array([frame.velocity[2] for frame in frames])
    assert np.abs(speeds[:10]).max() < 1e-9
    acceleration = np.diff(speeds) / 0.1
    assert acceleration[10] == pytest.approx(-0.098, abs=2e-3)
    assert acceleration[30:].min() > 0.0  # neutral again, drag brakes


def test_a_hand_holds_while_it_should() -> None:
    held = replace(HOVER, faults=(Fault(faults.HOLD, 0.0, 2.0),))
    altitudes = [frame.altitude for frame in flown(held, CLIMB)]
    assert max(altitudes[:20]) < 1.02
    assert altitudes[-1] > 1.15


def readings_with(*active: Fault) -> list[float | None]:
    return [frame.range for frame in flown(replace(HOVER, faults=active), CLIMB)]


def test_silent_range() -> None:
    values = readings_with(Fault(faults.RANGE_SILENT, 1.0, 0.5))
    assert [i for i, value in enumerate(values) if value is None] == [9, 10, 11, 12, 13]


def test_nan_and_outlier_and_frozen_range() -> None:
    truth = readings_with()
    values = readings_with(
        Fault(faults.RANGE_NAN, 1.0, 0.2),
        Fault(faults.RANGE_OUTLIER, 2.0, 0.1, -0.8),
        Fault(faults.RANGE_FROZEN, 3.0, 0.5),
    )
    assert all(math.isnan(values[i] or 0.0) for i in (9, 10))
    assert values[19] == pytest.approx((truth[19] or 0.0) - 0.8)
    assert values[29:34] == [truth[28]] * 5
    untouched = [*range(9), *range(11, 19), *range(20, 29), *range(34, 40)]
    assert [values[i] for i in untouched] == [truth[i] for i in untouched]


def test_silent_setpoint() -> None:
    frames = flown(replace(HOVER, faults=(Fault(faults.SETPOINT_SILENT, 1.0, 2.0),)))
    assert [frame.setpoint for frame in frames] == [1.0] * 9 + [None] * 20 + [1.5] * 11


def test_clock_jumps_back_and_true_time_does_not() -> None:
    frames = flown(replace(HOVER, faults=(Fault(faults.CLOCK_JUMP, 2.0, size=-5.0),)))
    assert [frame.stamp - frame.time for frame in frames] == pytest.approx([0.0] * 19 + [-5.0] * 21)
    assert (np.diff([frame.time for frame in frames]) > 0).all()


@given(st.floats(0, 50), st.floats(0, 20), st.floats(0, 100))
def test_a_fault_is_active_inside_its_window_alone(
    start: float, length: float, time: float
) -> None:
    schedule = FaultSchedule([Fault(faults.RANGE_NAN, start, length)])
    if abs(time - start) > 1e-5 and abs(time - start - length) > 1e-5:
        assert schedule.active(faults.RANGE_NAN, time) == (start < time < start + length)
    assert not schedule.active(faults.RANGE_SILENT, time)


def test_imu_feels_gravity_and_rotation() -> None:
    turning = flown(HOVER, MotorCommand(0.3, 0.5, math.pi / 2))[-1]
    assert turning.imu.orientation == pytest.approx(quaternion_of(turning.pose))
    assert turning.imu.angular_velocity == pytest.approx(turning.velocity[3:])
    assert flown(HOVER)[-1].imu.specific_force == pytest.approx((0.0, 0.0, 9.81))


def flight_hash(scenario: Scenario) -> str:
    digest = hashlib.sha256()
    for frame in flown(scenario, CLIMB):
        digest.update(np.array([frame.range, *frame.imu.specific_force]).tobytes())
        digest.update(frame.pose.tobytes() + frame.velocity.tobytes())
    return digest.hexdigest()


def test_same_seed_same_bytes() -> None:
    noisy = replace(HOVER, sensors=Sensors())
    assert flight_hash(noisy) == flight_hash(noisy)
    assert flight_hash(noisy) != flight_hash(replace(noisy, seed=2))
