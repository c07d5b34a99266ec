"""Publish a recording over DDS: the node ``bag_player``, which ``snn-ros replay`` uses in process.

It is a plain node, not a lifecycle node: it has nothing to configure while it runs, ends by itself,
and on a robot one starts and kills it like ``ros2 bag play``.
"""

from __future__ import annotations

import importlib
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.duration import Duration
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rclpy.type_support import check_for_type_support
from rosbags.interfaces import QosReliability
from rosgraph_msgs.msg import Clock

from snn_ros.bags import BagReader, Topic
from snn_ros.bags.replay import CLOCK_TOPIC, Pacer, ReplayConfig, Schedule, Step
from snn_ros.configuration import ConfigurationError
from snn_ros.errors import SnnRosError
from snn_ros.ros.main import run
from snn_ros.ros.parameters import ParameterSet

_LATCHED_DEPTH = 100  # messages; more than any recorded depth of maps and static transforms
_ACKNOWLEDGE_TIMEOUT = 10.0  # s; Fast DDS asks for outstanding acknowledgements every 3 s
_STALLED_AFTER = 30.0  # s; Fast DDS gives a vanished subscriber up after 20 s
_POLL_PERIOD = 0.02  # s


class TypeNotInstalled(SnnRosError):
    """Recorded message types that no installed package brings."""

    def __init__(self, types: dict[str, str]) -> None:
        listed = ", ".join(f"{topic} ({kind})" for topic, kind in types.items())
        super().__init__(
            f"message types not installed here: {listed}; install them or skip these topics "
            "(skip_unknown)"
        )


class NoSubscriber(SnnRosError):
    """Nobody listens to topics that must be heard."""

    def __init__(self, topics: Iterable[str], timeout: float) -> None:
        super().__init__(f"no subscriber for {', '.join(topics)} within {timeout:g} s")


