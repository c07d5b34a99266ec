"""The simulated street over DDS: lock step, pace, pause, paths to follow, and what is wrong."""

import math
import signal
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path as File

import mujoco
import pytest
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry, Path
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu, PointCloud2
from std_srvs.srv import SetBool, Trigger
from support.replay import ALL, counts

from snn_ros.nodes.serialisation import serialised
from snn_ros.nodes.street_topics import Stamped, messages, static_messages, topics
from snn_ros.ros.conversions.stamps import from_seconds, read_stamp, write_header
from snn_ros.ros.qos import RESULT, SENSOR
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.street.scenario import load_street_scenario
from snn_ros.simulation.street.simulation import StreetSimulation

NAME = "/simulation"
PERIOD_NS = 100_000_000
STREET = """
seed: 3
layout: {length: 120.0}
ego: {position: 20.0, speed: 6.0}
duration: {duration}
traffic: {vehicles: 2, pedestrians: 1}
sensors: {lidar: vlp_16, lidar_columns: 128{sensors}}
"""
BLOCKED = """
seed: 3
layout: {length: 120.0}
ego: {position: 20.0, speed: 6.0}
duration: 9.0
events: [{kind: blocked_lane, distance: 25.0}]
sensors: {lidar: none}
"""
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def street(duration: float, sensors: str = "") -> str:
    return STREET.replace("{duration}", str(duration)).replace("{sensors}", sensors)


@pytest.fixture
def drive(probe, start_node, tmp_path):
    """Start a drive; returns the process."""

    def start(text: str, **parameters):
        file = tmp_path / "drive.yaml"
        file.write_text(text)
        arguments = ["--ros-args"]
        for name, value in ({"scenario": file} | parameters).items():
            arguments += ["-p", f"{name}:={value}"]
        return start_node("simulation_node", *arguments)

    return start


@pytest.fixture
def step(probe) -> Callable[[], Trigger.Response]:
    """Ask for one period; its answer."""
    client = probe.node.create_client(Trigger, f"{NAME}/step")

    def call() -> Trigger.Response:
        probe.wait(client.service_is_ready, 20.0, "the service")
        future = client.call_async(Trigger.Request())
        probe.wait(future.done)
        return future.result()

    return call


def pause(probe, paused: bool) -> str:
    answer = probe.call(f"{NAME}/pause", SetBool, SetBool.Request(data=paused))
    assert answer.success
    return answer.message


def ended(probe, node, timeout: float = 30.0) -> None:
    probe.wait(lambda: node.process.poll() is not None, timeout, "the drive to end")
    probe.spin(0.2)
    assert node.process.returncode == 0, node.output
    assert "Traceback" not in node.output


def stamps(clocks: list[Clock]) -> list[int]:
    return [read_stamp(message.clock) for message in clocks]


def every_period(clocks: list[Clock]) -> list[int]:
    """The stamps of all periods from the first to the last that was heard."""
    return list(range(stamps(clocks)[0], stamps(clocks)[-1] + 1, PERIOD_NS))


# Lock step by the service ---------------------------------------------------------------------


def cameras() -> str:
    """Settings for cameras, where there is a renderer."""
    try:
        Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), width=8, height=8).close()
    except RendererError:
        return ""
    return ", cameras: stereo, stereo_width: 96, truth_images: [semantic, disparity]"


def absolute(name: str) -> str:
    """Of a topic outside any namespace."""
    return name if name.startswith("/") else f"/{name}"


def said(simulation: StreetSimulation) -> Iterator[Stamped]:
    """Everything that a drive in this process says."""
    yield from static_messages(simulation)
    while not simulation.finished:
        yield from messages(simulation, simulation.advance())


