"""The simulated blimp over DDS: lock step, pace, clock, frames, faults, bad parameters."""

import math
import signal
import time
from pathlib import Path

import pytest
from geometry_msgs.msg import PointStamped
from nav_msgs.msg import Odometry
from rclpy.qos import DurabilityPolicy, QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu, Range
from tf2_msgs.msg import TFMessage

from snn_ros.msg import BlimpCommand, Float64Stamped
from snn_ros.ros.conversions.geometry import read_imu, read_odometry, read_range, read_transform
from snn_ros.ros.conversions.stamps import read_stamp, write_stamp
from snn_ros.ros.qos import RESULT

NODE = Path(__file__).resolve().parents[2] / "nodes" / "simulation_node"
NAME = "/simulation"
FLIGHT = """
description: rises
duration: 3.0
setpoints: [{start: 0.0, altitude: 1.0}, {start: 1.5, altitude: 1.4}]
start: {altitude: 1.0}
"""
LONG_FLIGHT = FLIGHT.replace("duration: 3.0", "duration: 600.0")


def answer_every_clock(probe, thrust=0.35, late_by_ns=0):
    """Stand in for the controller: each tick of the clock is answered under its stamp."""
    publisher = probe.speak(f"{NAME}/input/command", BlimpCommand, RESULT)
    probe.hear(f"{NAME}/output/range", Range, RESULT)  # no flight begins with nobody listening

    def answer(message):
        command = BlimpCommand(thrust_left=thrust, thrust_right=thrust)
        command.header.stamp = write_stamp(read_stamp(message.clock) - late_by_ns)
        publisher.publish(command)

    probe.node.create_subscription(Clock, "/clock", answer, RESULT)


@pytest.fixture
def fly(probe, start_node, tmp_path):
    """Start a flight; returns the process."""

    def start(text=FLIGHT, **parameters):
        file = tmp_path / "flight.yaml"
        file.write_text(text)
        arguments = ["--ros-args"]
        for name, value in ({"scenario": file} | parameters).items():
            arguments += ["-p", f"{name}:={value}"]
        return start_node(NODE, *arguments)

    return start


def ended(probe, node, timeout=30.0):
    probe.wait(lambda: node.process.poll() is not None, timeout, "the flight to end")
    probe.spin(0.2)
    assert node.process.returncode == 0, node.output
    assert "Traceback" not in node.output


def test_lock_step_answers_every_period_and_ends_with_the_flight(probe, fly):
    events = []
    for topic, kind in ((f"{NAME}/output/range", Range), ("/clock", Clock)):
        probe.node.create_subscription(
            kind, topic, lambda m, kind=kind: events.append((kind, m)), RESULT
        )
    setpoints = probe.hear(f"{NAME}/output/setpoint", PointStamped, RESULT)
    odometry = probe.hear(f"{NAME}/output/odometry", Odometry, RESULT)
    answer_every_clock(probe)
    node = fly(pace=0.0)
    ended(probe, node)
    assert "periods without an answer: 0" in node.output

    clocks = [read_stamp(m.clock) for kind, m in events if kind is Clock]
    assert clocks == [100_000_000 * (i + 1) for i in range(30)]
    ranges = [read_range(m) for kind, m in events if kind is Range]
    assert [sample.stamp_ns for sample in ranges] == clocks
    assert [m.point.z for m in setpoints] == [1.0] * 14 + [1.4] * 16
    truth = [read_odometry(m) for m in odometry]
    assert (truth[-1].frame_id, truth[-1].child_frame_id) == ("odom", "base_link")
    assert truth[-1].pose[2, 3] > 1.3
    assert truth[-1].linear_velocity[2] > 0.15
    for sample, true in zip(ranges, truth, strict=True):
        assert sample.distance == pytest.approx(true.pose[2, 3], abs=0.03)


def test_the_same_commands_give_the_same_readings(probe, fly):
    ranges = probe.hear(f"{NAME}/output/range", Range, RESULT)
    answer_every_clock(probe)
    ended(probe, fly(pace=0.0))
    readings = [(read_stamp(m.header.stamp), m.range) for m in ranges]
    assert len(readings) == 30
    ranges.clear()
    ended(probe, fly(pace=0.0))
    assert [(read_stamp(m.header.stamp), m.range) for m in ranges] == readings


def test_without_answers_the_flight_goes_on_and_counts(probe, fly):
    clocks = probe.hear("/clock", Clock, RESULT)
    node = fly(pace=0.0, step_timeout=0.02, start_timeout=4.0)
    ended(probe, node)
    assert len(clocks) == 30
    assert "periods without an answer: 30" in node.output
    assert node.output.count("MissedStep") == 1


def test_a_late_answer_does_not_count_for_the_next_period(probe, fly):
    answer_every_clock(probe, late_by_ns=1)
    node = fly(pace=0.0, step_timeout=0.05)
    ended(probe, node)
    assert "periods without an answer: 30" in node.output


