"""A steady stream of clouds into a node, every one accounted for."""

import time
from array import array
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from sensor_msgs.msg import PointCloud2

from snn_ros.ros.qos import RESULT, SENSOR
from support.ros_graph import NodeProcess, Probe
from support.soak import watch

NULL_NODE = Path(__file__).parent.parent / "ros" / "fixtures" / "null_perception_node.py"
NAME = "/null_perception"


def make_cloud(size: int) -> PointCloud2:
    """A cloud of size bytes."""
    message = PointCloud2(height=1, width=size // 16, point_step=16, row_step=size)
    message.header.frame_id = "lidar"
    message.data = array("B", bytes(size))
    return message


def soak(
    probe: Probe,
    start_node: Callable[..., NodeProcess],
    seconds: float,
    warm_up: float,
    size: int = 2_000_000,
    rate: float = 20.0,
) -> dict:
    """Feed the null perception node for a while; figures as of ``flood``."""
    node = start_node(NULL_NODE)
    answers = probe.hear(f"{NAME}/output/points", PointCloud2, RESULT, raw=True)
    return flood(probe, node, NAME, make_cloud(size), answers, seconds, warm_up, rate)


def flood(
    probe: Probe,
    node: NodeProcess,
    name: str,
    cloud: PointCloud2,
    answers: list,
    seconds: float,
    warm_up: float,
    rate: float,
) -> dict:
    """Feed a node for a while; figures of what it used and where every cloud went.

    Args:
        probe: feeds.
        node: process of the node.
        name: of the node.
        cloud: sent again and again with a new stamp.
        answers: what is heard of the node's answers; emptied on the way.
        seconds: how long to watch after the warm-up.
        warm_up: in s.
        rate: clouds per s.
    """
    publisher = probe.speak(f"{name}/input/points", PointCloud2, SENSOR)
    probe.wait_active(name)
    probe.wait(lambda: publisher.get_subscription_count() > 0)
    sent = answered = 0
    deadline = time.monotonic()

    def feed(duration: float) -> None:
        nonlocal sent, answered, deadline
        end = time.monotonic() + duration
        while time.monotonic() < end:
            cloud.header.stamp = probe.node.get_clock().now().to_msg()
            publisher.publish(cloud)
            sent += 1
            deadline = max(deadline + 1.0 / rate, time.monotonic())
            probe.spin(deadline - time.monotonic())
            answered += len(answers)  # keep the count, not the bytes
            answers.clear()

    usage = watch(node.process.pid, seconds, warm_up, feed)
    probe.spin(2.5)  # the last answers and one more diagnostic
    answered += len(answers)
    health = probe.health(name)
    return {
        "sent": sent,
        "received": int(health["points.received"]),
        "dropped_by_mailbox": int(health["points.dropped"]),
        "processed": int(health["processed"]),
        "answers_received": answered,
        **asdict(usage),
    }


def unaccounted(figures: dict) -> list[str]:
    """What does not add up in the figures of ``soak``."""
    problems = []
    if figures["received"] != figures["processed"] + figures["dropped_by_mailbox"]:
        problems.append("received != processed + dropped")
    if figures["received"] != figures["sent"]:
        problems.append(f"{figures['sent'] - figures['received']} clouds lost on the way in")
    if figures["answers_received"] != figures["processed"]:
        problems.append("answers lost on the way out")
    return problems
