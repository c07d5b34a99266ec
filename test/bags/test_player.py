"""The player over DDS, as node and as command: what it offers, when it sends, how it ends."""

import json
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Bool, String
from support.bags import (
    IMAGE,
    RANGE,
    READINGS,
    STATIC,
    write_mcap,
    write_rosbag1,
    write_without_definitions,
)
from support.replay import ALL, Replay, assert_everything_arrives, hear_all, message_class

from snn_ros.bags import BagReader, BagWriter
from snn_ros.bags.qos import offered

NS = 10**9
TRUE = b"\0\1\0\0\1"


@pytest.fixture
def replay():
    """Start ``snn-ros replay``."""
    started = []

    def start(bag: Path, *options: str) -> Replay:
        started.append(Replay(bag, *options))
        return started[-1]

    yield start
    for process in started:
        process.close()


def write_pulses(path: Path, seconds: float, rate: int, topic: str = "/pulse") -> Path:
    """A bag with so many messages a second, the first at 1 s."""
    with BagWriter(path) as bag:
        bag.add_topic(topic, "std_msgs/msg/Bool", [offered()])
        for i in range(round(seconds * rate)):
            bag.write(topic, NS + i * NS // rate, TRUE)
    return path


@pytest.mark.parametrize("write", [write_mcap, write_rosbag1])
def test_everything_arrives(probe, tmp_path, write):
    figures = assert_everything_arrives(probe, write(tmp_path / "bag"), 5.0)
    assert figures["finished"] is True
    assert all(topic["acknowledged"] for topic in figures["topics"].values())


def test_odd_sizes_arrive_filled_up_by_dds(probe, tmp_path):
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/text", "std_msgs/msg/String", [offered()])
        for i in range(9):
            text = b"x" * i + b"\0"
            bag.write("/text", i, b"\0\1\0\0" + len(text).to_bytes(4, "little") + text)
    assert_everything_arrives(probe, tmp_path / "bag", 1.0)


def test_nothing_is_lost_while_a_subscriber_is_busy(probe, replay, tmp_path):
    """More messages than DDS queues for it: the player waits."""
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/pulse", "std_msgs/msg/Bool", [offered()])
        for i in range(30_000):
            bag.write("/pulse", NS + i, TRUE)
    heard = probe.hear("/pulse", Bool, ALL, raw=True)
    player = replay(tmp_path / "bag", "--wait", "20", "--no-clock")
    probe.wait(lambda: heard, 20.0, "the first message")
    time.sleep(2.0)
    assert not player.ended
    assert len(heard) < 20_000
    probe.wait(lambda: len(heard) == 30_000, 40.0, "all messages")
    probe.wait(lambda: player.ended, 20.0)
    assert player.figures()["topics"]["/pulse"]["published"] == 30_000


# Quality of service ------------------------------------------------------------------------------


def test_a_late_subscriber_gets_static_transforms(probe, replay, tmp_path):
    with BagReader(write_mcap(tmp_path / "bag")) as bag:
        static = message_class(bag.topics[STATIC].type)
    pulse = probe.hear(RANGE, message_class("sensor_msgs/msg/Range"), best_effort())
    player = replay(tmp_path / "bag", "--rate", "0.2")
    probe.wait(lambda: pulse, 20.0, "the replay to run")
    latched = QoSProfile(
        depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
    )
    heard = probe.hear(STATIC, static, latched)
    probe.wait(lambda: heard, 3.0, "the static transform, long after it was sent")
    assert heard[0].transforms[0].child_frame_id == "base_link"
    assert not player.ended


def best_effort() -> QoSProfile:
    return QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.mark.parametrize("reliable", [False, True])
def test_recorded_reliability_is_offered(probe, replay, tmp_path, reliable):
    """RANGE was recorded as best effort: a reliable subscriber does not match it."""
    range_class = message_class("sensor_msgs/msg/Range")
    strict = probe.hear(RANGE, range_class, ALL)
    lenient = probe.hear(RANGE, range_class, best_effort())
    images = probe.hear(IMAGE, message_class("sensor_msgs/msg/Image"), ALL)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    probe.hear(STATIC, message_class("tf2_msgs/msg/TFMessage"), latched)
    options = ["--reliable"] if reliable else []
    player = replay(write_mcap(tmp_path / "bag"), "--wait", "20", "--rate", "5", *options)
    probe.wait(lambda: player.ended, 30.0, "the replay to end")
    probe.spin(0.2)
    assert player.figures()["finished"]
    assert len(strict) == (READINGS if reliable else 0)
    assert len(lenient) > 0
    assert len(images) == READINGS // 4


# Time --------------------------------------------------------------------------------------------


def test_clock(probe, replay, tmp_path):
    """Over a gap of 2 s at rate 2 the clock ticks on, and it is never behind a message."""
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/text", "std_msgs/msg/String", [offered()])
        for stamp in (5 * NS, 7 * NS):
            bag.write("/text", stamp, b"\0\1\0\0\1\0\0\0\0")
    events: list[tuple[str, int]] = []
    probe.node.create_subscription(
        Clock, "/clock", lambda m: events.append(("clock", nanoseconds(m.clock))), ALL
    )
    probe.node.create_subscription(String, "/text", lambda _: events.append(("text", 0)), ALL)
    player = replay(tmp_path / "bag", "--rate", "2", "--wait", "20")
    probe.wait(lambda: player.ended, 40.0, "the replay to end")
    probe.spin(0.2)
    clock = [stamp for kind, stamp in events if kind == "clock"]
    assert clock == sorted(clock)
    assert clock[-1] == 7 * NS
    gaps = [b - a for a, b in pairwise(clock)]
    assert max(gaps) <= 2 * NS / 40  # at least 40 a second of wall time
    assert [kind for kind, _ in events].count("text") == 2


def nanoseconds(stamp) -> int:
    return stamp.sec * NS + stamp.nanosec


def test_rate(probe, replay, tmp_path):
    """2 s at half the speed take 4 s, and the distances are right."""
    arrivals: list[float] = []
    probe.node.create_subscription(Bool, "/pulse", lambda _: arrivals.append(time.monotonic()), ALL)
    player = replay(
        write_pulses(tmp_path / "bag", 2.0, 10), "--rate", "0.5", "--wait", "20", "--no-clock"
    )
    probe.wait(lambda: player.ended, 30.0, "the replay to end")
    assert len(arrivals) == 20
    assert arrivals[-1] - arrivals[0] == pytest.approx(3.8, abs=0.15)
    figures = player.figures()
    assert figures["lost_s"] < 1.0
    assert figures["lateness_ms"]["p50"] < 20.0


def test_after_a_standstill_there_is_no_burst(probe, replay, tmp_path):
    """100 messages a second; 2 s without a processor must not bring 200 at once."""
    arrivals: list[float] = []
    probe.node.create_subscription(Bool, "/pulse", lambda _: arrivals.append(time.monotonic()), ALL)
    player = replay(write_pulses(tmp_path / "bag", 3.0, 100), "--wait", "20")
    probe.wait(lambda: len(arrivals) > 50, 20.0, "the first messages")
    player.process.send_signal(signal.SIGSTOP)
    probe.spin(2.0)
    resumed = time.monotonic()
    player.process.send_signal(signal.SIGCONT)
    probe.wait(lambda: player.ended, 30.0, "the replay to end")
    assert len(arrivals) == 300
    soon = [t for t in arrivals if resumed < t < resumed + 0.3]
    assert len(soon) < 75  # 30 are due, and what 0.1 s may catch up
    assert player.figures()["lost_s"] == pytest.approx(2.0, abs=0.5)


def test_loop_start_and_remap(probe, replay, tmp_path):
    heard = probe.hear("/renamed", Bool, ALL)
    clock = probe.hear("/clock", Clock, ALL)
    player = replay(
        write_pulses(tmp_path / "bag", 1.0, 20), "--loop", "2", "--start", "0.5", "--wait", "20",
        "--rate", "2", "--remap", "/pulse:=/renamed",
    )  # fmt: skip
    probe.wait(lambda: player.ended, 30.0, "the replay to end")
    probe.spin(0.2)
    assert len(heard) == 20
    assert player.figures()["topics"]["/renamed"] == {
        "type": "std_msgs/msg/Bool", "recorded": 20, "published": 20, "acknowledged": True,
    }  # fmt: skip
    stamps = [nanoseconds(message.clock) for message in clock]
    backwards = [b - a for a, b in pairwise(stamps) if b < a]
    assert len(backwards) == 1  # the clock jumps back once, where the second pass begins
    assert min(stamps) == 1.5 * NS


def test_topics(probe, replay, tmp_path):
    with BagReader(write_mcap(tmp_path / "bag")) as bag:
        heard = hear_all(probe, bag, best_effort())
    player = replay(tmp_path / "bag", "--topics", IMAGE, "--rate", "5", "--wait", "20")
    probe.wait(lambda: player.ended, 30.0, "the replay to end")
    probe.spin(0.2)
    assert {name for name, messages in heard.items() if messages} == {IMAGE}
    assert list(player.figures()["topics"]) == [IMAGE]


# Refusals and ends -------------------------------------------------------------------------------


def test_nobody_listens(replay, tmp_path):
    error = replay(write_pulses(tmp_path / "bag", 1.0, 10), "--wait", "0.5").error()
    assert error == "snn-ros replay: no subscriber for /pulse within 0.5 s\n"


def test_types_that_are_not_installed(probe, replay, tmp_path):
    path = write_without_definitions(tmp_path / "old.db3")
    error = replay(path).error()
    assert "not installed here: /thing (their_msgs/msg/Thing)" in error
    figures = replay(path, "--skip-unknown").figures()
    assert figures["topics"] == {}
    assert figures["skipped"] == {"/thing": "their_msgs/msg/Thing"}


def test_a_truncated_recording_is_refused(replay, tmp_path):
    path = write_rosbag1(tmp_path / "bag")
    path.write_bytes(path.read_bytes()[:-300])
    error = replay(path).error()
    assert error.startswith(f"snn-ros replay: {path}: damaged or truncated")
    assert "Traceback" not in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_says_so(probe, replay, tmp_path, number):
    heard = probe.hear("/pulse", Bool, ALL)
    player = replay(write_pulses(tmp_path / "bag", 60.0, 20))
    probe.wait(lambda: len(heard) > 5, 20.0, "the replay to run")
    began = time.monotonic()
    player.process.send_signal(number)
    figures = player.figures(exit_code=1)
    assert time.monotonic() - began < 2.0
    assert figures["finished"] is False
    assert 5 < figures["topics"]["/pulse"]["published"] < 1200


def test_figures_in_a_file_leave_standard_output_to_people(replay, tmp_path):
    bag, target = write_pulses(tmp_path / "bag", 0.2, 10), tmp_path / "figures.json"
    table = replay(bag, "--json", str(target)).output()
    assert "        2         2  /pulse  std_msgs/msg/Bool\n" in table
    figures = json.loads(target.read_text())
    assert figures["bag"] == str(bag)
    assert figures["topics"]["/pulse"]["published"] == 2


# The node ----------------------------------------------------------------------------------------


def test_node(probe, start_node, tmp_path):
    """With parameters as a launch file would give them; it ends by itself."""
    heard = probe.hear("/renamed", Bool, ALL)
    bag = write_pulses(tmp_path / "bag", 1.0, 20)
    node = start_node(
        "bag_player_node", "--ros-args", "-p", f"bag:={bag}", "-p", "rate:=2.0", "-p", "wait:=20.0",
        "-p", 'remap:=["/pulse:=/renamed"]',
    )  # fmt: skip
    probe.wait(lambda: node.process.poll() is not None, 30.0, "the node to end")
    assert node.process.returncode == 0, node.output
    assert len(heard) == 20
    assert "20 messages published" in node.output


def test_node_stops_in_order(probe, start_node, tmp_path):
    heard = probe.hear("/pulse", Bool, ALL)
    bag = write_pulses(tmp_path / "bag", 60.0, 20)
    node = start_node("bag_player_node", "--ros-args", "-p", f"bag:={bag}")
    probe.wait(lambda: len(heard) > 5, 20.0, "the replay to run")
    assert node.end() < 2.0
    assert node.process.returncode == 0
    assert "Traceback" not in node.output


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ([], "bag = '': must name a recording"),
        (["-p", "bag:=/nowhere.mcap"], "/nowhere.mcap: no such file or folder"),
        (["-p", "bag:=/nowhere.mcap", "-p", "rate:=-1.0"], "rate = -1.0: must be at least 0.001"),
        (["-p", "bga:=/nowhere.mcap"], "bga = '/nowhere.mcap': unknown, expected one of bag, rate"),
    ],
)
def test_node_refuses(start_node, parameters, reason):
    node = start_node("bag_player_node", "--ros-args", *parameters)
    assert node.process.wait(20) == 1
    assert reason in node.output
    assert "Traceback" not in node.output
