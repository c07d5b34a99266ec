"""Which topic of a recording is meant."""

from __future__ import annotations

from snn_ros.bags import BagReader
from snn_ros.errors import SnnRosError


class WrongTopics(SnnRosError):
    """A recording lacks what a command needs, or has more of it than one."""


def only_topic(bag: BagReader, kind: str) -> str:
    """The one topic of a type, such as ``sensor_msgs/msg/Range``.

    Raises:
        WrongTopics: there is none, or more than one.
    """
    names = topics_of(bag, kind)
    if len(names) != 1:
        raise WrongTopics(f"{bag.path}: {len(names)} topics of type {kind}, expected one: {names}")
    return names[0]


def topics_of(bag: BagReader, kind: str) -> list[str]:
    """All topics of a type."""
    return [name for name, topic in bag.topics.items() if topic.type == kind]
