"""What ros_gz_bridge carries between Gazebo and our nodes: one table for each kind of world."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from snn_ros.simulation.sensors.mounts import kitti_stereo, surround_six

_GAZEBO_TYPES = {
    "geometry_msgs/msg/Twist": "gz.msgs.Twist",
    "nav_msgs/msg/Odometry": "gz.msgs.Odometry",
    "rosgraph_msgs/msg/Clock": "gz.msgs.Clock",
    "sensor_msgs/msg/CameraInfo": "gz.msgs.CameraInfo",
    "sensor_msgs/msg/Image": "gz.msgs.Image",
    "sensor_msgs/msg/Imu": "gz.msgs.IMU",
    "sensor_msgs/msg/LaserScan": "gz.msgs.LaserScan",
    "sensor_msgs/msg/PointCloud2": "gz.msgs.PointCloudPacked",
    "std_msgs/msg/Float64": "gz.msgs.Double",
    "tf2_msgs/msg/TFMessage": "gz.msgs.Pose_V",
}
"""The pairs that the bridge converts, from the table in its README."""


@dataclass(frozen=True)
class BridgedTopic:
    """One line of a bridge.

    Attributes:
        ros_topic: relative to the namespace of the bridge, unless it begins with /.
        ros_type: such as ``sensor_msgs/msg/Imu``.
        gz_topic: in Gazebo; as ``ros_topic`` where empty.
        to_ros: whether it goes from Gazebo to ROS, else the other way.
        lazy: nothing is carried, nor rendered, while nobody listens.
    """

    ros_topic: str
    ros_type: str
    gz_topic: str = ""
    to_ros: bool = True
    lazy: bool = True

    @property
    def entry(self) -> dict[str, object]:
        """As ros_gz_bridge's configuration file has it."""
        return {
            "ros_topic_name": self.ros_topic,
            "gz_topic_name": self.gz_topic or f"/{self.ros_topic.lstrip('/')}",
            "ros_type_name": self.ros_type,
            "gz_type_name": _GAZEBO_TYPES[self.ros_type],
            "direction": "GZ_TO_ROS" if self.to_ros else "ROS_TO_GZ",
            "lazy": self.lazy,
        }


def _camera(topic: str) -> tuple[BridgedTopic, BridgedTopic]:
    return (
        BridgedTopic(f"{topic}/image", "sensor_msgs/msg/Image"),
        BridgedTopic(f"{topic}/camera_info", "sensor_msgs/msg/CameraInfo"),
    )


TF_TOPIC = "/odometry/tf"
"""Where Gazebo publishes the moving frame; its own /tf may hold other models'."""

_COMMON = (
    BridgedTopic("/clock", "rosgraph_msgs/msg/Clock", lazy=False),
    BridgedTopic("/tf", "tf2_msgs/msg/TFMessage", TF_TOPIC),
    BridgedTopic("imu", "sensor_msgs/msg/Imu"),
)

STREET = (
    *_COMMON,
    BridgedTopic("odometry", "nav_msgs/msg/Odometry"),
    BridgedTopic("lidar/points", "sensor_msgs/msg/PointCloud2"),
    *(topic for mount in kitti_stereo() for topic in _camera(f"stereo/{mount.name}")),
    *(topic for mount in surround_six() for topic in _camera(f"cameras/{mount.name}")),
    BridgedTopic("cmd_vel", "geometry_msgs/msg/Twist", to_ros=False),
)
"""A street: the ego's sensors, and its speed and yaw rate as command."""

BLIMP = "blimp"
"""Name of the blimp's model."""
LEFT_PROPELLER, RIGHT_PROPELLER, SHAFT = "left_propeller", "right_propeller", "shaft"
"""Names of its moving links; the joint of each is ``<name>_joint``."""

BLIMP_ROOM = (
    *_COMMON,
    BridgedTopic("ground_truth/odometry", "nav_msgs/msg/Odometry"),
    BridgedTopic("range_scan", "sensor_msgs/msg/LaserScan"),
    *(
        BridgedTopic(
            ros_topic, "std_msgs/msg/Float64", f"/model/{BLIMP}/joint/{joint}", False, lazy=False
        )
        for ros_topic, joint in (
            ("motors/thrust_left", f"{LEFT_PROPELLER}_joint/cmd_thrust"),
            ("motors/thrust_right", f"{RIGHT_PROPELLER}_joint/cmd_thrust"),
            ("motors/tilt", f"{SHAFT}_joint/0/cmd_pos"),
        )
    ),
)
"""The blimp: its sensors, and thrust in N and shaft angle in rad as commands."""


def bridge_file(topics: Iterable[BridgedTopic]) -> str:
    """The text of a configuration file for ros_gz_bridge."""
    header = "# Written by tools/gazebo_files.py.\n"
    return header + yaml.safe_dump([topic.entry for topic in topics], sort_keys=False)
