"""Poses, transforms, and the sensors of motion: Odometry, Imu, Range."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, TransformStamped, Vector3
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from sensor_msgs.msg import Imu, Range

from snn_ros.geometry.rigid import Transform, quaternion_of, rigid_transform
from snn_ros.ros.conversions.stamps import read_header, write_header
from snn_ros.ros.conversions.validation import (
    BadFrame,
    BadValue,
    covariance,
    finite,
    unit_quaternion,
)

_NOT_MEASURED = -1.0  # first entry of an Imu covariance whose quantity the sensor lacks


@dataclass(frozen=True, eq=False)
class StampedTransform:
    """Where a frame is in its parent: p_parent = matrix @ p_child."""

    stamp_ns: int
    parent: str
    child: str
    matrix: Transform
    """(4, 4) float64."""


@dataclass(frozen=True, eq=False)
class OdometrySample:
    """Where a robot is and how it moves."""

    stamp_ns: int
    frame_id: str
    """The frame of pose."""
    child_frame_id: str
    """The robot's frame, in which the velocities are given."""
    pose: Transform
    """(4, 4) of the robot in frame_id."""
    linear_velocity: NDArray[np.float64]
    """(3,) m/s."""
    angular_velocity: NDArray[np.float64]
    """(3,) rad/s."""
    pose_covariance: NDArray[np.float64]
    """(6, 6) of x, y, z and rotations about them; zero where unknown."""
    twist_covariance: NDArray[np.float64]
    """(6, 6) of the velocities; zero where unknown."""


@dataclass(frozen=True, eq=False)
class ImuSample:
    """What an IMU measured; None stands for a quantity that it says it lacks."""

    stamp_ns: int
    frame_id: str
    orientation: NDArray[np.float64] | None
    """(4,) x, y, z, w."""
    angular_velocity: NDArray[np.float64] | None
    """(3,) rad/s."""
    linear_acceleration: NDArray[np.float64] | None
    """(3,) m/s^2, gravity included."""


@dataclass(frozen=True)
class RangeSample:
    """One distance, by REP-117: -inf nearer than min_range, +inf nothing within max_range."""

    stamp_ns: int
    frame_id: str
    distance: float
    """Metres along x of frame_id."""
    min_range: float
    max_range: float
    field_of_view: float
    """Radians, the full angle."""

    @property
    def measured(self) -> bool:
        """Whether distance is a measurement, not a sign that there is none."""
        return self.min_range <= self.distance <= self.max_range


def read_pose(pose: Pose, field: str = "pose") -> Transform:
    """A pose as (4, 4) float64.

    Raises:
        BadValue: not finite, or no unit quaternion.
    """
    return rigid_transform(
        finite(f"{field}.position", _xyz(pose.position), (3,)),
        unit_quaternion(f"{field}.orientation", _xyzw(pose.orientation)),
    )


def write_pose(matrix: Transform) -> Pose:
    """The pose message of a (4, 4) transform."""
    return Pose(
        position=Point(**_named("xyz", matrix[:3, 3])),
        orientation=Quaternion(**_named("xyzw", quaternion_of(matrix))),
    )


def read_transform(message: TransformStamped) -> StampedTransform:
    """A transform as sent on /tf.

    Raises:
        BadStamp: see read_header.
        BadFrame: a frame is not named, or its own parent.
        BadValue: not finite, or no unit quaternion.
    """
    stamp_ns, parent = read_header(message.header)
    child = _child_frame(message.child_frame_id, parent)
    translation = finite("transform.translation", _xyz(message.transform.translation), (3,))
    rotation = unit_quaternion("transform.rotation", _xyzw(message.transform.rotation))
    return StampedTransform(stamp_ns, parent, child, rigid_transform(translation, rotation))


def write_transform(transform: StampedTransform) -> TransformStamped:
    """The message of a transform."""
    message = TransformStamped(
        header=write_header(transform.stamp_ns, transform.parent), child_frame_id=transform.child
    )
    message.transform.translation = Vector3(**_named("xyz", transform.matrix[:3, 3]))
    message.transform.rotation = Quaternion(**_named("xyzw", quaternion_of(transform.matrix)))
    return message


def read_odometry(message: Odometry) -> OdometrySample:
    """Odometry as float64 arrays.

    Raises:
        BadStamp: see read_header.
        BadFrame: a frame is not named, or the robot's is that of its pose.
        BadValue: not finite, no unit quaternion, or a negative variance.
    """
    stamp_ns, frame_id = read_header(message.header)
    twist = message.twist.twist
    return OdometrySample(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        child_frame_id=_child_frame(message.child_frame_id, frame_id),
        pose=read_pose(message.pose.pose, "pose.pose"),
        linear_velocity=finite("twist.twist.linear", _xyz(twist.linear), (3,)),
        angular_velocity=finite("twist.twist.angular", _xyz(twist.angular), (3,)),
        pose_covariance=covariance("pose.covariance", message.pose.covariance, 6),
        twist_covariance=covariance("twist.covariance", message.twist.covariance, 6),
    )


