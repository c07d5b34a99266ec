"""What is written to bags is what DDS would carry."""

import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point32, Polygon, TransformStamped
from nav_msgs.msg import OccupancyGrid
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, Image, JointState, PointCloud2, PointField
from std_msgs.msg import Header, String
from tf2_msgs.msg import TFMessage

from snn_ros.msg import ObjectTruth, ObjectTruthArray
from snn_ros.nodes.serialisation import serialised, type_name

HEADER = Header(stamp=Time(sec=3, nanosec=5), frame_id="base_link")
MESSAGES = [
    String(data="hällo"),
    JointState(header=HEADER, name=["a", "bcdef"], position=[1.0, 2.0]),
    JointState(),
    Image(header=HEADER, height=1, width=3, encoding="mono8", step=3, data=[1, 2, 3]),
    PointCloud2(
        header=HEADER,
        fields=[PointField(name="x", datatype=PointField.FLOAT32, count=1)],
        data=bytes(8),
    ),
    CameraInfo(header=HEADER, d=[0.1, 0.2], k=[float(i) for i in range(9)]),
    TFMessage(transforms=[TransformStamped(header=HEADER, child_frame_id="lidar")] * 2),
    OccupancyGrid(header=HEADER, data=[-1, 0, 100]),
    Polygon(points=[Point32(x=1.0)]),
    ObjectTruthArray(header=HEADER, objects=[ObjectTruth(class_name="Car", track_id=3)]),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_ros_reads_the_same_message(message):
    cdr = bytes(serialised(message))
    assert deserialize_message(cdr, type(message)) == message
    assert len(cdr) <= len(serialize_message(message))


def test_type_names():
    assert type_name(String) == "std_msgs/msg/String"
    assert type_name(ObjectTruth) == "snn_ros/msg/ObjectTruth"
