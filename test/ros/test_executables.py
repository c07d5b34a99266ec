"""Each node as a bare executable, with no launcher: it activates, publishes, and does so again
after it was killed."""

import signal
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PointStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image, PointCloud2, Range
from std_msgs.msg import Float64
from support.clouds import cloud
from support.lidar_scenes import scene
from support.lidar_weights import untrained
from vision_msgs.msg import Detection3DArray

from snn_ros.msg import BlimpCommand, PlaceMatch
from snn_ros.ros.conversions.images import write_image
from snn_ros.ros.qos import RESULT, SENSOR

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = ROOT / "config" / "nodes"


def range_message(probe):
    message = Range(min_range=0.1, max_range=12.0, range=1.0, field_of_view=0.04)
    message.header.frame_id = "range_finder"
    message.header.stamp = probe.node.get_clock().now().to_msg()
    return message


def command_message(probe):
    message = BlimpCommand(thrust_left=0.3, thrust_right=0.3)
    message.header.stamp = probe.node.get_clock().now().to_msg()
    return message


def cloud_message(probe):
    return cloud(scene().points, stamp_ns=probe.node.get_clock().now().nanoseconds)


def image_message(probe):
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    return write_image(pixels, "mono8", probe.node.get_clock().now().nanoseconds, "camera")


# node: its input, how often it is fed, and what must come out
NODES = {
    "blimp_control": ("range", Range, SENSOR, range_message, "command", BlimpCommand),
    "blimp_motors": ("command", BlimpCommand, RESULT, command_message, "command", BlimpCommand),
    "blimp_gazebo": (
        "command", BlimpCommand, RESULT, command_message, "thrust_left", Float64,
    ),
    "simulation": (
        "command", BlimpCommand, RESULT, command_message, "odometry", Odometry,
    ),
    "lidar_detection": (
        "points", PointCloud2, SENSOR, cloud_message, "detections", Detection3DArray,
    ),
    "place_recognition": ("image", Image, SENSOR, image_message, "match", PlaceMatch),
}  # fmt: skip

NEEDS_WEIGHTS = {"lidar_detection": untrained}


@pytest.mark.parametrize("name", NODES)
def test_a_bare_executable_activates_publishes_and_does_so_again_after_a_kill(
    probe, start_node, tmp_path, name
):
    given, given_type, qos, make, asked, asked_type = NODES[name]
    publisher = probe.speak(f"/{name}/input/{given}", given_type, qos)
    answers = probe.hear(f"/{name}/output/{asked}", asked_type, RESULT)
    parameters = ["--ros-args", "--params-file", str(CONFIG / f"{name}.yaml")]
    if name in NEEDS_WEIGHTS:
        parameters += ["-p", f"weights:={NEEDS_WEIGHTS[name](tmp_path)}"]
    for _ in range(2):
        node = start_node(f"{name}_node", *parameters)
        probe.wait_active(f"/{name}")
        answers.clear()
        for _ in range(100):
            publisher.publish(make(probe))
            probe.spin(0.05)
            if len(answers) >= 5:
                break
        assert len(answers) >= 5, node.output
        assert node.process.poll() is None
        node.end(signal.SIGKILL)


def test_every_executable_is_covered():
    # A player has nothing to publish without a recording; test/bags starts it with one.
    assert {path.name.removesuffix("_node") for path in (ROOT / "nodes").iterdir()} == {
        *NODES,
        "bag_player",
    }


def test_the_motors_stop_when_the_commands_do(probe, start_node):
    start_node("blimp_motors_node")
    publisher = probe.speak("/blimp_motors/input/command", BlimpCommand, RESULT)
    applied = probe.hear("/blimp_motors/output/command", BlimpCommand, RESULT)
    probe.wait_active("/blimp_motors")
    probe.wait(lambda: publisher.get_subscription_count() > 0)
    command = command_message(probe)
    for _ in range(10):
        publisher.publish(command)
        probe.spin(0.1)
    assert applied[-1].thrust_left == pytest.approx(0.3)
    command.thrust_right = float("nan")
    publisher.publish(command)
    probe.spin(0.1)
    assert applied[-1].thrust_left == pytest.approx(0.3)  # the one before stays
    probe.spin(0.4)
    assert applied[-1].thrust_left == applied[-1].thrust_right == 0.0
    probe.wait(lambda: "motors off" in probe.health("/blimp_motors").get("message", ""))
    assert probe.health("/blimp_motors")["fault.BadCommand"] == "1"


def test_a_controller_that_is_told_to_stop_leaves_zero_thrust(probe, start_node):
    node = start_node("blimp_control_node")
    ranges = probe.speak("/blimp_control/input/range", Range, SENSOR)
    setpoint = probe.speak("/blimp_control/input/setpoint", PointStamped, RESULT)
    commands = probe.hear("/blimp_control/output/command", BlimpCommand, RESULT)
    probe.wait_active("/blimp_control")
    probe.wait(lambda: setpoint.get_subscription_count() > 0)
    wanted = PointStamped()
    wanted.header.frame_id = "odom"
    wanted.point.z = 2.0  # far above the range given, so that it pushes up
    for _ in range(40):
        ranges.publish(range_message(probe))
        setpoint.publish(wanted)
        probe.spin(0.1)
    assert commands[-1].thrust_left > 0.2
    assert node.end(signal.SIGTERM) < 2.0
    probe.spin(0.2)
    assert commands[-1].thrust_left == 0.0


def test_a_bare_executable_takes_our_dds_profile_unless_told_otherwise(start_node, monkeypatch):
    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE")
    for given, expected in ((None, ROOT / "config" / "dds" / "fastdds.xml"), ("", "")):
        if given is not None:
            monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", given)
        node = start_node(Path(__file__).parent / "fixtures" / "profile_in_force.py")
        assert node.process.wait(20) == 0, node.output
        assert node.output.strip().splitlines()[-1] == f"profile: {expected}".strip()
