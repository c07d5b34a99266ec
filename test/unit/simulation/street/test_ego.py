"""The ego vehicle against closed forms."""

import math

import numpy as np
import pytest

from snn_ros.simulation.street.ego import (
    EgoCommand,
    EgoParameters,
    EgoState,
    Trajectory,
    TrajectoryError,
    follow_trajectory,
    pursue,
    step,
)

EGO = EgoParameters()


@pytest.mark.parametrize("steering", [-0.4, 0.0, 0.25])
def test_constant_steering_drives_a_circle(steering: float) -> None:
    state = EgoState(1.0, -2.0, 0.4, speed=6.0, steering=steering)
    for _ in range(100):
        state = step(state, EgoCommand(steering, 0.0), 0.1, EGO)
    curvature = math.tan(steering) / EGO.wheelbase
    turn = 60.0 * curvature
    if curvature:
        x = 1.0 + (math.sin(0.4 + turn) - math.sin(0.4)) / curvature
        y = -2.0 - (math.cos(0.4 + turn) - math.cos(0.4)) / curvature
    else:
        x, y = 1.0 + 60.0 * math.cos(0.4), -2.0 + 60.0 * math.sin(0.4)
    np.testing.assert_allclose([state.x, state.y, state.yaw], [x, y, 0.4 + turn], atol=1e-9)
    assert state.yaw_rate == pytest.approx(6.0 * curvature)


@pytest.mark.parametrize("period", [0.02, 0.1])
def test_lag_follows_an_exponential_at_any_period(period: float) -> None:
    state = EgoState(0.0, 0.0, 0.0, speed=10.0)
    for i in range(1, 11):
        state = step(state, EgoCommand(0.05, 2.0), period, EGO)
        drive = 2.0 * (1.0 - math.exp(-i * period / EGO.drive_lag))
        steering = 0.05 * (1.0 - math.exp(-i * period / EGO.steering_lag))
        assert state.acceleration == pytest.approx(drive)
        assert state.steering == pytest.approx(steering)


def test_steering_is_limited_in_rate_and_angle() -> None:
    state = EgoState(0.0, 0.0, 0.0, speed=1.0)
    angles = [state.steering]
    for _ in range(60):
        state = step(state, EgoCommand(5.0, 0.0), 0.05, EGO)
        angles.append(state.steering)
    assert np.diff(angles).max() <= EGO.steering_rate * 0.05 + 1e-12
    assert angles[-1] == pytest.approx(EGO.largest_steering, abs=1e-3)


def test_brakes_stop_and_do_not_reverse() -> None:
    state = EgoState(0.0, 0.0, 0.0, speed=10.0)
    for _ in range(100):
        state = step(state, EgoCommand(0.0, -5.0), 0.05, EGO)
    assert state.speed == 0.0
    # 10 m during the lag's 0.25 s at full speed, then v²/2a
    assert state.x == pytest.approx(10.0 * EGO.drive_lag + 10.0**2 / 10.0, abs=0.4)


def test_pure_pursuit_drives_through_its_target() -> None:
    state = EgoState(0.0, 0.0, 0.3, speed=3.0)
    target = np.array([8.0, 5.0])
    steering = pursue(state, target, EGO.wheelbase)
    state = EgoState(0.0, 0.0, 0.3, speed=3.0, steering=steering)
    nearest = math.inf
    for _ in range(100):
        state = step(state, EgoCommand(steering, 0.0), 0.05, EGO)
        nearest = min(nearest, math.hypot(state.x - target[0], state.y - target[1]))
    assert nearest < 0.1


def curve(speed: float, curvature: float) -> Trajectory:
    times = np.linspace(0.0, 10.0, 51)
    turn = speed * times * curvature
    poses = np.column_stack([np.sin(turn) / curvature, (1.0 - np.cos(turn)) / curvature, turn])
    return Trajectory(times, poses, np.full(len(times), speed))


def test_a_trajectory_is_followed_in_space_and_time() -> None:
    trajectory = curve(7.0, 0.03)
    state = EgoState(0.0, 0.8, 0.05, speed=5.0)
    for i in range(160):
        state = step(state, follow_trajectory(state, trajectory, i * 0.05, EGO), 0.05, EGO)
    turn = 7.0 * 8.0 * 0.03
    expected = [math.sin(turn) / 0.03, (1.0 - math.cos(turn)) / 0.03]
    np.testing.assert_allclose([state.x, state.y], expected, atol=0.3)
    assert state.speed == pytest.approx(7.0, abs=0.2)


def test_the_ego_stops_when_its_trajectory_ends() -> None:
    trajectory = curve(7.0, 0.03)
    state = EgoState(0.0, 0.0, 0.0, speed=7.0)
    for i in range(300):
        state = step(state, follow_trajectory(state, trajectory, i * 0.05, EGO), 0.05, EGO)
    assert state.speed == 0.0


def test_every_problem_of_a_trajectory_is_named() -> None:
    with pytest.raises(TrajectoryError) as caught:
        Trajectory(np.array([0.0, 0.0]), np.zeros((3, 3)), np.array([-1.0, np.nan]))
    for name in ("times", "poses", "speeds"):
        assert name in str(caught.value)
