"""Read recordings of ROS 1 and ROS 2 without ROS.

::

    with BagReader("drive_0001") as bag:
        for message in bag.messages(["/imu"]):
            imu = bag.decode(message)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from snn_ros.bags.errors import BadMessage, UnknownTopic
from snn_ros.bags.message_types import require
from snn_ros.bags.opening import open_storage
from snn_ros.bags.recording import Message, Topic
from snn_ros.bags.storage import refusing


class BagReader:
    """A recording: a rosbag2 folder, a single .mcap or .db3 file, or a ROS 1 .bag file.

    Messages of ROS 1 come out as those of ROS 2: in CDR, with ROS 2's fields.

    Attributes:
        path: folder or file.
        topics: the topics by name.
        types: the definitions of the message types.
        start_ns: stamp of the first message, 0 when there is none.
        end_ns: stamp of the last message, 0 when there is none.
        warning: what is missing from a recording that was recovered; else empty.
    """

    def __init__(self, path: str | Path, *, recover: bool = False) -> None:
        """Open a recording and read its index.

        Args:
            path: folder or file.
            recover: read an MCAP file that ends early or whose index is damaged as far as it goes.

        Raises:
            BagUnreadable: it is absent, foreign, truncated or damaged.
        """
        self.path = Path(path)
        self._storage = open_storage(self.path, recover=recover)
        self.topics: dict[str, Topic] = self._storage.topics
        self.types = self._storage.types
        self.start_ns = self._storage.start_ns
        self.end_ns = self._storage.end_ns
        self.warning = self._storage.warning
        self._decodable: set[str] = set()

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; messages can no longer be read."""
        self._storage.close()

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last message."""
        return (self.end_ns - self.start_ns) * 1e-9

    @property
    def count(self) -> int:
        """Messages of all topics."""
        return sum(topic.count for topic in self.topics.values())

    def messages(
        self,
        topics: Collection[str] | None = None,
        *,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[Message]:
        """Read messages one by one in the order of their stamps.

        A recording split into several files is read file by file, a recovered one in the order of
        the file; there, stamps of different topics may be out of order by what the recorder cached.

        Args:
            topics: topics to read; all when None.
            start_ns: first stamp to read.
            stop_ns: stamp to stop before.

        Raises:
            UnknownTopic: a topic is not in the recording.
            BagUnreadable: the file turns out to be damaged further on.
        """
        names = set(self.topics if topics is None else topics)
        if missing := names - self.topics.keys():
            raise UnknownTopic(sorted(missing), self.topics)
        return self._messages(names, start_ns, stop_ns)

    def decode(self, message: Message) -> Any:
        """The message as an object with the fields of its type; arrays of numbers are ndarrays.

        Raises:
            BadMessage: the bytes are not of the topic's type.
            UnknownType: nothing defines the type.
        """
        message_type = self.topics[message.topic].type
        if message_type not in self._decodable:
            require(self.types, message_type)
            self._decodable.add(message_type)
        try:
            return self.types.deserialize_cdr(message.cdr, message_type)
        except Exception as err:  # on foreign bytes the parser raises nearly everything
            raise BadMessage(message_type, str(err) or type(err).__name__) from err

    def _messages(
        self, names: set[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        with refusing(self.path):
            yield from self._storage.messages(names, start_ns, stop_ns)
