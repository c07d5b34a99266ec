"""Nodes of a launch file during a replay: when they listen, and when they have answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import NodeNameNonExistentError
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from snn_ros.errors import SnnRosError
from snn_ros.nodes.bag_player import BagPlayer, message_class

_SETTLED = 0.5  # s without a change, after which what is known of the graph counts as complete
_POLL_PERIOD = 0.05  # s
_PATIENCE = 5  # times the quiet asked for: some nodes go on without input
# What nodes publish on their own account.
_NO_RESULTS = ("/rosout", "/parameter_events", "/diagnostics", "/transition_event")
_NEWEST = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
)

NamesAndTypes = list[tuple[str, list[str]]]


class NodesDoNotListen(SnnRosError):
    """The nodes launched have no use for the recording."""

    def __init__(self, nodes: Iterable[str], wanted: Iterable[str], has: Iterable[str]) -> None:
        super().__init__(
            f"{', '.join(nodes)} subscribe to {', '.join(sorted(wanted)) or 'nothing'}; the "
            f"recording has {', '.join(sorted(has))} (rename topics with --remap)"
        )


class NodesDoNotMatch(SnnRosError):
    """The nodes launched ask for more than was recorded."""

    def __init__(self, topics: Iterable[str]) -> None:
        super().__init__(
            f"{', '.join(sorted(topics))}: recorded best effort, but subscribed to reliably; "
            "offer it with --reliable"
        )


class LaunchedNodes:
    """The nodes of a launch file as the player sees them."""

    def __init__(self, player: BagPlayer, names: Collection[str]) -> None:
        """Look for nodes.

        Args:
            player: the player, which publishes nothing yet.
            names: fully qualified names of the nodes.
        """
        self._player = player
        self._names = names
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(player)
        self._last_result = time.monotonic()

    def wait_until_listening(self, timeout: float) -> None:
        """Wait until the nodes subscribe to the recording, then watch for their results.

        Args:
            timeout: in s.

        Raises:
            NodesDoNotListen: they subscribe to none of its topics.
            NodesDoNotMatch: they do, but with a quality of service that is not offered.
        """
        deadline = time.monotonic() + timeout
        known: set[str] = set()
        changed = time.monotonic()
        while True:
            now = time.monotonic()
            subscribed = self._topics(self._player.get_subscriber_names_and_types_by_node)
            heard = subscribed & self._player.publishers.keys()
            lonely = {topic for topic in heard if not self._matched(topic)}
            if heard != known:
                known, changed = heard, now
            if heard and not lonely and now - changed > _SETTLED:
                break
            if now > deadline and heard:
                raise NodesDoNotMatch(lonely)
            if now > deadline:
                raise NodesDoNotListen(self._names, subscribed, self._player.publishers)
            time.sleep(_POLL_PERIOD)
        self._watch_results()

    def wait_for_last_result(self, quiet: float) -> None:
        """Wait until no result has come for some seconds, at most five times as long.

        Args:
            quiet: in s.
        """
        began = self._last_result = time.monotonic()
        while (now := time.monotonic()) < began + _PATIENCE * quiet:
            if now > self._last_result + quiet:
                return
            self._executor.spin_once(timeout_sec=_POLL_PERIOD)

    def _watch_results(self) -> None:
        for name in self._names:
            for topic, types in self._of(name, self._player.get_publisher_names_and_types_by_node):
                if topic.endswith(_NO_RESULTS) or (kind := message_class(types[0])) is None:
                    continue
                self._player.create_subscription(kind, topic, self._hear, _NEWEST, raw=True)

    def _hear(self, _message: bytes) -> None:
        self._last_result = time.monotonic()

    def _matched(self, topic: str) -> bool:
        wanted = self._player.count_subscribers(topic)
        return bool(self._player.publishers[topic].get_subscription_count() >= wanted)

    def _topics(self, query: Callable[[str, str], NamesAndTypes]) -> set[str]:
        return {topic for name in self._names for topic, _ in self._of(name, query)}

    def _of(self, name: str, query: Callable[[str, str], NamesAndTypes]) -> NamesAndTypes:
        namespace, _, base = name.rpartition("/")
        try:
            return query(base, namespace or "/")
        except NodeNameNonExistentError:
            return []
