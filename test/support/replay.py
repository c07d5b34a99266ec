"""Replay a recording by another process and hear what arrives over DDS."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from snn_ros.bags import BagReader
from support.ros_graph import Probe

ALL = QoSProfile(history=HistoryPolicy.KEEP_ALL, depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""A subscriber that misses nothing."""


class Replay:
    """The command ``snn-ros replay`` in a process of its own."""

    def __init__(self, bag: Path, *options: str) -> None:
        command = [sys.executable, "-m", "snn_ros.cli", "replay", str(bag), "--json", "-"]
        self.process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def output(self, exit_code: int = 0) -> str:
        """What it printed; it must end with this exit code."""
        output, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == exit_code, errors
        return output

    def figures(self, exit_code: int = 0) -> dict[str, Any]:
        """The figures it printed."""
        return json.loads(self.output(exit_code))

    def error(self) -> str:
        """What it refused with."""
        output, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 1
        assert output == ""
        return errors

    def close(self) -> None:
        if not self.ended:
            self.process.kill()
        self.process.communicate()


def message_class(message_type: str) -> type:
    package, kind, name = message_type.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), name)


def hear_all(probe: Probe, bag: BagReader, qos: QoSProfile = ALL) -> dict[str, list[bytes]]:
    """Raw messages of every topic of a recording from now on, as growing lists."""
    return {
        name: probe.hear(name, message_class(topic.type), qos, raw=True)
        for name, topic in bag.topics.items()
    }


def padded(cdr: bytes) -> bytes:
    """What DDS makes of a message: zeros fill it up to a multiple of four bytes."""
    return cdr + bytes(-len(cdr) % 4)


def recorded_bytes(bag: BagReader) -> dict[str, list[bytes]]:
    """The messages of every topic in order, as they must arrive."""
    found: dict[str, list[bytes]] = {name: [] for name in bag.topics}
    for message in bag.messages():
        found[message.topic].append(padded(message.cdr))
    return found


def assert_everything_arrives(probe: Probe, path: Path, rate: float) -> dict[str, Any]:
    """Replay a recording to reliable subscribers: counts and bytes must be those of the file."""
    with BagReader(path) as bag:
        expected = recorded_bytes(bag)
        heard = hear_all(probe, bag)
        replay = Replay(path, "--rate", str(rate), "--reliable", "--wait", "20")
        try:
            patience = bag.duration_s / rate + 40.0
            probe.wait(lambda: replay.ended, patience, "the replay to end")
            figures = replay.figures()
        finally:
            replay.close()
    probe.wait(lambda: counts(heard) == counts(expected), 5.0, f"{counts(heard)}")
    assert [name for name in expected if heard[name] != expected[name]] == []  # a short message
    assert {n: t["published"] for n, t in figures["topics"].items()} == counts(expected)
    return figures


def counts(messages: dict[str, list[bytes]]) -> dict[str, int]:
    return {name: len(members) for name, members in messages.items()}
