"""The kinds of files that hold recordings, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from rosbags.convert.converter import (
    LATCH,
    STATIC_MSGTYPE_RENAMES,
    is_same_wireformat,
    migrate_bytes,
)
from rosbags.interfaces import Connection, ConnectionExtRosbag1, ConnectionExtRosbag2, Qos
from rosbags.rosbag1 import Reader as Rosbag1Reader
from rosbags.rosbag2 import Reader as Rosbag2Reader
from rosbags.typesys import get_types_from_msg
from rosbags.typesys.store import Typestore

from snn_ros.bags.errors import BagUnreadable
from snn_ros.bags.message_types import bag_types, extended, standard_types
from snn_ros.bags.recording import Message, Topic
from snn_ros.errors import SnnRosError


class Storage(Protocol):
    """An open recording; attributes as in ``BagReader``."""

    topics: dict[str, Topic]
    types: Typestore
    start_ns: int
    end_ns: int
    warning: str

    def messages(
        self, names: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        """The messages of some topics within [start_ns, stop_ns)."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises on foreign bytes into a refusal that names the file.

    Raises:
        BagUnreadable: something was raised inside.
    """
    try:
        yield
    except SnnRosError:
        raise
    except PermissionError as err:
        raise BagUnreadable(path, "no permission to read it") from err
    except Exception as err:  # on damaged bytes the parsers raise nearly everything
        reason = str(err) or type(err).__name__
        raise BagUnreadable(path, f"damaged or truncated: {reason}") from err


class Rosbag2:
    """A recording of ROS 2: a folder with its metadata.yaml, or one file out of such a folder."""

    warning = ""

    def __init__(self, path: Path) -> None:
        self._reader = Rosbag2Reader(path)
        self._reader.open()
        connections = self._reader.connections
        self.types = bag_types((c.msgtype, c.msgdef) for c in connections)
        self.topics = summarise(
            path, ((c.topic, c.msgtype, c.msgcount, _offers(path, c)) for c in connections)
        )
        self.start_ns, self.end_ns = _span(self._reader)

    def messages(
        self, names: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        """The messages of some topics within [start_ns, stop_ns)."""
        chosen = [c for c in self._reader.connections if c.topic in names]
        if not chosen:  # for the library no choice means all
            return
        for connection, stamp_ns, cdr in self._reader.messages(chosen, start_ns, stop_ns):
            yield Message(connection.topic, cdr, stamp_ns)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class Rosbag1:
    """A recording of ROS 1, read as if ROS 2 had recorded it."""

    warning = ""

    def __init__(self, path: Path) -> None:
        self._reader = Rosbag1Reader(path)
        self._reader.open()
        connections = self._reader.connections
        recorded = bag_types((c.msgtype, c.msgdef) for c in connections)
        self.types = extended(standard_types(), {})
        self._to_cdr = {
            c.msgtype: _ros1_to_cdr(recorded, self.types, c.msgtype) for c in connections
        }
        self.topics = summarise(
            path,
            ((c.topic, _ros2_name(c.msgtype), c.msgcount, _latched(c)) for c in connections),
        )
        self.start_ns, self.end_ns = _span(self._reader)

    def messages(
        self, names: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        """The messages of some topics within [start_ns, stop_ns), in CDR."""
        chosen = [c for c in self._reader.connections if c.topic in names]
        if not chosen:  # for the library no choice means all
            return
        for connection, stamp_ns, raw in self._reader.messages(chosen, start_ns, stop_ns):
            cdr = bytes(self._to_cdr[connection.msgtype](raw))
            yield Message(connection.topic, cdr, stamp_ns)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def summarise(
    path: Path, connections: Iterable[tuple[str, str, int, Iterable[Qos]]]
) -> dict[str, Topic]:
    """Merge what several publishers of a topic left: (topic, type, count, offered QoS) each.

    Raises:
        BagUnreadable: a topic has two types.
    """
    topics: dict[str, Topic] = {}
    for name, message_type, count, offers in connections:
        known = topics.get(name, Topic(name, message_type, 0))
        if known.type != message_type:
            raise BagUnreadable(path, f"{name} has two types, {known.type} and {message_type}")
        topics[name] = Topic(name, message_type, known.count + count, (*known.qos, *offers))
    return topics


def _span(reader: Rosbag1Reader | Rosbag2Reader) -> tuple[int, int]:
    """Stamps of the first and the last message; the library counts to one ns after it."""
    if not reader.message_count:
        return 0, 0
    return reader.start_time, reader.end_time - 1


def _offers(path: Path, connection: Connection) -> list[Qos]:
    recorded = connection.ext
    assert isinstance(recorded, ConnectionExtRosbag2)
    if recorded.serialization_format != "cdr":
        raise BagUnreadable(
            path, f"{connection.topic} is serialised as {recorded.serialization_format!r}, not CDR"
        )
    return recorded.offered_qos_profiles


def _latched(connection: Connection) -> list[Qos]:
    recorded = connection.ext
    return LATCH if isinstance(recorded, ConnectionExtRosbag1) and recorded.latching else []


def _ros2_name(message_type: str) -> str:
    return STATIC_MSGTYPE_RENAMES.get(message_type, message_type)


def _ros1_to_cdr(
    ros1: Typestore, ros2: Typestore, message_type: str
) -> Callable[[bytes], memoryview]:
    """A function that turns serialised messages of ROS 1 into CDR of the type of that name."""
    target = _ros2_name(message_type)
    if target not in ros2.fielddefs:
        text, _ = ros1.generate_msgdef(message_type, ros_version=2)
        definitions = get_types_from_msg(text, target)
        ros2.register({k: v for k, v in definitions.items() if k not in ros2.fielddefs})
    if is_same_wireformat(ros1, ros2, message_type, target):
        return partial(ros2.ros1_to_cdr, typename=target)
    # The fields differ: by name, defaults for what ROS 1 did not have.
    return partial(migrate_bytes, ros1, ros2, message_type, target, {}, src_is2=False, dst_is2=True)
