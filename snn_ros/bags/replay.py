"""When to publish what: the schedule of a replay, without any publishing.

Simulated time during a replay is the time of the recording: it stands at the stamp of the message
sent last, or at a tick of the clock between two messages that lie far apart.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from snn_ros.bags.errors import UnknownTopic
from snn_ros.bags.reader import BagReader
from snn_ros.bags.recording import Message, Topic
from snn_ros.configuration import ConfigurationError, setting

CLOCK_TOPIC = "/clock"
SLOWEST_CLOCK = 40.0  # Hz of wall time
LONGEST_CATCH_UP = 0.1  # s; what a hiccup costs beyond this is lost, not made up for in a burst


@dataclass(frozen=True)
class ReplayConfig:
    """How to replay a recording."""

    bag: str = setting("", "recording to play: a folder, .mcap, .db3 or .bag", read_only=True)
    rate: float = setting(1.0, "speed", unit="x", minimum=0.001, maximum=1000.0, read_only=True)
    loop: int = setting(1, "times to play it, 0: until stopped", minimum=0, read_only=True)
    start: float = setting(
        0.0, "time into the recording to begin at", unit="s", minimum=0.0, read_only=True
    )
    topics: tuple[str, ...] = setting((), "topics to play, none: all", read_only=True)
    remap: tuple[str, ...] = setting((), "topics to rename, each as from:=to", read_only=True)
    clock: bool = setting(True, "publish the time of the recording on /clock", read_only=True)
    clock_rate: float = setting(
        100.0,
        "ticks of /clock per second of wall time",
        unit="Hz",
        minimum=SLOWEST_CLOCK,
        maximum=1000.0,
        read_only=True,
    )
    reliable: bool = setting(False, "offer reliable delivery on every topic", read_only=True)
    skip_unknown: bool = setting(
        False, "leave topics out whose type is not installed here", read_only=True
    )
    wait: float = setting(
        0.0, "longest wait for a subscriber of every topic", unit="s", minimum=0.0, read_only=True
    )


class Step(NamedTuple):
    """One thing to do: set the clock, and send a message if there is one."""

    stamp_ns: int
    message: Message | None = None


class Schedule:
    """What to publish of a recording, under which name and in which order.

    Attributes:
        topics: the topics to publish, by recorded name.
    """

    def __init__(self, bag: BagReader, config: ReplayConfig) -> None:
        """Check the wishes against the recording.

        Args:
            bag: the recording.
            config: the wishes.

        Raises:
            ConfigurationError: a ``remap`` is not from:=to or joins two topics, or ``start`` is
                after the end.
            UnknownTopic: a topic asked for, or one to rename, is not in the recording.
        """
        self._bag = bag
        self._config = config
        self._renamed = _renamings(config)
        if config.start > bag.duration_s:
            problem = f"start = {config.start:g} s: the recording is {bag.duration_s:g} s long"
            raise ConfigurationError("replay", [problem])
        if missing := (set(config.topics) | self._renamed.keys()) - bag.topics.keys():
            raise UnknownTopic(sorted(missing), bag.topics)
        self.topics: dict[str, Topic] = {
            name: topic
            for name, topic in bag.topics.items()
            if (not config.topics or name in config.topics)
            and not (config.clock and name == CLOCK_TOPIC)
        }
        names = Counter(self.published_name(name) for name in self.topics)
        if double := [name for name, count in names.items() if count > 1]:
            problem = f"remap = {list(config.remap)}: two topics become {', '.join(double)}"
            raise ConfigurationError("replay", [problem])

    def published_name(self, topic: str) -> str:
        """The name under which a recorded topic is published."""
        return self._renamed.get(topic, topic)

    def steps(self) -> Iterator[Step]:
        """Everything to do for one pass, in order; stamps never go back.

        What a late subscriber must still get (static transforms, maps) comes first, also where it
        was recorded before the start asked for.
        """
        start_ns = self._bag.start_ns + round(self._config.start * 1e9)
        latched = [name for name, topic in self.topics.items() if topic.latched]
        for message in self._bag.messages(latched, stop_ns=start_ns):
            yield Step(start_ns, message)
        steps = in_order(self._bag.messages(self.topics, start_ns=start_ns), start_ns)
        if self._config.clock:
            period_ns = round(1e9 * self._config.rate / self._config.clock_rate)
            steps = with_ticks(steps, start_ns, period_ns)
        yield from steps


def in_order(messages: Iterable[Message], start_ns: int) -> Iterator[Step]:
    """Messages as steps; one whose stamp lies before that of its predecessor follows at once."""
    latest = start_ns
    for message in messages:
        latest = max(latest, message.stamp_ns)
        yield Step(latest, message)


def with_ticks(steps: Iterable[Step], start_ns: int, period_ns: int) -> Iterator[Step]:
    """Fill the gaps between steps with ticks of the clock, at most period_ns apart."""
    clock_ns = start_ns
    yield Step(clock_ns)
    for step in steps:
        while step.stamp_ns - clock_ns > period_ns:
            clock_ns += period_ns
            yield Step(clock_ns)
        clock_ns = step.stamp_ns
        yield step


class Pacer:
    """Turns stamps into times of a steady clock.

    Attributes:
        lost_s: seconds by which hiccups made the replay longer.
    """

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        """Make a pacer; the first stamp asked for is due at once.

        Args:
            rate: seconds of recording per second of wall time.
            now: the steady clock, in seconds.
        """
        self._rate = rate
        self._now = now
        self._origin: tuple[int, float] | None = None
        self.lost_s = 0.0

    def due(self, stamp_ns: int) -> float:
        """When a stamp is due.

        After a hiccup longer than ``LONGEST_CATCH_UP`` the rest of the schedule is put off: the
        messages keep their distance instead of arriving in a burst.

        Args:
            stamp_ns: stamp of the next step, not before that of the last one.
        """
        now = self._now()
        if self._origin is None:
            self._origin = (stamp_ns, now)
        first_ns, began = self._origin
        due = began + (stamp_ns - first_ns) * 1e-9 / self._rate
        if now - due > LONGEST_CATCH_UP:
            self._origin = (stamp_ns, now)
            self.lost_s += now - due
            return now
        return due


def _renamings(config: ReplayConfig) -> dict[str, str]:
    """New topic names by the recorded ones."""
    pairs = [entry.partition(":=") for entry in config.remap]
    problems = [f"remap = {''.join(pair)!r}: must be from:=to" for pair in pairs if not all(pair)]
    if problems:
        raise ConfigurationError("replay", problems)
    return {old: new for old, _, new in pairs}
