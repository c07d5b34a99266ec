"""The nodes that run now: connections that cannot work, and inputs that nobody publishes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, ReliabilityPolicy, qos_check_compatible
from rclpy.signals import SignalHandlerOptions
from rclpy.topic_endpoint_info import TopicEndpointInfo

from snn_ros.cli.checks.findings import OK, WARN, Check, Finding

_NAME = "snn_ros_doctor"
_DISCOVERY_TIME = 2.0  # s
_LARGE = ("sensor_msgs/msg/PointCloud2", "sensor_msgs/msg/Image")
_NOT_DATA = ("/rosout", "/parameter_events")


@dataclass(frozen=True)
class Topic:
    """A topic and who is at its ends."""

    name: str
    type: str
    publishers: tuple[TopicEndpointInfo, ...]
    subscriptions: tuple[TopicEndpointInfo, ...]


def running_nodes() -> Iterator[Finding]:
    """What is wrong among the nodes of this domain."""
    names, topics = _look_around()
    if not names:
        yield Finding(OK, "no nodes run in this domain")
        return
    problems = [problem for topic in topics for problem in examine(topic)]
    yield from problems
    if not problems:
        yield Finding(OK, f"{len(names)} nodes, all of whose connections fit")


def examine(topic: Topic) -> Iterator[Finding]:
    """What is wrong with one topic."""
    if not topic.publishers:
        listed = ", ".join(sorted(_node(info) for info in topic.subscriptions))
        yield Finding(
            WARN,
            f"nobody publishes {topic.name}, which {listed} wants",
            "remap it, or start its source",
        )
    for subscription in topic.subscriptions:
        for publisher in topic.publishers:
            fit, reason = qos_check_compatible(publisher.qos_profile, subscription.qos_profile)
            if fit == QoSCompatibility.ERROR:
                yield Finding(
                    WARN,
                    f"{topic.name}: what {_node(publisher)} offers is not what "
                    f"{_node(subscription)} asks for: {reason.strip()}",
                    "change the quality of service of one of them",
                )
            elif topic.type in _LARGE and _wastes_reliability(publisher, subscription):
                yield Finding(
                    OK,
                    f"{topic.name}: {_node(publisher)} would send reliably, "
                    f"{_node(subscription)} takes it best effort; if messages get lost, have it "
                    "ask for reliable",
                )


def _wastes_reliability(publisher: TopicEndpointInfo, subscription: TopicEndpointInfo) -> bool:
    return (
        publisher.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        and subscription.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    )


def _look_around() -> tuple[list[str], list[Topic]]:
    """The nodes and the topics of this domain, without ourselves."""
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = Node(_NAME, context=context, enable_rosout=False, start_parameter_services=False)
    try:
        time.sleep(_DISCOVERY_TIME)
        names = [name for name in node.get_node_names() if name != _NAME]
        return names, list(_topics(node))
    finally:
        node.destroy_node()
        rclpy.try_shutdown(context=context)


def _topics(node: Node) -> Iterator[Topic]:
    for name, types in node.get_topic_names_and_types():
        if name in _NOT_DATA:
            continue
        publishers = _others(node.get_publishers_info_by_topic(name))
        subscriptions = _others(node.get_subscriptions_info_by_topic(name))
        if publishers or subscriptions:
            yield Topic(name, types[0], publishers, subscriptions)


def _others(endpoints: Iterable[TopicEndpointInfo]) -> tuple[TopicEndpointInfo, ...]:
    return tuple(info for info in endpoints if info.node_name != _NAME)


def _node(info: TopicEndpointInfo) -> str:
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"


CHECKS = (Check("running nodes", running_nodes),)
