"""Measures what DDS carries between two processes of this host: clouds sent, arrived, and how late.

Also a pair of programs, ``python -m snn_ros.ros.dds_link send|receive``, which print one line of
JSON each; a launch file can start them as nodes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import rclpy
import rclpy.utilities
from builtin_interfaces.msg import Time as Stamp
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import PointCloud2

from snn_ros.errors import SnnRosError
from snn_ros.ros import dds
from snn_ros.ros.conversions.byte_arrays import byte_array
from snn_ros.ros.qos import RESULT, SENSOR

TOPIC = "dds_link"
_MODULE = "snn_ros.ros.dds_link"
_MATCH_TIMEOUT = 15.0  # s for the two to find each other
_SETTLE = 0.5  # s between matching and the first message
_LAST_ARRIVAL = 1.0  # s for the last message
_LAST_REPEAT = 7.0  # s for what must be sent again; a writer offers it every 3 s
_LEAVE_TIME = 2  # s to leave the graph; Fast DDS may hang there, and SIGALRM ends the process
_STEP = 0.05  # s


class LinkError(SnnRosError):
    """Raised when a measuring process fails."""


@dataclass(frozen=True)
class Traffic:
    """What to send.

    Attributes:
        size: bytes of a cloud.
        count: how many.
        rate: per second.
        reliable: reliable instead of best effort.
    """

    size: int = 2_000_000
    count: int = 20
    rate: float = 10.0
    reliable: bool = False

    @property
    def qos(self) -> QoSProfile:
        """Our profile for sensor data or for results."""
        return RESULT if self.reliable else SENSOR

    def words(self) -> list[str]:
        """As arguments of the programs of this module."""
        words = [f"--size={self.size}", f"--count={self.count}", f"--rate={self.rate}"]
        return [*words, "--reliable"] if self.reliable else words


@dataclass(frozen=True)
class Delivery:
    """What came of it.

    Attributes:
        latency_ms: from before publishing to the callback, one per message that arrived.
    """

    sent: int
    latency_ms: tuple[float, ...] = field(repr=False)

    @property
    def received(self) -> int:
        """Messages that arrived."""
        return len(self.latency_ms)

    @property
    def complete(self) -> bool:
        """Whether every message arrived."""
        return self.received == self.sent > 0

    def __str__(self) -> str:
        if not self.latency_ms:
            return f"{self.received} of {self.sent} arrived"
        median = statistics.median(self.latency_ms)
        return f"{self.received} of {self.sent} arrived, {median:.0f} ms"


def link_environment(
    settings: Mapping[str, str], base: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment of a process with these DDS settings and no others.

    Args:
        settings: DDS variables; empty for Fast DDS as it comes.
        base: everything else.
    """
    dds_variables = {*dds.PROFILE_VARIABLES, dds.TRANSPORTS_VARIABLE}
    kept = {name: value for name, value in base.items() if name not in dds_variables}
    kept.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    return {**kept, **settings}


def measure(
    traffic: Traffic,
    sender: Mapping[str, str],
    receiver: Mapping[str, str],
    base: Mapping[str, str] = os.environ,
) -> Delivery:
    """Send clouds from one new process to another.

    Args:
        traffic: what to send.
        sender: DDS variables of the sending process; empty for Fast DDS as it comes.
        receiver: those of the receiving process.
        base: the rest of their environment, with ROS_DOMAIN_ID.

    Raises:
        LinkError: one of the processes fails.
    """
    receiving = start("receive", traffic, receiver, base)
    sending = start("send", traffic, sender, base)
    try:
        sent = result(sending, traffic)["sent"]
        return Delivery(sent, tuple(result(receiving, traffic)["latency_ms"]))
    finally:
        for program in (sending, receiving):
            program.kill()
            program.communicate()