def test_lock_step_by_the_service_says_what_a_drive_in_process_says(probe, drive, step, tmp_path):
    file = tmp_path / "expected.yaml"
    file.write_text(street(0.7, cameras()))
    with StreetSimulation(load_street_scenario(file)) as simulation:
        all_topics = topics(simulation)
        expected = {absolute(topic.name): [] for topic in all_topics}
        for stamped in said(simulation):
            expected[absolute(stamped.topic)].append(serialised(stamped.message))
    heard = {
        absolute(topic.name): probe.hear(
            absolute(topic.name), topic.type, LATCHED if topic.latched else ALL
        )
        for topic in all_topics
    }
    node = drive(file.read_text(), pace=0.0)
    answers = [step()]
    pause(probe, True)
    assert step().message == "paused"
    pause(probe, False)
    while answers[-1].success:
        answers.append(step())
    assert [answer.message for answer in answers] == [
        *(f"{0.1 * (i + 1):.3f} s" for i in range(7)),
        "the drive is over",
    ]
    ended(probe, node)
    probe.wait(lambda: counts(heard) == counts(expected), 5.0, f"{counts(heard)}")
    got = {name: [serialised(message) for message in found] for name, found in heard.items()}
    assert [name for name in expected if got[name] != expected[name]] == []  # a short message
    assert "the ego hit: nothing" in node.output


# Pace -----------------------------------------------------------------------------------------


def test_real_time_follows_the_pace_and_a_pause_is_a_gap_without_a_burst(
    probe, drive, step, tmp_path
):
    clocks = probe.hear("/clock", Clock, ALL)
    clouds = probe.hear("/lidar/points", PointCloud2, ALL)
    best_effort = probe.hear("/imu", Imu, SENSOR)
    drive(street(600.0), pace=2.0)
    probe.wait(lambda: len(clocks) > 3, 20.0)
    assert step().message == "pace = 2: in lock step only, which is pace = 0"

    probe.node.set_parameters([Parameter("use_sim_time", value=True)])
    first = len(clocks)
    probe.spin(1.5)
    assert len(clocks) - first == pytest.approx(30, abs=6)
    probe.wait(lambda: probe.node.get_clock().now().nanoseconds == stamps(clocks)[-1])
    assert best_effort

    pause(probe, True)
    pause(probe, True)
    probe.spin(0.3)
    before, imu = len(clocks), len(best_effort)
    probe.spin(0.6)
    assert (len(clocks), len(best_effort)) == (before, imu)
    pause(probe, False)
    probe.spin(0.5)
    assert 5 <= len(clocks) - before <= 13
    assert stamps(clocks) == every_period(clocks)
    assert [serialised(cloud) for cloud in clouds] == clouds_in_process(
        tmp_path / "drive.yaml", clouds
    )


def clouds_in_process(file: File, heard: list[PointCloud2]) -> list[memoryview]:
    """What a drive in this process says from the first to the last cloud that was heard."""
    first, last = (read_stamp(cloud.header.stamp) for cloud in (heard[0], heard[-1]))
    with StreetSimulation(load_street_scenario(file)) as simulation:
        until_then = takewhile(lambda stamped: stamped.stamp_ns <= last, said(simulation))
        return [
            serialised(stamped.message)
            for stamped in until_then
            if stamped.topic == "lidar/points" and stamped.stamp_ns >= first
        ]


def test_a_pace_that_cannot_be_reached_skips_nothing_whatever_the_node_is_told(probe, drive):
    clocks = probe.hear("/clock", Clock, ALL)
    node = drive(BLOCKED.replace("duration: 9.0", "duration: 3600.0"), pace=1000.0)

    def stands() -> bool:
        probe.spin(0.3)
        before = len(clocks)
        probe.spin(0.3)
        return len(clocks) == before

    def goes_on(periods: int = 20) -> None:
        before = len(clocks)
        probe.wait(lambda: len(clocks) > before + periods, 20.0)

    goes_on()
    pause(probe, True)
    assert stands()
    pause(probe, False)
    goes_on(100)
    assert probe.change_state(NAME, "deactivate")
    assert stands()
    assert probe.change_state(NAME, "activate")
    goes_on()
    assert stamps(clocks) == every_period(clocks)
    probe.wait(lambda: "pace" in probe.health(NAME))
    assert 0.5 < float(probe.health(NAME)["pace"]) < 500.0

    for label in ("deactivate", "cleanup", "configure"):
        assert probe.change_state(NAME, label), node.output
    probe.spin(0.5)  # until the new publishers are discovered
    clocks.clear()
    assert probe.change_state(NAME, "activate")
    goes_on()
    assert stamps(clocks) == [PERIOD_NS * (i + 1) for i in range(len(clocks))]
    assert "Traceback" not in node.output


# Closed loop ----------------------------------------------------------------------------------


