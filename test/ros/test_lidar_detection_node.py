"""The LiDAR detection node over DDS: every layout answered, every fault named, never more work
than it can do."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2
from support.clouds import FULL, LAYOUTS, cloud, organised
from support.lidar_scenes import SENSOR_HEIGHT, scene
from support.lidar_weights import LOW_THRESHOLD, untrained
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.lidar_detection import DetectorConfig, LidarDetector
from snn_ros.lidar_detection.edge_decoding import DecodingConfig
from snn_ros.lidar_detection.scans import CLASSES
from snn_ros.msg import Float64Stamped, SpikeActivity
from snn_ros.ros.conversions.detections import read_detections
from snn_ros.ros.conversions.geometry import StampedTransform, write_transform
from snn_ros.ros.conversions.stamps import write_stamp
from snn_ros.ros.qos import LATCHED, RESULT, SENSOR

NAME = "/lidar_detection"
SLOW = Path(__file__).parent / "fixtures" / "slow_lidar_detection_node.py"
ERROR = str(DiagnosticStatus.ERROR[0])


def bright(points):
    """With brightness in whole steps, which integer fields can hold."""
    points = points.copy()
    points[:, 3] = np.rint(points[:, 3] * FULL) / FULL
    return points


POINTS = bright(scene().points)[:2400]


@pytest.fixture
def weights(tmp_path):
    return untrained(tmp_path)


def parameters(weights, **values):
    given = {
        "weights": weights,
        "device": "cpu",
        "sensor_height": SENSOR_HEIGHT,
        "decoding.score_threshold": LOW_THRESHOLD,
        "slow_ms": 60000.0,  # however busy the machine of the test is
    } | values
    return ("--ros-args", *(a for n, v in given.items() for a in ("-p", f"{n}:={v}")))


class Running:
    """A node with its clouds and answers."""

    def __init__(self, probe, node):
        self.probe, self.node = probe, node
        self.publisher = probe.speak(f"{NAME}/input/points", PointCloud2, SENSOR)
        self.answers = probe.hear(f"{NAME}/output/detections", Detection3DArray, RESULT)
        self.done = probe.hear(f"{NAME}/debug/processing_time_ms", Float64Stamped, RESULT)

    def ready(self):
        self.probe.wait_active(NAME, timeout=60.0)  # importing torch on a busy machine
        self.probe.wait(lambda: self.publisher.get_subscription_count() > 0)
        self.probe.wait(
            lambda: all(
                self.probe.node.count_publishers(f"{NAME}/{topic}")
                for topic in ("output/detections", "debug/processing_time_ms")
            )
        )

    def answer(self, message):
        """What is detected in a cloud; best effort may lose one, so it is sent again."""
        before = len(self.answers)
        for _ in range(20):
            self.publisher.publish(message)
            for _ in range(50):
                self.probe.spin(0.02)
                if len(self.answers) > before:
                    return self.answers[-1]
        raise AssertionError(f"no answer: {self.node.output}")

    def refused(self, message, reason):
        """Send a cloud, of which the log must say why it is not answered."""
        before, stamp = len(self.answers), message.header.stamp
        self.publisher.publish(message)
        self.probe.wait(
            lambda: any(time.header.stamp == stamp for time in self.done), what="the end of work"
        )
        self.probe.wait(lambda: reason in self.node.output, what=reason)
        assert len(self.answers) == before


@pytest.fixture
def start(probe, start_node):
    def started(executable, *arguments):
        return Running(probe, start_node(executable, *arguments))

    return started


def detector(weights):
    config = DetectorConfig(
        sensor_height=SENSOR_HEIGHT, decoding=DecodingConfig(score_threshold=LOW_THRESHOLD)
    )
    return LidarDetector.from_config(device="cpu", weights=weights, config=config)


def boxes_of(message):
    return read_detections(message).boxes


def test_every_layout_is_answered_with_its_stamp_and_frame(probe, start, weights):
    running = start("lidar_detection_node", *parameters(weights, activity_period="0.2"))
    markers = probe.hear(f"{NAME}/output/markers", MarkerArray, RESULT)
    activity = probe.hear(f"{NAME}/output/spike_activity", SpikeActivity, RESULT)
    stages = ("conversion", "voxels", "network", "decoding", "publishing")
    times = {
        stage: probe.hear(f"{NAME}/debug/processing_time/{stage}_ms", Float64Stamped, RESULT)
        for stage in stages
    }
    running.ready()
    expected = {}
    for brightness in (0.0, 1.0):
        dim = POINTS * np.array([1, 1, 1, brightness], np.float32)
        expected[brightness] = detector(weights).detect(dim).detections
    assert len(expected[1.0].boxes) > 10

    messages = {name: cloud(POINTS, name, stamp_ns=i + 1) for i, name in enumerate(LAYOUTS)}
    messages["organised"] = organised(cloud(POINTS, "xyzirc", stamp_ns=99), rows=24)
    for name, message in messages.items():
        answer = running.answer(message)
        assert answer.header == message.header, name
        found, wanted = read_detections(answer), expected[float(name != "xyz")]
        # yaw goes through a quaternion
        np.testing.assert_allclose(found.boxes[:, :6], wanted.boxes[:, :6], atol=1e-9)
        assert list(found.class_names) == [CLASSES[label] for label in wanted.labels], name
        np.testing.assert_allclose(found.scores, wanted.scores)

    empty = running.answer(cloud(POINTS[:0], stamp_ns=200))
    assert empty.header.stamp.nanosec == 200
    assert len(empty.detections) == 0
    large = np.tile(POINTS, (125, 1))
    np.testing.assert_array_equal(
        boxes_of(running.answer(cloud(large, stamp_ns=300))),
        boxes_of(running.answer(messages["xyzi"])),
    )

    probe.wait(lambda: len(markers) > 5 and activity and all(times.values()))
    assert all(m.markers[0].action == Marker.DELETEALL for m in markers)
    assert any(marker.lifetime.nanosec for marker in markers[-1].markers[1:])
    assert 0 < np.mean(activity[-1].firing_rates) <= 4
    assert activity[-1].synaptic_operations > 0
    probe.wait(
        lambda: "firing_rate" in probe.health(NAME) and probe.health(NAME)["points"] == "2400"
    )
    health = probe.health(NAME)
    assert health["device"] == "cpu"
    assert health["message"] == "running"
    assert int(health["voxels"]) > 1000
    assert int(health["boxes"]) == len(expected[1.0].boxes)


def spoilt(**values):
    message = cloud(POINTS)
    for name, value in values.items():
        setattr(message, name, value)
    return message


def flipped():
    points = np.tile(POINTS, (2, 1)) * np.array([1, -1, -1, 1], np.float32)
    return cloud(points)


def test_what_cannot_be_used_is_named_and_the_next_cloud_is_answered(probe, start, weights):
    running = start("lidar_detection_node", *parameters(weights, max_age="60000.0"))
    running.ready()
    now = probe.node.get_clock().now().nanoseconds
    fine = cloud(POINTS, stamp_ns=now)
    running.answer(fine)
    bad = {
        "BadEncoding: is_bigendian: True": spoilt(is_bigendian=True),
        "BadEncoding": spoilt(fields=[]),
        "BadSize: data: 3: expected height * row_step": spoilt(data=b"123"),
        "BadSize": spoilt(point_step=0),
        "BadSize ": spoilt(row_step=7),
        "BadFrame: header.frame_id: ''": cloud(POINTS, frame=""),
        "UpsideDownCloud: z: ": flipped(),
    }
    for i, message in enumerate(bad.values()):
        message.header.stamp = write_stamp(now + i + 1)
    bad["BadStamp: header.stamp.sec: -1: negative"] = cloud(POINTS, stamp_ns=-(10**9))
    bad["StaleCloud: header.stamp: 100"] = cloud(POINTS, stamp_ns=now - 100 * 10**9)
    bad["StaleCloud"] = cloud(POINTS, stamp_ns=now + 100 * 10**9)
    for named, message in bad.items():
        running.refused(message, named.strip())  # of each kind the first one is logged
    kinds = Counter(named.split(":")[0].strip() for named in bad)
    counted = {f"fault.{kind}": str(count) for kind, count in kinds.items()}
    probe.wait(lambda: counted.items() <= probe.health(NAME).items(), what=str(counted))
    assert probe.health(NAME)["message"].startswith("the newest cloud was refused: header.stamp: -")
    assert probe.health(NAME)["level"] == ERROR
    assert len(boxes_of(running.answer(fine))) > 0
    far = running.answer(cloud(POINTS + np.float32(1000), stamp_ns=now))
    assert len(far.detections) == 0
    probe.wait(lambda: "no point of the cloud" in probe.health(NAME)["message"])
    health = probe.health(NAME)
    assert int(health["points.received"]) == int(health["processed"]) + int(
        health["points.dropped"]
    )
    assert "Traceback" not in running.node.output


def test_boxes_come_in_the_target_frame_by_tf(probe, start, weights):
    running = start(
        "lidar_detection_node",
        *parameters(weights, target_frame="base_link", sensor_height="9.0"),
    )
    running.ready()
    turned = np.radians(90.0)
    # The LiDAR looks to the left, mounted upside down.
    mount = rigid_transform(
        (0.5, -0.25, SENSOR_HEIGHT), (np.cos(turned / 2), np.sin(turned / 2), 0.0, 0.0)
    )
    base = POINTS.copy()
    base[:, :3] = POINTS[:, :3] @ mount[:3, :3].astype(np.float32)
    message = cloud(base)
    running.refused(message, "UnknownFrame: frame 'base_link': known are none yet")
    static = probe.speak("/tf_static", TFMessage, LATCHED)
    static.publish(
        TFMessage(transforms=[write_transform(StampedTransform(0, "base_link", "lidar", mount))])
    )
    answer = running.answer(message)
    assert answer.header.frame_id == "base_link"
    assert answer.header.stamp == message.header.stamp
    wanted = detector(weights).detect(POINTS).detections.boxes
    found = boxes_of(answer)
    shift = np.array([0.5, -0.25, SENSOR_HEIGHT])
    np.testing.assert_allclose(found[:, :3], wanted[:, :3] + shift, atol=0.02)


def test_a_clock_that_goes_back_is_reported_and_clouds_are_answered(probe, start, weights):
    running = start("lidar_detection_node", *parameters(weights, use_sim_time="true"))
    clock = probe.speak("/clock", Clock, 10)
    running.ready()
    probe.wait(lambda: clock.get_subscription_count() > 0)
    for seconds in (100, 101, 20, 21):
        message = Clock()
        message.clock.sec = seconds
        clock.publish(message)
        probe.spin(0.1)
        answer = running.answer(cloud(POINTS, stamp_ns=seconds * 10**9))
        assert answer.header.stamp.sec == seconds
    probe.wait(lambda: probe.health(NAME).get("fault.clock_jump_back") == "1")


def test_wrong_weights_are_named_until_they_are_right(probe, start, tmp_path):
    path = tmp_path / "untrained.safetensors"
    running = start("lidar_detection_node", *parameters(path))
    probe.wait(lambda: str(tmp_path) in probe.health(NAME).get("message", ""), timeout=60.0)
    assert probe.health(NAME)["level"] == ERROR
    assert probe.state(NAME) == "unconfigured"
    untrained(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert not probe.change_state(NAME, "configure")
    probe.wait(lambda: "the manifest says" in probe.health(NAME)["message"])
    path.write_bytes(whole)
    assert probe.change_state(NAME, "configure")
    assert probe.change_state(NAME, "activate")
    running.ready()
    assert len(running.answer(cloud(POINTS)).detections) > 0
    assert "Traceback" not in running.node.output


def test_20_hz_into_a_detector_of_1_hz_is_dropped_and_counted(probe, start, weights):
    running = start(SLOW, *parameters(weights))
    running.ready()
    sent = 0
    for _ in range(50):
        sent += 1
        running.publisher.publish(cloud(POINTS, stamp_ns=sent))
        probe.spin(0.05)

    def accounted():
        health = probe.health(NAME)
        handled = int(health["processed"]) + int(health["points.dropped"])
        return int(health["points.received"]) == handled == sent

    probe.wait(accounted, what="every cloud to be accounted for")
    stamps = [answer.header.stamp.nanosec for answer in running.answers]
    assert stamps == sorted(stamps)
    assert stamps[-1] == sent  # the newest one is never dropped
    assert len(stamps) <= 5