def test_pace_is_kept_and_the_last_command_applied(probe, fly):
    odometry, arrivals = [], []

    def receive(message):
        odometry.append(message)
        arrivals.append(time.monotonic())

    probe.node.create_subscription(Odometry, f"{NAME}/output/odometry", receive, RESULT)
    publisher = probe.speak(f"{NAME}/input/command", BlimpCommand, RESULT)
    node = fly(LONG_FLIGHT, pace=4.0)
    probe.wait(lambda: odometry and publisher.get_subscription_count())
    assert odometry[-1].pose.pose.position.z == pytest.approx(1.0, abs=0.01)
    publisher.publish(BlimpCommand(thrust_left=0.35, thrust_right=0.35))
    first = len(odometry)
    probe.wait(lambda: odometry[-1].pose.pose.position.z > 1.3)
    probe.spin(2.0)
    simulated = read_stamp(odometry[-1].header.stamp) - read_stamp(odometry[first - 1].header.stamp)
    assert simulated * 1e-9 / (arrivals[-1] - arrivals[first - 1]) == pytest.approx(4.0, rel=0.15)
    assert node.end(signal.SIGINT) < 2.0


def test_clock_and_stamps_jump_back_together(probe, fly):
    clocks = probe.hear("/clock", Clock, RESULT)
    ranges = probe.hear(f"{NAME}/output/range", Range, RESULT)
    answer_every_clock(probe)
    scenario = FLIGHT + "faults: [{kind: clock_jump, start: 2.0, size: -1.5}]\n"
    node = fly(scenario, pace=0.0)
    ended(probe, node)
    assert "periods without an answer: 0" in node.output
    stamps = [read_stamp(m.clock) * 1e-9 for m in clocks]
    expected = [0.1 * (i + 1) - (1.5 if i >= 19 else 0.0) for i in range(30)]
    assert stamps == pytest.approx(expected)
    assert [read_stamp(m.header.stamp) * 1e-9 for m in ranges] == pytest.approx(expected)


def test_silent_and_nan_ranges(probe, fly):
    ranges = probe.hear(f"{NAME}/output/range", Range, RESULT)
    answer_every_clock(probe)
    scenario = FLIGHT + (
        "faults: [{kind: range_silent, start: 1.0, duration: 0.5},"
        " {kind: range_nan, start: 2.0, duration: 0.2}]\n"
    )
    ended(probe, fly(scenario, pace=0.0))
    stamps = [round(read_stamp(m.header.stamp) * 1e-8) for m in ranges]
    assert stamps == [*range(1, 10), *range(15, 31)]
    assert [round(read_stamp(m.header.stamp) * 1e-8) for m in ranges if math.isnan(m.range)] == [
        20,
        21,
    ]


def test_frames_imu_and_latched_static_frames(probe, fly):
    moving = probe.hear("/tf", TFMessage, RESULT)
    samples = probe.hear(f"{NAME}/output/imu", Imu, RESULT)
    fly(LONG_FLIGHT, pace=1.0)
    probe.wait(lambda: len(moving) > 5 and samples)
    transform = read_transform(moving[-1].transforms[0])
    assert (transform.parent, transform.child) == ("odom", "base_link")
    assert transform.matrix[2, 3] == pytest.approx(1.0, abs=0.01)
    imu = read_imu(samples[-1])
    assert imu.linear_acceleration[2] == pytest.approx(9.81, abs=0.3)
    assert imu.orientation is not None
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    late = probe.hear("/tf_static", TFMessage, latched)
    probe.wait(lambda: late)
    static = {t.child_frame_id: read_transform(t) for t in late[0].transforms}
    assert set(static) == {"range_finder", "imu", "hull"}
    beam = static["range_finder"].matrix[:3, 0]  # a Range measures along x
    assert beam == pytest.approx((0.0, 0.0, -1.0), abs=1e-12)


def test_contacts_are_published_and_summed_up(probe, fly):
    contacts = probe.hear(f"{NAME}/output/contact", Float64Stamped, RESULT)
    answer_every_clock(probe, thrust=0.0)
    scenario = (
        FLIGHT.replace("duration: 3.0", "duration: 10.0") + "ballast: [{start: 0.0, grams: 9.0}]\n"
    )
    node = fly(scenario, pace=0.0)
    ended(probe, node)
    assert contacts[0].header.frame_id == "floor"
    assert 0.3 < contacts[0].data < 0.8
    assert f"touched: floor at {contacts[0].data:.2f} m/s" in node.output


def test_a_command_that_is_not_finite_is_counted_and_ignored(probe, fly):
    publisher = probe.speak(f"{NAME}/input/command", BlimpCommand, RESULT)
    odometry = probe.hear(f"{NAME}/output/odometry", Odometry, RESULT)
    node = fly(LONG_FLIGHT, pace=1.0)
    probe.wait(lambda: odometry)
    publisher.publish(BlimpCommand(thrust_left=math.nan))
    probe.wait(lambda: probe.health(NAME).get("fault.BadCommand") == "1")
    before = len(odometry)
    probe.wait(lambda: len(odometry) > before + 3)
    assert "thrust_left, thrust_right, tilt = (nan, 0.0, 0.0): must be finite" in node.output


@pytest.mark.parametrize(
    ("scenario", "parameters", "expected"),
    [
        (FLIGHT + "colour: red\n", {}, "colour: unknown"),
        (FLIGHT, {"scenario": "no_such_flight"}, "scenario = 'no_such_flight': no such scenario"),
        (FLIGHT, {"use_sim_time": "true"}, "use_sim_time = True: the simulation publishes /clock"),
    ],
)
def test_what_is_wrong_is_named_and_the_node_stays(probe, fly, scenario, parameters, expected):
    node = fly(scenario, **parameters)
    probe.wait(lambda: expected in probe.health(NAME).get("message", ""), 10, expected)
    assert probe.state(NAME) == "unconfigured"
    assert node.end(signal.SIGINT) < 2.0