def start(
    role: str,
    traffic: Traffic,
    settings: Mapping[str, str],
    base: Mapping[str, str] = os.environ,
) -> subprocess.Popen[str]:
    """Start one of the two programs, ``send`` or ``receive``; arguments as of ``measure``."""
    return subprocess.Popen(
        [sys.executable, "-m", _MODULE, role, *traffic.words()],
        env=link_environment(settings, base),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(program: subprocess.Popen[str], traffic: Traffic) -> dict:
    """What a program found, once it has ended.

    Raises:
        LinkError: it fails, or does not end.
    """
    limit = traffic.count / traffic.rate + 3 * _MATCH_TIMEOUT
    try:
        output, errors = program.communicate(timeout=limit)
    except subprocess.TimeoutExpired as err:
        raise LinkError(f"no result after {limit:.0f} s") from err
    found = [line for line in output.splitlines() if line.startswith("{")]
    if not found:
        reason = errors.strip().splitlines()[-1:] or [f"exit code {program.returncode}"]
        raise LinkError(f"the measuring process failed: {reason[0]}")
    return json.loads(found[-1])


def send(node: Node, traffic: Traffic) -> dict:
    """Wait for a subscriber and send everything."""
    publisher = node.create_publisher(PointCloud2, TOPIC, traffic.qos)
    if not _spin_until(node, lambda: publisher.get_subscription_count() > 0, _MATCH_TIMEOUT):
        return {"sent": 0}
    time.sleep(_SETTLE)
    cloud = PointCloud2(height=1, width=traffic.size, point_step=1, row_step=traffic.size)
    cloud.data = byte_array(np.zeros(traffic.size, np.uint8))
    began = time.monotonic()
    for sent in range(traffic.count):
        time.sleep(max(0.0, began + sent / traffic.rate - time.monotonic()))
        cloud.header.stamp = _steady_stamp()
        publisher.publish(cloud)
        rclpy.spin_once(node, timeout_sec=0.0)
    if traffic.reliable:
        publisher.wait_for_all_acked(Duration(seconds=_LAST_REPEAT))
    time.sleep(_LAST_ARRIVAL)
    return {"sent": traffic.count}


def receive(node: Node, traffic: Traffic) -> dict:
    """Take what comes until it is complete or the sender has gone."""
    latency_ms: list[float] = []

    def arrived(cloud: PointCloud2) -> None:
        stamp = cloud.header.stamp
        now = time.monotonic_ns()
        latency_ms.append((now - stamp.sec * 1_000_000_000 - stamp.nanosec) / 1e6)

    topic = node.create_subscription(PointCloud2, TOPIC, arrived, traffic.qos).topic_name
    if _spin_until(node, lambda: node.count_publishers(topic) > 0, _MATCH_TIMEOUT):
        _spin_until(
            node,
            lambda: len(latency_ms) >= traffic.count or node.count_publishers(topic) == 0,
            timeout=traffic.count / traffic.rate + _MATCH_TIMEOUT,
        )
    return {"latency_ms": latency_ms}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two programs; ROS arguments are passed on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("send", "receive"))
    parser.add_argument("--size", type=int, default=Traffic.size)
    parser.add_argument("--count", type=int, default=Traffic.count)
    parser.add_argument("--rate", type=float, default=Traffic.rate)
    parser.add_argument("--reliable", action="store_true")
    options = vars(parser.parse_args(rclpy.utilities.remove_ros_args(arguments)[1:]))
    role = {"send": send, "receive": receive}[options.pop("role")]
    rclpy.init(args=arguments)
    node = Node("dds_link")
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        sys.stdout.write(json.dumps(role(node, Traffic(**options))) + "\n")
        sys.stdout.flush()
    signal.alarm(_LEAVE_TIME)
    node.destroy_node()
    rclpy.try_shutdown()
    return 0


def _steady_stamp() -> Stamp:
    """The steady clock, which processes of one host share."""
    seconds, nanoseconds = divmod(time.monotonic_ns(), 1_000_000_000)
    return Stamp(sec=seconds, nanosec=nanoseconds)


def _spin_until(node: Node, condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        rclpy.spin_once(node, timeout_sec=_STEP)
    return True


if __name__ == "__main__":
    sys.exit(main())