def write_odometry(sample: OdometrySample) -> Odometry:
    """The message of an odometry sample."""
    message = Odometry(
        header=write_header(sample.stamp_ns, sample.frame_id), child_frame_id=sample.child_frame_id
    )
    message.pose.pose = write_pose(sample.pose)
    message.pose.covariance = sample.pose_covariance.ravel()
    message.twist.twist.linear = Vector3(**_named("xyz", sample.linear_velocity))
    message.twist.twist.angular = Vector3(**_named("xyz", sample.angular_velocity))
    message.twist.covariance = sample.twist_covariance.ravel()
    return message


def read_imu(message: Imu) -> ImuSample:
    """What an IMU measured.

    Raises:
        BadStamp, BadFrame: see read_header.
        BadValue: not finite, no unit quaternion, or a negative variance.
    """
    stamp_ns, frame_id = read_header(message.header)
    return ImuSample(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        orientation=unit_quaternion("orientation", _xyzw(message.orientation))
        if _measured(message, "orientation")
        else None,
        angular_velocity=_measured_vector(message, "angular_velocity"),
        linear_acceleration=_measured_vector(message, "linear_acceleration"),
    )


def write_imu(sample: ImuSample) -> Imu:
    """The message of an IMU sample; covariances are zero, which stands for unknown."""
    message = Imu(header=write_header(sample.stamp_ns, sample.frame_id))
    for quantity, message_type, names in (
        ("orientation", Quaternion, "xyzw"),
        ("angular_velocity", Vector3, "xyz"),
        ("linear_acceleration", Vector3, "xyz"),
    ):
        values = getattr(sample, quantity)
        if values is None:
            getattr(message, f"{quantity}_covariance")[0] = _NOT_MEASURED
        else:
            setattr(message, quantity, message_type(**_named(names, values)))
    return message


def read_range(message: Range) -> RangeSample:
    """A distance; infinities are kept, as they mean something.

    Raises:
        BadStamp, BadFrame: see read_header.
        BadValue: a distance that is NaN, or limits that are none.
    """
    stamp_ns, frame_id = read_header(message.header)
    limits = (message.min_range, message.max_range)
    if not 0 <= limits[0] <= limits[1]:
        raise BadValue("min_range, max_range", limits, "expected 0 <= min <= max")
    if math.isnan(message.range):
        raise BadValue("range", message.range, "not a number")
    return RangeSample(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        distance=message.range,
        min_range=message.min_range,
        max_range=message.max_range,
        field_of_view=float(finite("field_of_view", message.field_of_view, (1,))[0]),
    )


def write_range(sample: RangeSample, radiation_type: int = Range.INFRARED) -> Range:
    """The message of a distance."""
    return Range(
        header=write_header(sample.stamp_ns, sample.frame_id),
        radiation_type=radiation_type,
        field_of_view=sample.field_of_view,
        min_range=sample.min_range,
        max_range=sample.max_range,
        range=sample.distance,
    )


def _child_frame(child: str, parent: str) -> str:
    if not child:
        raise BadFrame("child_frame_id", child, "empty")
    if child == parent:
        raise BadFrame("child_frame_id", child, "equals header.frame_id")
    return child


def _measured(message: Imu, quantity: str) -> bool:
    """Whether the IMU measures a quantity; if so, its covariance is checked."""
    field = f"{quantity}_covariance"
    values = getattr(message, field)
    if values[0] == _NOT_MEASURED:
        return False
    covariance(field, values, 3)
    return True


def _measured_vector(message: Imu, quantity: str) -> NDArray[np.float64] | None:
    if not _measured(message, quantity):
        return None
    return finite(quantity, _xyz(getattr(message, quantity)), (3,))


def _xyz(vector: Point | Vector3) -> tuple[float, float, float]:
    return vector.x, vector.y, vector.z


def _xyzw(quaternion: Quaternion) -> tuple[float, float, float, float]:
    return quaternion.x, quaternion.y, quaternion.z, quaternion.w


def _named(names: str, values: NDArray[np.float64]) -> dict[str, float]:
    """Numbers as keyword arguments of a message, plain floats as rclpy wants them."""
    return dict(zip(names, values.tolist(), strict=True))
