"""The node base over DDS, with a perception node that has no network."""

import signal
import time
from array import array
from pathlib import Path

import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2
from support import cloud_load

from snn_ros.msg import Float64Stamped
from snn_ros.ros.qos import RESULT, SENSOR

NULL = Path(__file__).parent / "fixtures" / "null_perception_node.py"
NAME = "/null_perception"


def cloud(size=16, frame="lidar", nanoseconds=1):
    message = PointCloud2(height=1, width=size // 16, point_step=16, row_step=size)
    message.header.frame_id = frame
    message.header.stamp.nanosec = nanoseconds
    message.data = array("B", bytes(size))
    return message


def parameters(**values):
    arguments = ["--ros-args"]
    for name, value in values.items():
        arguments += ["-p", f"{name}:={value}"]
    return arguments


@pytest.fixture
def points(probe):
    publisher = probe.speak(f"{NAME}/input/points", PointCloud2, SENSOR)

    def connected():
        return publisher.get_subscription_count() > 0

    publisher.connected = connected
    return publisher


def test_it_starts_itself_answers_and_ends_within_two_seconds(probe, start_node, points):
    node = start_node(NULL)
    answers = probe.hear(f"{NAME}/output/points", PointCloud2, RESULT)
    times = probe.hear(f"{NAME}/debug/processing_time_ms", Float64Stamped, RESULT)
    probe.wait_active(NAME)
    probe.wait(points.connected)
    for i in range(5):
        points.publish(cloud(nanoseconds=i + 1))
        probe.wait(lambda i=i: len(answers) == i + 1, 5)
    assert [a.header.stamp.nanosec for a in answers] == [1, 2, 3, 4, 5]
    probe.wait(lambda: len(times) == 5)
    assert times[0].header.stamp.nanosec == 1
    assert node.end(signal.SIGTERM) < 2.0
    assert node.process.returncode == 0
    assert "Traceback" not in node.output


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"work_ms": "-1.0"}, "work_ms = -1.0: must be at least 0"),
        ({"work_ms": "fast"}, "work_ms = 'fast': must be float, not str"),
        ({"mode": "sleep"}, "mode = 'sleep': must be one of 'echo', 'raise'"),
        ({"wrok_ms": "1.0"}, "wrok_ms = 1.0: unknown"),
    ],
)
def test_a_wrong_parameter_refuses_configure_by_name_and_stays_visible(
    probe, start_node, values, expected
):
    node = start_node(NULL, *parameters(**values))
    probe.wait(lambda: expected in probe.health(NAME).get("message", ""), 10, expected)
    assert probe.state(NAME) == "unconfigured"
    assert probe.health(NAME)["level"] == "2"
    assert expected in node.output


def test_a_parameter_set_right_lets_configure_succeed(probe, start_node):
    start_node(NULL, *parameters(work_ms="-1.0"))
    probe.wait(lambda: "work_ms" in probe.health(NAME).get("message", ""))
    assert not probe.change_state(NAME, "configure")
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=2.0)
    request = SetParameters.Request(parameters=[Parameter(name="work_ms", value=value)])
    assert probe.call(f"{NAME}/set_parameters", SetParameters, request).results[0].successful
    assert probe.change_state(NAME, "configure")
    assert probe.change_state(NAME, "activate")
    assert probe.state(NAME) == "active"


def test_parameters_are_described_with_unit_and_range(probe, start_node):
    start_node(NULL)
    probe.wait_active(NAME)
    request = DescribeParameters.Request(names=["work_ms", "autostart"])
    work, autostart = probe.call(
        f"{NAME}/describe_parameters", DescribeParameters, request
    ).descriptors
    assert work.description == "how long an answer takes [ms]"
    assert work.floating_point_range[0].to_value == 9000.0
    assert autostart.read_only


def test_without_autostart_it_waits_for_a_manager_and_stays_silent(probe, start_node, points):
    start_node(NULL, *parameters(autostart="false"))
    answers = probe.hear(f"{NAME}/output/points", PointCloud2, RESULT)
    assert probe.state(NAME) == "unconfigured"
    assert probe.change_state(NAME, "configure")
    probe.wait(points.connected)
    points.publish(cloud())
    probe.spin(0.5)
    assert not answers
    assert probe.change_state(NAME, "activate")
    points.publish(cloud())
    probe.wait(lambda: answers)
    assert probe.change_state(NAME, "deactivate")
    points.publish(cloud())
    probe.spin(0.5)
    assert len(answers) == 1


