"""Records what a simulated world says as a bag. Not a node to launch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from snn_ros.bags import BagWriter
from snn_ros.bags.qos import offered
from snn_ros.nodes.serialisation import serialised, type_name
from snn_ros.nodes.simulated_world import Stamped, Topic


class Recorder:
    """Writes messages at the simulated time at which they are there.

    Relative topics are recorded below ``/``.
    """

    def __init__(
        self, bag: BagWriter, topics: Iterable[Topic], names: Mapping[str, str] | None = None
    ) -> None:
        """Announce all topics.

        Args:
            bag: where to.
            topics: everything that will be written.
            names: other names for some of them.

        Raises:
            BagNotWritten: the file system refuses.
        """
        self._bag = bag
        self._names = {
            topic.name: absolute((names or {}).get(topic.name, topic.name)) for topic in topics
        }
        for topic in topics:
            offers = [offered(latched=topic.latched)]
            bag.add_topic(self._names[topic.name], type_name(topic.type), offers)

    def write(self, found: Iterable[Stamped]) -> None:
        """Append messages.

        Raises:
            BagNotWritten: the file system refuses; what was written so far is whole.
        """
        for stamped in found:
            cdr = serialised(stamped.message)
            self._bag.write(self._names[stamped.topic], stamped.stamp_ns, cdr)


def absolute(topic: str) -> str:
    """A topic's name outside any namespace."""
    return topic if topic.startswith("/") else f"/{topic}"
