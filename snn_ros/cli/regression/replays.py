"""A recording over DDS: played by another process, heard in this one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from snn_ros.bags import BagReader
from snn_ros.bags.replay import CLOCK_TOPIC
from snn_ros.errors import SnnRosError
from snn_ros.nodes.bag_player import message_class

_QUIET = 0.5  # s without a message, after which all that was sent has come
_WAIT = "20"  # s for all to find each other
_LONGEST_QUIET = 30.0  # s; who goes on without input is not waited for any longer
_GRACE = 15.0  # s for the player and its nodes to stop
_POLL = 0.02  # s


class ReplayFailed(SnnRosError):
    """A recording did not get through."""


class Heard(NamedTuple):
    """A message as it arrived."""

    time: float
    """Of the steady clock, in s."""
    cdr: bytes


@dataclass(frozen=True)
class Replayed:
    """What became of a recording.

    Attributes:
        sent: messages published by topic.
        heard: messages that arrived here by topic, those of the nodes launched too.
        lateness_ms: p50, p99 and max of how late they were sent.
    """

    sent: dict[str, int]
    heard: dict[str, list[Heard]]
    lateness_ms: dict[str, float]


def replay(
    bag: Path,
    *,
    launch: Sequence[str] = (),
    results: Mapping[str, str] | None = None,
    rate: float = 1.0,
    timeout: float = 300.0,
) -> Replayed:
    """Play a recording reliably to this process, and to the nodes of a launch file.

    Args:
        bag: the recording.
        launch: name of a launch file and its arguments as ``name:=value``; or nothing.
        results: types of further topics to hear, by name.
        rate: speed.
        timeout: of the whole, in s.

    Raises:
        ReplayFailed: a type is not installed, it was not over in time, or the player or a node
            failed.
    """
    with BagReader(bag) as recording:
        topics = {n: topic for n, topic in recording.topics.items() if n != CLOCK_TOPIC}
    words = [str(bag), "--rate", str(rate), "--reliable", "--wait", _WAIT]
    if launch:
        words += ["--launch", *launch]
    with _Listener() as listener:
        for name, topic in topics.items():
            listener.hear(name, topic.type, latched=topic.latched)
        for name, kind in (results or {}).items():
            listener.hear(name, kind)
        figures = _play(listener, words, timeout)
        listener.spin_until_quiet()
    sent = {name: topic["published"] for name, topic in figures["topics"].items()}
    return Replayed(sent, listener.heard, figures["lateness_ms"])


class _Listener:
    """A node that only hears. A context manager."""

    def __enter__(self) -> _Listener:
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context)
        self.node = rclpy.create_node("suite", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.heard: dict[str, list[Heard]] = {}
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def hear(self, name: str, kind: str, *, latched: bool = False) -> None:
        """Keep all messages of a topic from now on."""
        found = message_class(kind)
        if found is None:
            raise ReplayFailed(f"{name}: the type {kind} is not installed here")
        messages = self.heard.setdefault(name, [])
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        self.node.create_subscription(
            found,
            name,
            lambda cdr: messages.append(Heard(time.monotonic(), bytes(cdr))),
            QoSProfile(
                history=HistoryPolicy.KEEP_ALL,
                reliability=ReliabilityPolicy.RELIABLE,
                durability=durability,
            ),
            raw=True,
        )

    def spin_until(self, done: Callable[[], object], timeout: float) -> bool:
        """Handle what arrives until it is done; whether it was in time, in s."""
        deadline = time.monotonic() + timeout
        while not done():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=_POLL)
        return True

    def spin_until_quiet(self) -> None:
        """Handle what is still on its way."""
        newest = time.monotonic()

        def quiet() -> bool:
            last = max((m[-1].time for m in self.heard.values() if m), default=newest)
            return time.monotonic() > max(newest, last) + _QUIET

        self.spin_until(quiet, _LONGEST_QUIET)


def _play(listener: _Listener, words: Sequence[str], timeout: float) -> dict[str, Any]:
    """The figures of ``snn-ros replay``."""
    command = [sys.executable, "-m", "snn_ros.cli", "replay", *words, "--json", "-"]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        try:
            in_time = listener.spin_until(lambda: process.poll() is not None, timeout)
        finally:
            _end(process)
        output.seek(0)
        errors.seek(0)
        if not in_time:
            raise ReplayFailed(f"not over after {timeout:g} s")
        if process.returncode:
            reason = errors.read().strip().rpartition("\n")[2].removeprefix("snn-ros replay: ")
            raise ReplayFailed(reason or "the replay failed without a reason")
        figures: dict[str, Any] = json.load(output)
    return figures


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have a process stop that still runs, with the nodes it started."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