def test_bad_input_is_counted_and_the_next_message_is_answered(probe, start_node, points):
    node = start_node(NULL)
    answers = probe.hear(f"{NAME}/output/points", PointCloud2, RESULT)
    probe.wait_active(NAME)
    probe.wait(points.connected)
    for frame in ("refuse", "refuse", "lidar"):
        points.publish(cloud(frame=frame))
        probe.spin(0.2)
    probe.wait(lambda: answers)
    assert len(answers) == 1
    probe.wait(lambda: probe.health(NAME).get("fault.RefusedCloudError") == "2")
    assert node.output.count("frame_id = 'refuse'") == 1


def test_a_defect_goes_through_error_processing_and_can_be_started_again(probe, start_node, points):
    node = start_node(NULL)
    answers = probe.hear(f"{NAME}/output/points", PointCloud2, RESULT)
    probe.wait_active(NAME)
    probe.wait(points.connected)
    points.publish(cloud(frame="crash"))
    probe.wait(lambda: probe.state(NAME) == "unconfigured")
    probe.wait(lambda: probe.health(NAME).get("message") == "RuntimeError: a defect")
    assert "Traceback" in node.output
    assert probe.change_state(NAME, "configure")
    assert probe.change_state(NAME, "activate")
    probe.wait(points.connected)
    points.publish(cloud())
    probe.wait(lambda: answers)


def test_the_newest_message_wins_and_drops_are_accounted_for(probe, start_node, points):
    start_node(NULL, *parameters(work_ms="300.0"))
    answers = probe.hear(f"{NAME}/output/points", PointCloud2, RESULT)
    probe.wait_active(NAME)
    probe.wait(points.connected)
    for i in range(10):
        points.publish(cloud(nanoseconds=i + 1))
        probe.spin(0.02)
    probe.wait(lambda: answers and answers[-1].header.stamp.nanosec == 10)

    def accounted():
        values = probe.health(NAME)
        return (
            values
            and int(values["points.received"]) == len(answers) + int(values["points.dropped"]) == 10
        )

    probe.wait(accounted)
    assert len(answers) <= 4


def test_silence_names_the_topic_and_the_reason(probe, start_node):
    node = start_node(NULL, *parameters(silence_limit="1.0"))
    probe.wait_active(NAME)
    probe.wait(lambda: "no publisher" in node.output, 5)
    topic = f"{NAME}/input/points"
    assert topic in node.output
    probe.wait(lambda: probe.health(NAME).get("message") == f"no data on {topic}")


@pytest.mark.parametrize("after_silence", [False, True])
def test_incompatible_qos_is_named(probe, start_node, after_silence):
    """Also when the publisher comes after silence was reported for another reason."""
    node = start_node(
        NULL,
        *parameters(silence_limit="1.0"),
        "-p",
        f"qos_overrides.{NAME}/input/points.subscription.reliability:=reliable",
    )
    if after_silence:
        probe.wait(lambda: "no publisher" in node.output, 10)
    probe.speak(f"{NAME}/input/points", PointCloud2, SENSOR)
    probe.wait(lambda: "another RELIABILITY than asked for" in node.output, 10)
    probe.wait(lambda: "incompatible QoS of a publisher: RELIABILITY" in node.output, 5)


def test_a_hung_pipeline_still_alarms(probe, start_node, points):
    start_node(NULL, *parameters(work_ms="4000.0", slow_ms="50.0"))
    probe.wait_active(NAME)
    probe.wait(points.connected)
    points.publish(cloud())
    probe.wait(lambda: "processing hangs" in probe.health(NAME).get("message", ""), 4)


def test_simulated_time_going_back_is_reported(probe, start_node):
    start_node(NULL, *parameters(use_sim_time="true"))
    clock = probe.speak("/clock", Clock, 10)
    probe.wait_active(NAME)
    probe.wait(lambda: clock.get_subscription_count() > 0)
    for seconds in (100, 101, 96):
        message = Clock()
        message.clock.sec = seconds
        clock.publish(message)
        probe.spin(0.2)
    probe.wait(lambda: "fault.clock_jump_back" in probe.health(NAME))
    assert probe.health(NAME)["last_fault"] == "ROS time went back by 5.000 s, history cleared"


def test_interrupt_during_work_leaves_in_time(probe, start_node, points):
    node = start_node(NULL, *parameters(work_ms="9000.0"))
    probe.wait_active(NAME)
    probe.wait(points.connected)
    points.publish(cloud())
    probe.spin(0.3)
    began = time.monotonic()
    node.end(signal.SIGINT)
    assert time.monotonic() - began < 2.0


def test_large_clouds_at_sensor_rate_are_all_accounted_for(probe, start_node):
    figures = cloud_load.soak(probe, start_node, seconds=8.0, warm_up=2.0)
    assert cloud_load.unaccounted(figures) == []
    assert figures["threads"][0] == figures["threads"][1]
    assert figures["descriptors"][1] - figures["descriptors"][0] <= 1
