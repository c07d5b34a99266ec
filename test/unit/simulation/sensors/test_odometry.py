"""Dead reckoning of a car: exact without flaws, drift of the size asked for; wheels; IMU."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.sensors.imu import Imu, ImuParameters
from snn_ros.simulation.sensors.odometry import (
    OdometryParameters,
    WheelEncoders,
    WheelOdometry,
    WheelParameters,
    along_arc,
    planar_motion,
    wheel_rates,
)

NO_FLAWS = dict.fromkeys(OdometryParameters.__dataclass_fields__, 0.0)
PERIOD = 0.02


def odometry(seed: int = 0, **flaws: float) -> WheelOdometry:
    return WheelOdometry(OdometryParameters(**NO_FLAWS | flaws), np.random.default_rng(seed))


def drive(sensor: WheelOdometry, speed: float, yaw_rate: float, duration: float):
    for _ in range(round(duration / PERIOD)):
        reading = sensor.step(speed, yaw_rate, PERIOD)
    return reading


@given(st.floats(-5.0, 30.0), st.floats(-1.0, 1.0))
def test_without_flaws_it_is_the_pose(speed: float, yaw_rate: float) -> None:
    end = drive(odometry(), speed, yaw_rate, 2.0)
    turn = 2.0 * yaw_rate
    if abs(yaw_rate) < 1e-4:
        expected = (2.0 * speed, speed * yaw_rate * 2.0)
    else:
        radius = speed / yaw_rate
        expected = (radius * math.sin(turn), radius * (1.0 - math.cos(turn)))
    assert (end.x, end.y) == pytest.approx(expected, abs=1e-6)
    assert end.yaw == pytest.approx(turn, abs=1e-9)


def test_a_full_circle_closes() -> None:
    pose = (1.0, 2.0, 0.3)
    for _ in range(100):
        pose = along_arc(pose, 5.0, 2 * math.pi / 10.0, 0.1)
    assert pose == pytest.approx((1.0, 2.0, 0.3 + 2 * math.pi))


def test_scale_error_is_constant_in_a_run_and_varies_between_runs() -> None:
    ends = [drive(odometry(seed, scale_error=0.02), 10.0, 0.0, 1.0).x for seed in range(400)]
    errors = np.array(ends) / 10.0 - 1.0
    assert errors.std() == pytest.approx(0.02, rel=0.1)
    sensor = odometry(3, scale_error=0.02)
    readings = {round(sensor.step(10.0, 0.0, PERIOD).speed, 9) for _ in range(20)}
    assert len(readings) == 1


def test_bias_of_the_yaw_rate_turns_the_way_into_an_arc() -> None:
    yaws = [drive(odometry(seed, yaw_rate_bias=0.01), 10.0, 0.0, 5.0).yaw for seed in range(400)]
    assert np.std(yaws) == pytest.approx(0.05, rel=0.1)


def test_yaw_noise_and_walk_grow_as_closed_form_says() -> None:
    duration, runs = 5.0, 300
    noise = [drive(odometry(s, yaw_rate_noise=0.1), 0.0, 0.0, duration).yaw for s in range(runs)]
    assert np.std(noise) == pytest.approx(0.1 * math.sqrt(duration * PERIOD), rel=0.12)
    walk = [drive(odometry(s, yaw_rate_walk=0.01), 0.0, 0.0, duration).yaw for s in range(runs)]
    assert np.std(walk) == pytest.approx(0.01 * math.sqrt(duration**3 / 3), rel=0.12)


def test_speed_noise() -> None:
    sensor = odometry(speed_noise=0.2)
    speeds = [sensor.step(5.0, 0.0, PERIOD).speed for _ in range(5000)]
    assert np.mean(speeds) == pytest.approx(5.0, abs=0.01)
    assert np.std(speeds) == pytest.approx(0.2, rel=0.05)


def test_same_seed_same_drift() -> None:
    ends = [
        drive(WheelOdometry(OdometryParameters(), np.random.default_rng(s)), 10.0, 0.1, 3.0)
        for s in (1, 1, 2)
    ]
    assert ends[0] == ends[1] != ends[2]


def test_wheels_roll_about_the_centre_of_the_turn() -> None:
    car = WheelParameters()
    assert wheel_rates(10.0, 0.0, car) == pytest.approx([10.0 / car.wheel_radius] * 4)
    radius, yaw_rate = 8.0, 0.5
    rates = wheel_rates(radius * yaw_rate, yaw_rate, car) * car.wheel_radius / yaw_rate
    inner, outer = radius - car.track / 2, radius + car.track / 2
    expected = [math.hypot(inner, car.wheelbase), math.hypot(outer, car.wheelbase), inner, outer]
    assert rates == pytest.approx(expected)
    assert (wheel_rates(-3.0, 0.0, car) < 0).all()


def test_encoders_have_steps_noise_and_offset() -> None:
    car = WheelParameters(speed_quantum=0.1, steering_noise=0.01, steering_offset=0.05)
    readings = [
        WheelEncoders(car, np.random.default_rng(seed)).measure(7.3, 0.0, 0.2)
        for seed in range(400)
    ]
    steps = readings[0].rates / 0.1
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert readings[0].rates == pytest.approx([7.3 / car.wheel_radius] * 4, abs=0.05)
    steering = np.array([reading.steering for reading in readings])
    assert steering.mean() == pytest.approx(0.2, abs=0.01)
    assert steering.std() == pytest.approx(math.hypot(0.01, 0.05), rel=0.1)


def test_imu_of_a_car_feels_gravity_braking_and_the_turn() -> None:
    parameters = ImuParameters(**dict.fromkeys(ImuParameters.__dataclass_fields__, 0.0))
    imu = Imu(parameters, np.random.default_rng(0))
    reading = imu.measure(*planar_motion(math.pi / 2, 10.0, -2.0, 0.3))
    assert reading.specific_force == pytest.approx([-2.0, 3.0, 9.81])
    assert reading.angular_velocity == pytest.approx([0.0, 0.0, 0.3])
    assert reading.orientation == pytest.approx([0, 0, math.sqrt(0.5), math.sqrt(0.5)])
