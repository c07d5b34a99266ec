"""Criterion 8: streams shaped as Gazebo's bridge makes them go through every node over DDS."""

import math
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PointStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Imu, LaserScan, PointCloud2, Range
from std_msgs.msg import Float64
from support import gazebo_stream
from support.gazebo_stream import GazeboStream, Sensor, check_pause_and_reset

from snn_ros.msg import BlimpCommand
from snn_ros.packages import OWN_PACKAGE, find_executable
from snn_ros.ros.conversions.point_clouds import read_points
from snn_ros.ros.launcher.parser import load
from snn_ros.ros.qos import RESULT

ROOT = Path(__file__).resolve().parents[2]
NULL = ROOT / "test" / "ros" / "fixtures" / "null_perception_node.py"
SILENCE_LIMIT = ("-p", "silence_limit:=1.0")


def test_the_cloud_is_read_without_its_infinite_points():
    message = gazebo_stream.cloud(5)
    points = read_points(message, optional=("intensity", "time", "ring"))
    assert points.missing == ("time", "ring")
    assert points.frame_id == "ego/base_link/lidar"
    assert 0 < len(points.points) < 64 * 1024
    assert points.non_finite == 64 * 1024 - len(points.points)
    assert np.isfinite(points.points).all()
    raw = np.frombuffer(bytes(message.data), np.float32)
    assert np.isposinf(raw).any()
    assert np.isneginf(raw).any()
    assert points.points[:, 0] == pytest.approx(np.full(len(points.points), 12.0), rel=0.2)


def test_clouds_through_a_perception_node(probe, start_node):
    name = "/null_perception"
    node = start_node(NULL, "--ros-args", "-p", "use_sim_time:=true", *SILENCE_LIMIT)
    answers = probe.hear(f"{name}/output/points", PointCloud2, RESULT)
    stream = GazeboStream(
        probe, {f"{name}/input/points": Sensor(PointCloud2, gazebo_stream.cloud, every=2)}
    )
    probe.wait_active(name)
    check_pause_and_reset(probe, stream, name, answers, settling=0.5)
    assert node.process.poll() is None
    assert {message.header.frame_id for message in answers} == {"ego/base_link/lidar"}


@pytest.fixture
def blimp(probe, start_node):
    """Our nodes of launch/gazebo_blimp.launch.xml, started as the launcher does."""
    nodes = {}
    for process in load(ROOT / "launch" / "gazebo_blimp.launch.xml").nodes:
        if process.package == OWN_PACKAGE:
            executable = find_executable(process.package, process.executable)
            words = process.command(executable)
            nodes[process.full_name] = start_node(
                executable, *words[words.index("--ros-args") :], *SILENCE_LIMIT
            )
    for name in nodes:
        probe.wait_active(name)
    return nodes


class Hovering:
    """Scans of a range finder whose distance the test sets."""

    distance = 1.0

    def scan(self, stamp_ns: int) -> LaserScan:
        return gazebo_stream.scan(stamp_ns, self.distance)


def test_the_blimp_flies_on_what_gazebo_sends(probe, blimp):
    control, beam = "/blimp/blimp_control", Hovering()
    stream = GazeboStream(
        probe,
        {
            "/blimp/range_scan": Sensor(LaserScan, beam.scan),
            "/blimp/imu": Sensor(Imu, gazebo_stream.imu),
            "/blimp/ground_truth/odometry": Sensor(
                Odometry, lambda stamp_ns: gazebo_stream.odometry(stamp_ns, "blimp")
            ),
        },
        speed=2.0,
    )
    ranges = probe.hear("/blimp/range", Range, RESULT)
    commands = probe.hear("/blimp/command", BlimpCommand, RESULT)
    thrusts = probe.hear("/blimp/motors/thrust_left", Float64, RESULT)
    setpoint = probe.speak("/blimp/setpoint", PointStamped, RESULT)
    check_pause_and_reset(probe, stream, control, commands)
    for name, node in blimp.items():
        assert node.process.poll() is None, node.output
        probe.wait(lambda name=name: "fault.clock_jump_back" in probe.health(name), 5.0, name)
    assert {message.header.frame_id for message in ranges} == {"blimp/gondola/range_finder"}

    wanted = PointStamped()
    wanted.header.frame_id = "odom"
    wanted.point.z = 2.0  # above the range given, so that it pushes up
    setpoint.publish(wanted)
    stream.play(2.0)
    assert commands[-1].thrust_left > 0.0
    assert thrusts[-1].data > 0.0

    # Nothing within reach: no altitude is made up, and after a while there is no thrust.
    beam.distance = math.inf
    ranges.clear()
    stream.play(3.0)
    assert {message.range for message in ranges} == {math.inf}
    probe.wait(lambda: int(probe.health(control)["level"]) > 0, 5.0, "an alarm")
    assert int(probe.health(control)["fault.RejectedInput"]) > 20
    stream.play(3.5)
    assert commands[-1].thrust_left == 0.0
    assert thrusts[-1].data == 0.0
    beam.distance = 1.0
    stream.play(2.0)
    probe.wait(lambda: probe.health(control)["state"] == "running", 3.0, "it to run again")