class SubscriberStalled(SnnRosError):
    """A reliable subscriber takes nothing any more."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"{topic}: a reliable subscriber took nothing for {_STALLED_AFTER:g} s")


@dataclass(frozen=True)
class TopicResult:
    """What became of one topic."""

    type: str
    recorded: int
    published: int
    acknowledged: bool
    """Every reliable subscriber has everything; true also where there is none."""


@dataclass(frozen=True)
class ReplayResult:
    """What a replay did."""

    finished: bool
    """False when it was stopped."""
    topics: dict[str, TopicResult]
    """By published name."""
    skipped: dict[str, str]
    """Recorded topics whose type is not installed here, with the type."""
    wall_s: float
    """Seconds from the first message to the last."""
    lost_s: float
    """Seconds by which hiccups made it longer."""
    lateness_ms: dict[str, float]
    """p50, p99 and max of how late messages were sent."""


class BagPlayer(Node):
    """Publishes one recording; ``snn_ros.bags.replay`` says when to send what."""

    parameters_type = ReplayConfig

    def __init__(self, config: ReplayConfig | None = None, **options: Any) -> None:
        """Open the recording and announce its topics.

        Args:
            config: how to play what; by default the node's parameters.
            options: as for ``rclpy.node.Node``.

        Raises:
            ConfigurationError: a parameter is wrong.
            BagUnreadable: the recording is foreign, truncated or damaged.
            UnknownTopic: it has not the topics named.
            TypeNotInstalled: a type is missing here and ``skip_unknown`` is not set.
        """
        super().__init__("bag_player", **options)
        self.config = config or ParameterSet(self, ReplayConfig).read()
        if not self.config.bag:
            raise ConfigurationError("parameters", ["bag = '': must name a recording"])
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failed = False
        self._bag = BagReader(self.config.bag)
        self._schedule = Schedule(self._bag, self.config)
        topics = self._schedule.topics
        classes = {name: message_class(topic.type) for name, topic in topics.items()}
        self._skipped = {n: topic.type for n, topic in topics.items() if classes[n] is None}
        if self._skipped and not self.config.skip_unknown:
            raise TypeNotInstalled(self._skipped)
        self._outlets = {
            name: _Outlet(self._publisher(name, found), self._stop)
            for name, found in classes.items()
            if found is not None
        }
        self._clock = self.create_publisher(Clock, CLOCK_TOPIC, 10) if self.config.clock else None

    @property
    def span_ns(self) -> tuple[int, int]:
        """Stamps of the first and the last step of a pass."""
        return self._bag.start_ns + round(self.config.start * 1e9), self._bag.end_ns

    @property
    def publishers(self) -> dict[str, Publisher]:
        """What publishes the recording, by resolved topic name."""
        return {outlet.publisher.topic_name: outlet.publisher for outlet in self._outlets.values()}

    def wait_for_subscribers(self, timeout: float) -> None:
        """Wait until each topic has a subscriber that matches.

        Args:
            timeout: in s.

        Raises:
            NoSubscriber: some topics have none in time.
        """
        deadline = time.monotonic() + timeout
        while lonely := [n for n, p in self.publishers.items() if not p.get_subscription_count()]:
            if time.monotonic() > deadline:
                raise NoSubscriber(lonely, timeout)
            if self._stop.wait(_POLL_PERIOD):
                return

    def play(self, on_step: Callable[[int], None] | None = None) -> ReplayResult:
        """Publish everything, then wait until reliable subscribers have it; Ctrl-C ends it early.

        Args:
            on_step: told the stamp of every step done, in ns.

        Raises:
            NoSubscriber: ``wait`` is set and some topic has none in time.
            SubscriberStalled: a reliable subscriber blocks a topic.
            BagUnreadable: the recording turns out to be damaged.
        """
        if self.config.wait:
            self.wait_for_subscribers(self.config.wait)
        began = time.monotonic()
        lateness = array("d")
        lost_s = 0.0
        try:
            for _ in self._passes():
                pacer = Pacer(self.config.rate)
                for step in self._schedule.steps():
                    due = pacer.due(step.stamp_ns)
                    if self._stop.wait(max(0.0, due - time.monotonic())):
                        break
                    self._do(step)
                    if step.message is not None:
                        lateness.append(time.monotonic() - due)
                    if on_step is not None:
                        on_step(step.stamp_ns)
                lost_s += pacer.lost_s
        except KeyboardInterrupt:
            self.stop()
        wall_s = time.monotonic() - began
        return ReplayResult(
            finished=not self._stop.is_set(),
            topics=self._topic_results(),
            skipped=self._skipped,
            wall_s=wall_s,
            lost_s=lost_s,
            lateness_ms=_summary(np.asarray(lateness) * 1e3),
        )

    def start(self) -> None:
        """Play in a thread of its own, then shut this process's ROS context down."""
        self._thread = threading.Thread(target=self._play_and_end, name="bag_player")
        self._thread.start()

    def stop(self) -> None:
        """End the replay early; may be called from any thread."""
        self._stop.set()

    def close(self) -> None:
        """End the replay if it runs and take the node down."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
        self._bag.close()
        self.destroy_node()

    def _publisher(self, topic: str, message_class: type) -> Publisher:
        qos = offered_qos(self._schedule.topics[topic], reliable=self.config.reliable)
        return self.create_publisher(message_class, self._schedule.published_name(topic), qos)

    def _passes(self) -> Iterator[int]:
        played = 0
        while not self._stop.is_set() and (not self.config.loop or played < self.config.loop):
            yield played
            played += 1

    def _do(self, step: Step) -> None:
        if self._clock is not None:
            self._clock.publish(Clock(clock=Time(nanoseconds=step.stamp_ns).to_msg()))
        if step.message is not None and (outlet := self._outlets.get(step.message.topic)):
            outlet.send(step.message.cdr)

    def _topic_results(self) -> dict[str, TopicResult]:
        deadline = time.monotonic() + _ACKNOWLEDGE_TIMEOUT
        results = {}
        for name, outlet in self._outlets.items():
            topic = self._schedule.topics[name]
            results[outlet.publisher.topic_name] = TopicResult(
                topic.type, topic.count, outlet.published, outlet.acknowledged(deadline)
            )
        return results

    def _play_and_end(self) -> None:
        self.failed = True
        try:
            result = self.play()
            lost = [name for name, topic in result.topics.items() if not topic.acknowledged]
            if lost and result.finished:
                self.get_logger().error(f"not acknowledged by a subscriber: {', '.join(lost)}")
            else:
                self.failed = False
            count = sum(topic.published for topic in result.topics.values())
            self.get_logger().info(
                f"{count} messages published in {result.wall_s:.1f} s, "
                f"late by {result.lateness_ms['p99']:.1f} ms (p99)"
            )
        except SnnRosError as err:
            self.get_logger().error(str(err))
        finally:
            self.context.try_shutdown()


class _Outlet:
    """One topic's publisher, which never drops a message that somebody must get."""

    def __init__(self, publisher: Publisher, stop: threading.Event) -> None:
        self.publisher = publisher
        self.published = 0
        self._stop = stop

    def send(self, cdr: bytes) -> None:
        """Publish; where the history is full, wait for the slowest reliable subscriber."""
        deadline = time.monotonic() + _STALLED_AFTER
        while not self._stop.is_set():
            try:
                self.publisher.publish(cdr)
            except rclpy_implementation.RCLError as err:  # after having waited for 0.1 s
                if time.monotonic() > deadline:
                    raise SubscriberStalled(self.publisher.topic_name) from err
            else:
                self.published += 1
                return

    def acknowledged(self, deadline: float) -> bool:
        """Wait until every reliable subscriber has everything, but not beyond a monotonic time."""
        while not self.publisher.wait_for_all_acked(Duration(seconds=_POLL_PERIOD)):
            if self._stop.is_set() or time.monotonic() > deadline:
                return False
        return True


