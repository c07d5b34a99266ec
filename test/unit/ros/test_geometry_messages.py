import math

import numpy as np
import pytest
from geometry_msgs.msg import Pose, Quaternion, TransformStamped
from hypothesis import given
from hypothesis import strategies as st
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Imu, Range

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.ros.conversions.geometry import (
    ImuSample,
    OdometrySample,
    RangeSample,
    StampedTransform,
    read_imu,
    read_odometry,
    read_pose,
    read_range,
    read_transform,
    write_imu,
    write_odometry,
    write_pose,
    write_range,
    write_transform,
)
from snn_ros.ros.conversions.stamps import write_header
from snn_ros.ros.conversions.validation import BadFrame, BadMessage, BadStamp, BadValue

metres = st.floats(-1e6, 1e6)
quaternions = (
    st.tuples(*[st.floats(-1, 1)] * 4)
    .map(np.array)
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: q / np.linalg.norm(q))
)
transforms = st.builds(
    lambda x, y, z, q: rigid_transform((x, y, z), q), metres, metres, metres, quaternions
)


def odometry():
    message = Odometry(header=write_header(3, "odom"), child_frame_id="base_link")
    message.pose.pose.position.x = 2.0
    message.twist.twist.linear.x = 0.5
    message.twist.twist.angular.z = 0.1
    return message


def imu():
    message = Imu(header=write_header(3, "imu"))
    message.angular_velocity.z, message.linear_acceleration.z = 0.1, 9.81
    return message


def distance(value):
    return Range(header=write_header(3, "sonar"), min_range=0.2, max_range=4.0, range=value)


@given(transforms)
def test_poses_and_transforms_survive_the_round_trip(matrix):
    assert np.allclose(read_pose(write_pose(matrix)), matrix, atol=1e-9)
    stamped = StampedTransform(7, "map", "base", matrix)
    again = read_transform(write_transform(stamped))
    assert (again.stamp_ns, again.parent, again.child) == (7, "map", "base")
    assert np.allclose(again.matrix, matrix, atol=1e-9)
    assert again.matrix[:3, 3].tolist() == matrix[:3, 3].tolist()


def test_a_quarter_turn_to_the_left_sends_x_to_y():
    pose = Pose(orientation=Quaternion(z=math.sqrt(0.5), w=math.sqrt(0.5)))
    pose.position.x = 5.0
    assert np.allclose(read_pose(pose) @ [1, 0, 0, 1], [5, 1, 0, 1])


def test_a_quaternion_rounded_in_a_text_file_is_normalised():
    pose = Pose(orientation=Quaternion(z=0.707, w=0.707))
    rotation = read_pose(pose)[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


@given(transforms, st.lists(st.floats(-50, 50), min_size=6, max_size=6))
def test_odometry_survives_the_round_trip(pose, velocities):
    sample = OdometrySample(
        9, "odom", "base_link", pose, np.array(velocities[:3]), np.array(velocities[3:]),
        np.diag(np.arange(6.0)), np.diag(np.arange(6.0, 12.0)),
    )  # fmt: skip
    again = read_odometry(write_odometry(sample))
    assert (again.stamp_ns, again.frame_id, again.child_frame_id) == (9, "odom", "base_link")
    assert np.allclose(again.pose, pose, atol=1e-9)
    for name in ("linear_velocity", "angular_velocity", "pose_covariance", "twist_covariance"):
        assert np.array_equal(getattr(again, name), getattr(sample, name))


def spoil(message, path, value):
    *parents, last = path.split(".")
    for name in parents:
        message = getattr(message, name)
    if last.isdigit():
        message[int(last)] = value
    else:
        setattr(message, last, value)


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("header.frame_id", "", BadFrame),
        ("child_frame_id", "", BadFrame),
        ("child_frame_id", "odom", BadFrame),
        ("header.stamp.nanosec", 10**9, BadStamp),
        ("pose.pose.position.y", math.nan, BadValue),
        ("pose.pose.orientation.w", 0.0, BadValue),
        ("pose.pose.orientation.w", 1e200, BadValue),
        ("twist.twist.linear.z", math.inf, BadValue),
        ("twist.twist.angular.x", -math.inf, BadValue),
        ("pose.covariance.0", math.nan, BadValue),
        ("pose.covariance.7", -1.0, BadValue),
        ("twist.covariance.35", -1e-3, BadValue),
    ],
)
def test_bad_odometry_is_refused_by_name(path, value, error):
    message = odometry()
    spoil(message, path, value)
    with pytest.raises(error) as caught:
        read_odometry(message)
    assert caught.value.field.split(".")[-1] in path


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("header.frame_id", "", BadFrame),
        ("child_frame_id", "", BadFrame),
        ("child_frame_id", "map", BadFrame),
        ("header.stamp.sec", -5, BadStamp),
        ("transform.translation.x", math.inf, BadValue),
        ("transform.rotation.z", 1.0, BadValue),
    ],
)
def test_a_bad_transform_is_refused(path, value, error):
    message = TransformStamped(header=write_header(3, "map"), child_frame_id="base")
    spoil(message, path, value)
    with pytest.raises(error):
        read_transform(message)


@pytest.mark.parametrize("missing", ["orientation", "angular_velocity", "linear_acceleration"])
def test_an_imu_sample_survives_the_round_trip_with_what_it_lacks(missing):
    quantities = {
        "orientation": np.array([0, 0, 0.6, 0.8]),
        "angular_velocity": np.array([0.1, 0.2, 0.3]),
        "linear_acceleration": np.array([0, 0, 9.81]),
    } | {missing: None}
    again = read_imu(write_imu(ImuSample(3, "imu", **quantities)))
    for name, values in quantities.items():
        assert np.array_equal(getattr(again, name), values)


def test_an_imu_may_lack_its_orientation():
    message = imu()
    message.orientation_covariance[0] = -1.0
    message.orientation.w = math.nan  # not looked at
    sample = read_imu(message)
    assert sample.orientation is None
    assert sample.angular_velocity.tolist() == [0, 0, 0.1]
    assert sample.linear_acceleration.tolist() == [0, 0, 9.81]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("orientation.w", 0.0),
        ("angular_velocity.x", math.nan),
        ("linear_acceleration.y", math.inf),
        ("linear_acceleration_covariance.4", -2.0),
        ("orientation_covariance.8", math.nan),
    ],
)
def test_bad_imu_readings_are_refused(path, value):
    message = imu()
    spoil(message, path, value)
    with pytest.raises(BadValue, match=path.split(".")[0]):
        read_imu(message)


@pytest.mark.parametrize(
    ("value", "measured"), [(0.1, False), (0.2, True), (4.0, True), (5.0, False), (math.inf, False)]
)
def test_a_distance_counts_only_between_its_limits(value, measured):
    sample = read_range(distance(value))
    assert (sample.distance, sample.measured) == (value, measured)


def test_a_range_sample_survives_the_round_trip():
    sample = RangeSample(3, "sonar", 1.5, 0.2, 4.0, 0.04)
    assert read_range(write_range(sample)) == sample


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("range", math.nan),
        ("min_range", -0.1),
        ("min_range", 4.1),
        ("max_range", math.nan),
        ("field_of_view", math.nan),
        ("header.frame_id", ""),
    ],
)
def test_bad_ranges_are_refused(path, value):
    message = distance(1.0)
    spoil(message, path, value)
    with pytest.raises(BadMessage, match=path):
        read_range(message)
