"""The ego vehicle: a kinematic bicycle whose steering and drive lag, and what steers it.

``base_link`` is the centre of the rear axle on the ground, x forward, y left, z up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.simulation.street.actors import ActorState
from snn_ros.simulation.street.planar import FloatArray, advance

_LOOKAHEAD_TIME = 0.7
_LOOKAHEAD = (3.0, 15.0)
_STOPPING = 3.0  # deceleration where a trajectory has ended, in m/s²
_SPEED_GAIN, _POSITION_GAIN = 1.6, 0.8  # of trajectory following, in 1/s and 1/s²


class TrajectoryError(SnnRosError):
    """A trajectory cannot be followed."""


@dataclass(frozen=True)
class EgoParameters:
    """Size, limits and lag of the ego vehicle."""

    length: float = setting(4.1, "of the footprint", unit="m", minimum=1.0, maximum=12.0)
    width: float = setting(1.8, "of the footprint", unit="m", minimum=0.5, maximum=3.0)
    height: float = setting(1.55, "of the body", unit="m", minimum=0.5, maximum=4.0)
    wheelbase: float = setting(2.6, "between the axles", unit="m", minimum=0.5, maximum=8.0)
    rear_axle_to_centre: float = setting(
        1.3, "from the rear axle to the middle of the footprint", unit="m", minimum=0.0, maximum=6.0
    )
    largest_steering: float = setting(
        0.6, "steering angle either way", unit="rad", minimum=0.1, maximum=1.2
    )
    steering_rate: float = setting(
        0.7, "fastest change of steering", unit="rad/s", minimum=0.05, maximum=5.0
    )
    steering_lag: float = setting(
        0.15, "time constant of the steering", unit="s", minimum=0.0, maximum=2.0
    )
    drive_lag: float = setting(
        0.25, "time constant of drive and brakes", unit="s", minimum=0.0, maximum=2.0
    )
    largest_acceleration: float = setting(3.0, "of the drive", unit="m/s²", minimum=0.1)
    largest_deceleration: float = setting(8.0, "of the brakes", unit="m/s²", minimum=0.1)


@dataclass(frozen=True)
class EgoState:
    """Motion of the ego vehicle at one time.

    Attributes:
        x: of ``base_link`` in the world, in m.
        y: of ``base_link`` in the world, in m.
        yaw: in rad.
        speed: of the rear axle, in m/s, never negative.
        acceleration: in m/s².
        steering: angle of the front wheels in rad, positive to the left.
        yaw_rate: in rad/s.
    """

    x: float
    y: float
    yaw: float
    speed: float = 0.0
    acceleration: float = 0.0
    steering: float = 0.0
    yaw_rate: float = 0.0

    @property
    def actor_state(self) -> ActorState:
        """Pose and motion of ``base_link`` as the scene takes it."""
        return ActorState(self.x, self.y, self.yaw, self.speed, self.yaw_rate)

    def footprint(self, parameters: EgoParameters) -> FloatArray:
        """(5,) x, y of the middle of the body, yaw, length, width."""
        reach = parameters.rear_axle_to_centre
        x, y = self.x + reach * math.cos(self.yaw), self.y + reach * math.sin(self.yaw)
        return np.array([x, y, self.yaw, parameters.length, parameters.width])


@dataclass(frozen=True)
class EgoCommand:
    """What the ego is told: steering angle in rad (positive left) and acceleration in m/s²."""

    steering: float
    acceleration: float


@dataclass(frozen=True)
class Trajectory:
    """Where ``base_link`` should be when.

    Attributes:
        times: (T,) in s, of the drive's clock, increasing.
        poses: (T, 3) x, y in m and yaw in rad, in the world.
        speeds: (T,) in m/s.
    """

    times: FloatArray
    poses: FloatArray
    speeds: FloatArray

    def __post_init__(self) -> None:
        """Check the arrays.

        Raises:
            TrajectoryError: names every array of a wrong shape, order or value.
        """
        problems = []
        count = len(self.times)
        if count < 2 or self.times.shape != (count,) or (np.diff(self.times) <= 0.0).any():
            problems.append(f"times = {self.times!r}: must be two or more that increase")
        if self.poses.shape != (count, 3):
            problems.append(f"poses.shape = {self.poses.shape}: must be ({count}, 3)")
        if self.speeds.shape != (count,) or (self.speeds < 0.0).any():
            problems.append(f"speeds = {self.speeds!r}: must be {count} that are not negative")
        problems += [
            f"{name}: must be finite"
            for name in ("times", "poses", "speeds")
            if not np.isfinite(getattr(self, name)).all()
        ]
        if problems:
            raise TrajectoryError("trajectory: " + "; ".join(problems))


def step(
    state: EgoState, command: EgoCommand, period: float, parameters: EgoParameters
) -> EgoState:
    """The ego after a period under one command.

    Steering and drive answer as first-order lags, the steering no faster than its rate. The rear
    axle rolls along the circle of the mean steering angle: exact where the angle is constant.

    Args:
        state: at the beginning.
        command: held for the period; limited to what the vehicle can do.
        period: in s.
        parameters: of the vehicle.
    """
    p = parameters
    wanted = min(max(command.steering, -p.largest_steering), p.largest_steering)
    fastest = p.steering_rate * period
    change = (wanted - state.steering) * _response(period, p.steering_lag)
    steering = state.steering + min(max(change, -fastest), fastest)
    wanted = min(max(command.acceleration, -p.largest_deceleration), p.largest_acceleration)
    response = _response(period, p.drive_lag)
    acceleration = state.acceleration + (wanted - state.acceleration) * response
    speed = max(state.speed + 0.5 * (state.acceleration + acceleration) * period, 0.0)
    if speed == 0.0:
        acceleration = max(acceleration, 0.0)
    distance = 0.5 * (state.speed + speed) * period
    curvature = math.tan(0.5 * (state.steering + steering)) / p.wheelbase
    x, y, yaw = advance([state.x, state.y, state.yaw], distance, curvature)
    yaw_rate = speed * math.tan(steering) / p.wheelbase
    return EgoState(float(x), float(y), float(yaw), speed, acceleration, steering, yaw_rate)


def _response(period: float, lag: float) -> float:
    """Share of a step that a first-order lag has followed after a period."""
    return 1.0 - math.exp(-period / lag) if lag > 0.0 else 1.0


def lookahead(speed: float) -> float:
    """How far ahead of the rear axle one steers for, in m, at a speed in m/s."""
    return min(max(_LOOKAHEAD_TIME * speed + 2.0, _LOOKAHEAD[0]), _LOOKAHEAD[1])


def pursue(state: EgoState, target: FloatArray, wheelbase: float) -> float:
    """Steering angle of the circle through a point ahead (pure pursuit), in rad.

    Args:
        state: of the ego.
        target: (2,) x, y in m in the world.
        wheelbase: in m.
    """
    dx, dy = float(target[0]) - state.x, float(target[1]) - state.y
    squared = dx * dx + dy * dy
    if squared < 1e-6:
        return 0.0
    left = dy * math.cos(state.yaw) - dx * math.sin(state.yaw)
    return math.atan(2.0 * wheelbase * left / squared)


def follow_trajectory(
    state: EgoState, trajectory: Trajectory, time: float, parameters: EgoParameters
) -> EgoCommand:
    """What keeps the ego on a trajectory: pure pursuit across, position and speed along.

    Args:
        state: of the ego.
        trajectory: what to follow; where it has ended the ego brakes.
        time: of the drive's clock, in s.
        parameters: of the vehicle.
    """
    times, speeds = trajectory.times, trajectory.speeds
    xy = trajectory.poses[:, :2]
    arc_lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    position = _position_along(np.array([state.x, state.y]), xy, arc_lengths)
    steering = pursue(
        state,
        _point_at(position + lookahead(state.speed), trajectory, arc_lengths),
        parameters.wheelbase,
    )
    if time > times[-1]:
        return EgoCommand(steering, -_STOPPING)
    soon = min(time + parameters.drive_lag, float(times[-1]))
    wanted = float(np.interp(soon, times, speeds))
    behind = float(np.interp(time, times, arc_lengths)) - position
    acceleration = float(np.interp(time, times, np.gradient(speeds, times)))
    acceleration += _SPEED_GAIN * (wanted - state.speed) + _POSITION_GAIN * behind
    return EgoCommand(steering, acceleration)


def _position_along(point: FloatArray, line: FloatArray, arc_lengths: FloatArray) -> float:
    """Arc length of the point of a polyline that is nearest to a point."""
    start, way = line[:-1], np.diff(line, axis=0)
    lengths = np.maximum(np.diff(arc_lengths), 1e-9)
    along = np.clip(((point - start) * way).sum(axis=1) / lengths, 0.0, lengths)
    nearest = start + way * (along / lengths)[:, None]
    best = int(((nearest - point) ** 2).sum(axis=1).argmin())
    return float(arc_lengths[best] + along[best])


def _point_at(position: float, trajectory: Trajectory, arc_lengths: FloatArray) -> FloatArray:
    """(2,) point at an arc length; beyond the end straight on along the last yaw."""
    beyond = max(position - float(arc_lengths[-1]), 0.0)
    x, y = (np.interp(position, arc_lengths, trajectory.poses[:, i]) for i in (0, 1))
    yaw = trajectory.poses[-1, 2]
    return np.array([x + beyond * np.cos(yaw), y + beyond * np.sin(yaw)])