def offered_qos(topic: Topic, *, reliable: bool = False) -> QoSProfile:
    """What to offer so that whoever could hear one of the recorded publishers hears the replay.

    That is the strongest of the recorded offers, and ROS's default where none was recorded.
    Histories are longer than recorded, for at high rates a reliable subscriber would miss what is
    overwritten before it was sent again. Deadlines, lifespans and liveliness are not replayed.

    Args:
        topic: with the offers recorded.
        reliable: offer reliable delivery whatever was recorded.
    """
    best_effort = bool(topic.qos) and all(
        offer.reliability == QosReliability.BEST_EFFORT for offer in topic.qos
    )
    keep_all = reliable or not best_effort
    profile = QoSProfile(
        history=HistoryPolicy.KEEP_ALL if keep_all else HistoryPolicy.KEEP_LAST,
        depth=max([10, *(offer.depth for offer in topic.qos)]),
        reliability=ReliabilityPolicy.RELIABLE if keep_all else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
    )
    if topic.latched:
        # Kept for whoever comes late, so it must have an end.
        profile.history = HistoryPolicy.KEEP_LAST
        profile.depth = max(_LATCHED_DEPTH, sum(offer.depth for offer in topic.qos))
        profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return profile


def main() -> int:
    """Run the node until the recording ends; the exit code is 1 if it could not be played."""
    players: list[BagPlayer] = []

    def make() -> BagPlayer:
        players.append(BagPlayer())
        players[0].start()
        return players[0]

    try:
        code = run(make)
    except SnnRosError as err:
        get_logger("bag_player").fatal(str(err))
        return 1
    return code or int(any(player.failed for player in players))


def message_class(message_type: str) -> type | None:
    """The class of a type such as ``sensor_msgs/msg/Imu``; None where it is not installed."""
    try:
        package, kind, name = message_type.split("/")
        found: type = getattr(importlib.import_module(f"{package}.{kind}"), name)
        check_for_type_support(found)
    except (ValueError, ImportError, AttributeError):
        return None
    return found


def _summary(values: np.ndarray) -> dict[str, float]:
    if not values.size:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "max": float(values.max())}
