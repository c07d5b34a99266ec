"""Speed of writing and reading recordings beside the mcap library, and the pace of a replay.

Example: ``python -m benchmarks.bags``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from benchmarks.output import json_target, publish
from snn_ros.bags import BagReader, BagWriter
from snn_ros.ros import dds

_TYPE = "std_msgs/msg/String"  # its CDR is a header and as many bytes as one likes
_PACE_SECONDS = 10
_DOMAIN = "95"


@dataclass(frozen=True)
class Load:
    """Messages to write and read."""

    name: str
    size: int  # bytes
    count: int

    @property
    def megabytes(self) -> float:
        """Of all messages."""
        return self.size * self.count * 1e-6


_LOADS = (Load("cloud_2MB", 2_000_000, 100), Load("imu_320B", 320, 50_000))


def string_cdr(size: int) -> bytes:
    """A serialised string that takes so many bytes."""
    text = b"x" * (size - 9) + b"\0"
    return b"\0\1\0\0" + len(text).to_bytes(4, "little") + text


def write_ours(path: Path, load: Load) -> None:
    """Write with this package."""
    cdr = string_cdr(load.size)
    with BagWriter(path) as bag:
        bag.add_topic("/data", _TYPE)
        for i in range(load.count):
            bag.write("/data", i, cdr)


def write_rival(path: Path, load: Load) -> None:
    """Write with the mcap library, as plainly."""
    cdr = string_cdr(load.size)
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE, enable_crcs=False)
        writer.start(profile="ros2", library="")
        channel = writer.register_channel(
            "/data", "cdr", writer.register_schema(_TYPE, "ros2msg", b"string data")
        )
        for i in range(load.count):
            writer.add_message(channel, i, cdr, i)
        writer.finish()


def read_ours(path: Path) -> int:
    """Read raw messages with this package; the number of bytes."""
    with BagReader(path) as bag:
        return sum(len(message.cdr) for message in bag.messages())


def read_rival(path: Path) -> int:
    """Read raw messages with the mcap library; the number of bytes."""
    with path.open("rb") as file:
        return sum(len(message.data) for _, _, message in make_reader(file).iter_messages())


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure_files(folder: Path, load: Load) -> Iterator[tuple[str, float]]:
    """MB/s of both, and the ratio, for writing and reading."""
    ours, rival = folder / load.name, folder / f"{load.name}_rival.mcap"
    calls: Mapping[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "write": (lambda: write_ours(ours, load), lambda: write_rival(rival, load)),
        "read": (lambda: read_ours(ours), lambda: read_rival(rival)),
    }
    for name, (our_call, rival_call) in calls.items():
        our_speed, rival_speed = (load.megabytes / seconds(c) for c in (our_call, rival_call))
        yield f"{name}_{load.name}_mb_s", our_speed
        yield f"{name}_{load.name}_rival_mb_s", rival_speed
        yield f"{name}_{load.name}_ratio", our_speed / rival_speed


def measure_pace(folder: Path) -> Iterator[tuple[str, float]]:
    """Lateness of a replay at recorded speed: 100 Hz of 320 bytes and 10 Hz of 2 MB."""
    path = folder / "pace"
    small, large = string_cdr(320), string_cdr(2_000_000)
    with BagWriter(path) as bag:
        for topic in ("/small", "/large"):
            bag.add_topic(topic, _TYPE)
        for i in range(_PACE_SECONDS * 100):
            bag.write("/small", i * 10_000_000, small)
            if i % 10 == 0:
                bag.write("/large", i * 10_000_000 + 5_000_000, large)
    os.environ.update(dds.settings(), ROS_DOMAIN_ID=_DOMAIN)
    heard, result = _replay(path)
    yield "replay_lateness_p50_ms", result["lateness_ms"]["p50"]
    yield "replay_lateness_p99_ms", result["lateness_ms"]["p99"]
    yield "replay_published", float(sum(t["published"] for t in result["topics"].values()))
    yield "replay_heard", float(heard)


def _replay(path: Path) -> tuple[int, dict[str, Any]]:
    """Replay in another process; messages heard here, and its figures."""
    rclpy.init(args=[])
    node = rclpy.create_node("listener")
    every = QoSProfile(
        history=HistoryPolicy.KEEP_ALL, depth=1, reliability=ReliabilityPolicy.RELIABLE
    )
    sizes: list[int] = []
    for topic in ("/small", "/large"):
        node.create_subscription(String, topic, lambda m: sizes.append(len(m)), every, raw=True)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    command = [sys.executable, "-m", "snn_ros.cli", "replay", str(path), "--wait", "20"]
    with subprocess.Popen([*command, "--json", "-"], stdout=subprocess.PIPE) as player:
        while player.poll() is None:
            executor.spin_once(timeout_sec=0.05)
        result = json.loads(player.communicate()[0])
    node.destroy_node()
    rclpy.shutdown()
    return len(sizes), result


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    scores: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for load in _LOADS:
            scores.update(measure_files(Path(folder), load))
        scores.update(measure_pace(Path(folder)))
    measured = "2 MB and 320 byte messages; the rival is the mcap library without checksums"
    publish("bags", measured, scores, target)


if __name__ == "__main__":
    main()
