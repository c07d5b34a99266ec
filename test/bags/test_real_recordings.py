"""Real recordings of rosbag1 and rosbag2 over DDS, and their conversion; see also test/accept."""

from pathlib import Path

import pytest
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from support.bags import assert_converts_without_loss
from support.replay import assert_everything_arrives, message_class

from snn_ros.bags import BagReader

RECORDINGS = {
    "rosbag1": "husky_imu_odom_gps.bag",
    "rosbag2 sqlite3": "jackal_scan_mocap_rosbag2",
    "rosbag2 mcap": "nav2_turtlebot.mcap",
    "rosbag2 sqlite3 transforms": "tf_rosbag2",
}


@pytest.fixture(params=RECORDINGS)
def recording(request, data_dir) -> Path:
    path = data_dir / "rosbags" / RECORDINGS[request.param]
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


def test_everything_arrives_fast(probe, recording):
    """At ten times the recorded speed; the 400 s of rosbag1 at fifty times."""
    rate = 50.0 if recording.suffix == ".bag" else 10.0
    figures = assert_everything_arrives(probe, recording, rate)
    assert figures["lost_s"] < 1.0


def test_everything_arrives_at_recorded_speed(probe, data_dir):
    path = data_dir / "rosbags" / RECORDINGS["rosbag2 sqlite3"]
    if not path.exists():
        pytest.skip(f"no {path}")
    assert_everything_arrives(probe, path, 1.0)


FIELDS = {
    "/imu/data": lambda m: [m.orientation.w, m.linear_acceleration.z, *m.orientation_covariance],
    "/husky_velocity_controller/odom": lambda m: [m.pose.pose.position.x, *m.twist.covariance],
    "/fix": lambda m: [m.latitude, m.altitude, m.status.status, m.position_covariance_type],
}


def test_messages_of_ros1_are_those_of_ros2(data_dir):
    """What ROS 2 makes of our CDR has the values that ROS 1 recorded."""
    path = data_dir / "rosbags" / RECORDINGS["rosbag1"]
    if not path.exists():
        pytest.skip(f"no {path}")
    with AnyReader([path]) as reader:
        before = {name: [] for name in FIELDS}
        for connection, _, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            time = [message.header.stamp.sec, message.header.stamp.nanosec]
            before[connection.topic].append(time + FIELDS[connection.topic](message))
    with BagReader(path) as bag:
        after = {name: [] for name in FIELDS}
        classes = {name: message_class(topic.type) for name, topic in bag.topics.items()}
        for topic, cdr, _ in bag.messages():
            message = deserialize_message(cdr, classes[topic])
            time = [message.header.stamp.sec, message.header.stamp.nanosec]
            after[topic].append(time + FIELDS[topic](message))
    assert [name for name in FIELDS if before[name] != after[name]] == []


def test_conversion_without_loss(recording, tmp_path):
    assert_converts_without_loss(recording, tmp_path / "out")
