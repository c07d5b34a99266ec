"""Records a simulated drive as a bag. Not a node to launch."""

from __future__ import annotations

from collections.abc import Callable

from snn_ros.bags import BagWriter
from snn_ros.bags.qos import offered
from snn_ros.nodes.serialisation import serialised, type_name
from snn_ros.nodes.street_topics import Stamped, messages, static_messages, topics
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation


def record_street(
    street: StreetSimulation,
    bag: BagWriter,
    watch: Callable[[StreetReadings], None] = lambda _: None,
) -> None:
    """Drive to the end, and write every message at the simulated time at which it is there.

    Relative topics are recorded below ``/``.

    Args:
        street: before its first period.
        bag: where to.
        watch: called after each period.

    Raises:
        BagNotWritten: the file system refuses; what was written so far is whole.
    """
    for topic in topics(street):
        offers = [offered(latched=topic.latched)]
        bag.add_topic(absolute(topic.name), type_name(topic.type), offers)

    def write(stamped: Stamped) -> None:
        bag.write(absolute(stamped.topic), stamped.stamp_ns, serialised(stamped.message))

    for stamped in static_messages(street):
        write(stamped)
    while not street.finished:
        readings = street.advance()
        for stamped in messages(street, readings):
            write(stamped)
        watch(readings)


def absolute(topic: str) -> str:
    """A topic's name outside any namespace."""
    return topic if topic.startswith("/") else f"/{topic}"
