"""The LiDAR detection node in this process, fed with clouds in which anything may be wrong."""

from contextlib import contextmanager

import numpy as np
import rclpy
from hypothesis import strategies as st
from rclpy.parameter import Parameter
from sensor_msgs.msg import PointCloud2

from snn_ros.nodes.lidar_detection import LidarDetectionNode
from snn_ros.ros.conversions.detections import read_detections
from snn_ros.ros.conversions.point_clouds import read_points
from support.clouds import LAYOUTS, cloud, organised
from support.fuzzed_messages import spoil
from support.lidar_scenes import SENSOR_HEIGHT, scene
from support.lidar_weights import LOW_THRESHOLD

ODD_NUMBERS = np.array([np.nan, np.inf, -np.inf, 0.0, 1e-30, 70.0, 1e6, -1e38], np.float32)


class RecordedNode(LidarDetectionNode):
    """Keeps what it would publish; a defect is raised instead of being survived."""

    class Output(list):
        publish = list.append

        def get_subscription_count(self):
            return 1

    def add_output(self, name, _message_type, **_):
        return self.outputs.setdefault(name, self.Output())

    def configure(self, parameters):
        self.outputs = {}
        super().configure(parameters)

    def fail(self, err):
        raise err

    def work(self, message):
        """What the node's thread does with a cloud."""
        self._work(message)


@contextmanager
def recorded_node(domain, weights):
    """An active node."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    values = {
        "autostart": False,
        "weights": str(weights),
        "device": "cpu",
        "sensor_height": SENSOR_HEIGHT,
        "decoding.score_threshold": LOW_THRESHOLD,
        "activity_period": 0.001,
    }
    node = RecordedNode(
        "lidar_detection",
        context=context,
        parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
    )
    try:
        node.trigger_configure()
        node.trigger_activate()
        assert node.active, node.health.failure
        yield node
    finally:
        node.close()
        rclpy.shutdown(context=context)


@st.composite
def clouds(draw) -> PointCloud2:
    """A scan in some layout, some of its points and some of its fields spoilt."""
    count = 12 * draw(st.integers(0, 60))
    points = scene().points[-count:] if count else scene().points[:0]
    points = points * np.float32(draw(st.sampled_from([1.0, 0.1, 4.0, 100.0, -1.0])))
    odd = draw(st.integers(0, count // 2))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    points.reshape(-1)[generator.integers(0, max(points.size, 1), odd)] = generator.choice(
        ODD_NUMBERS, odd
    )
    with np.errstate(invalid="ignore", over="ignore"):  # NaN as a whole number is any number
        message = cloud(points, draw(st.sampled_from(sorted(LAYOUTS))), stamp_ns=5)
    if count and draw(st.booleans()):
        organised(message, rows=12, padding=draw(st.integers(0, 5)))
    spoil(message, draw(st.data()), at_least=0)
    return message


def check(node: RecordedNode, message: PointCloud2) -> int:
    """Let the node work on a cloud: refused by a fault, or answered with boxes where points are.

    Returns:
        The number of boxes, -1 for a refusal.
    """
    found = node.outputs["detections"]
    found.clear()
    faults = sum(node.health.faults.values())
    node.work(message)
    if sum(node.health.faults.values()) > faults:
        assert not found
        return -1
    (answer,) = found
    assert answer.header == message.header
    detections = read_detections(answer)
    if not len(detections):
        return 0
    points = read_points(message).points[:, :3].astype(np.float64)
    boxes = detections.boxes
    diagonal = np.hypot(boxes[:, 3], boxes[:, 4])
    half = np.stack([diagonal, diagonal, boxes[:, 5]], axis=1) / 2 + 1e-3
    assert (boxes[:, :3] + half >= points.min(axis=0)).all()
    assert (boxes[:, :3] - half <= points.max(axis=0)).all()
    return len(detections)