def path(stamp_ns: int, frame: str, poses: list[tuple[float, float, float]]) -> Path:
    """A path through (time in s, x, y), straight on."""
    message = Path(header=write_header(stamp_ns, frame))
    for time, x, y in poses:
        pose = PoseStamped(header=write_header(from_seconds(time), frame))
        pose.pose.position.x, pose.pose.position.y = x, y
        message.poses.append(pose)
    return message


def stopping(time: float) -> float:
    """Way in m at a time: 6 m/s, and from 1.4 s on it brakes with 2 m/s²."""
    braking = min(max(time - 1.4, 0.0), 3.0)
    return 6.0 * min(time, 1.4) + 6.0 * braking - braking**2


def answer_every_clock(probe, path_at: Callable[[int], Path]) -> None:
    """Stand in for a planner: each tick of the clock is answered under its stamp."""
    publisher = probe.speak(f"{NAME}/input/path", Path, RESULT)

    def answer(message: Clock) -> None:
        publisher.publish(path_at(read_stamp(message.clock)))

    probe.node.create_subscription(Clock, "/clock", answer, ALL)


def test_a_path_stops_the_ego_in_front_of_a_stopped_car(probe, drive):
    odometry = probe.hear("/ground_truth/odometry", Odometry, ALL)
    times = [0.25 * i for i in range(40)]
    poses = [(time, 18.7 + stopping(time), -1.75) for time in times]
    answer_every_clock(probe, lambda stamp_ns: path(stamp_ns, "map", poses))
    node = drive(BLOCKED, pace=0.0, control="path")
    ended(probe, node)
    assert "periods without an answer: 0; the ego hit: nothing" in node.output
    assert len(odometry) == 90
    last = odometry[-1]
    assert last.twist.twist.linear.x < 0.1
    assert last.pose.pose.position.x == pytest.approx(18.7 + stopping(9.0), abs=0.5)
    assert last.pose.pose.position.y == pytest.approx(-1.75, abs=0.05)


# What is wrong --------------------------------------------------------------------------------


def test_wrong_paths_are_counted_and_named_and_an_old_one_is_not_followed(probe, drive):
    clocks = probe.hear("/clock", Clock, ALL)
    publisher = probe.speak(f"{NAME}/input/path", Path, RESULT)
    node = drive(street(600.0), control="path")
    probe.wait(lambda: clocks and publisher.get_subscription_count(), 20.0)
    now_ns = stamps(clocks)[-1]
    soon = [(now_ns * 1e-9 + 0.5 * i, 18.7 + i, -1.75) for i in range(5)]
    publisher.publish(path(now_ns, "map", [(time, math.nan, y) for time, _, y in soon]))
    publisher.publish(path(now_ns, "mars", soon))
    publisher.publish(path(now_ns, "map", [(0.0, x, y) for _, x, y in soon]))
    publisher.publish(path(now_ns + 10**10, "map", soon))
    wrong = ("BadValue", "UnknownFrame", "UntimedPath", "BadStamp")
    probe.wait(lambda: all(probe.health(NAME).get(f"fault.{kind}") == "1" for kind in wrong))
    assert "BadValue: poses[0].pose.position: [nan, -1.75, 0.0]: not finite" in node.output
    assert "UnknownFrame: frame 'mars': known are base_link, map, odom" in node.output
    assert "UntimedPath: poses[:4].header.stamp = [0, 0, 0, 0] s of 5" in node.output
    assert "ahead of /clock (is use_sim_time set?)" in node.output
    probe.wait(lambda: probe.health(NAME)["ego.speed_mps"] == "0.00")
    assert probe.health(NAME)["message"] == "no path yet: the ego brakes"

    now_ns = stamps(clocks)[-1]
    publisher.publish(path(now_ns, "map", [(now_ns * 1e-9 + i, 30.0 + i, -1.75) for i in range(9)]))
    probe.wait(lambda: probe.health(NAME)["message"] == "running")
    probe.wait(lambda: "s old: the ego brakes" in probe.health(NAME)["message"])
    assert node.end(signal.SIGINT) < 2.0


def test_a_missing_renderer_is_named_with_what_to_install(probe, drive, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    node = drive(street(600.0, ", cameras: stereo"))
    advice = "on Debian or Ubuntu install libegl1"
    probe.wait(lambda: advice in probe.health(NAME).get("message", ""), 20.0, advice)
    assert probe.state(NAME) == "unconfigured"
    assert node.end(signal.SIGINT) < 2.0
