"""The blimp's drivers in Gazebo over DDS: scan to range, command to forces."""

import math

import pytest
from sensor_msgs.msg import LaserScan, Range
from std_msgs.msg import Float64
from support import gazebo_stream

from snn_ros.msg import BlimpCommand
from snn_ros.ros.qos import RESULT, SENSOR
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters

NAME = "/blimp_gazebo"


def scan_message(ranges, stamp=3, frame="blimp/gondola/range_finder"):
    message = gazebo_stream.scan(stamp * 10**9, frame=frame)
    message.ranges = ranges
    return message


@pytest.fixture
def node(start_node, probe):
    node = start_node("blimp_gazebo_node")
    probe.wait_active(NAME)
    return node


def test_the_middle_ray_is_the_range_and_bad_scans_give_none(node, probe):
    scans = probe.speak(f"{NAME}/input/scan", LaserScan, SENSOR)
    ranges = probe.hear(f"{NAME}/output/range", Range, RESULT)
    probe.wait(lambda: scans.get_subscription_count())
    probe.spin(0.5)
    for i, distance in enumerate((1.25, math.inf, -math.inf)):
        scans.publish(scan_message([9.0, distance, 9.0], stamp=i))
        probe.wait(lambda count=i + 1: len(ranges) == count, what="a range")
    assert [message.range for message in ranges] == [1.25, math.inf, -math.inf]
    assert [message.header.stamp.sec for message in ranges] == [0, 1, 2]
    assert {message.header.frame_id for message in ranges} == {"blimp/gondola/range_finder"}
    assert ranges[0].min_range == pytest.approx(0.1)
    assert ranges[0].field_of_view == pytest.approx(0.04)

    bad_limits = scan_message([1.0])
    bad_limits.range_max = 0.05
    for message in (
        scan_message([]), scan_message([1.0, math.nan, 1.0]), scan_message([1.0], frame=""),
        bad_limits,
    ):  # fmt: skip
        scans.publish(message)
        probe.spin(0.05)
    scans.publish(scan_message([2.0]))
    probe.wait(lambda: len(ranges) == 4, what="the good scan's range")
    assert ranges[3].range == 2.0
    probe.wait(lambda: "fault.BadFrame" in probe.health(NAME), 5.0, "diagnostics")
    health = probe.health(NAME)
    assert health["fault.BadSize"] == "1"
    assert health["fault.BadValue"] == "2"
    assert health["fault.BadFrame"] == "1"
    assert node.process.poll() is None


def test_duty_becomes_force_and_the_end_is_without_thrust(node, probe):
    commands = probe.speak(f"{NAME}/input/command", BlimpCommand, RESULT)
    forces = {
        name: probe.hear(f"{NAME}/output/{name}", Float64, RESULT)
        for name in ("thrust_left", "thrust_right", "tilt")
    }
    probe.wait(lambda: commands.get_subscription_count())
    probe.spin(0.5)
    commands.publish(BlimpCommand(thrust_left=0.5, thrust_right=1.0, tilt=4.0))
    probe.wait(lambda: all(forces.values()), what="forces")
    blimp = BlimpParameters()
    assert forces["thrust_left"][0].data == pytest.approx(blimp.static_thrust(0.5))
    assert forces["thrust_right"][0].data == pytest.approx(blimp.static_thrust(1.0))
    assert forces["tilt"][0].data == pytest.approx(math.pi)
    commands.publish(BlimpCommand(thrust_left=math.nan))
    probe.wait(lambda: "fault.BadCommand" in probe.health(NAME), 5.0, "diagnostics")
    assert len(forces["tilt"]) == 1
    assert node.end() < 2.0
    for name in ("thrust_left", "thrust_right"):
        probe.wait(lambda name=name: len(forces[name]) == 2, what="the last command")
        assert forces[name][1].data == 0.0
