"""Read an MCAP file that has no usable end: its recording was killed, or it was cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from mcap.records import Channel, McapRecord, Schema
from mcap.records import Message as MessageRecord
from mcap.stream_reader import StreamReader
from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat, Qos
from rosbags.rosbag2.metadata import parse_qos

from snn_ros.bags.errors import BagUnreadable
from snn_ros.bags.message_types import bag_types
from snn_ros.bags.recording import Message
from snn_ros.bags.storage import summarise

_FORMATS = {"ros2msg": MessageDefinitionFormat.MSG, "ros2idl": MessageDefinitionFormat.IDL}


class UnfinishedMcap:
    """The messages of an MCAP file up to the first record that is cut or damaged.

    The whole file is read once when it is opened, to count. Messages come in the order of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._channels: dict[int, Channel] = {}
        schemas: dict[int, Schema] = {}
        counts: Counter[int] = Counter()
        self.start_ns, self.end_ns = 0, 0
        for record in _records(path):
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel) and record.message_encoding == "cdr":
                self._channels[record.id] = record
            elif isinstance(record, MessageRecord) and record.channel_id in self._channels:
                stamp = record.log_time
                self.start_ns = min(self.start_ns, stamp) if counts else stamp
                self.end_ns = max(self.end_ns, stamp)
                counts[record.channel_id] += 1
        if not counts:
            raise BagUnreadable(path, "ends early, before the first whole message")
        self.types = bag_types((s.name, _definition(s)) for s in schemas.values())
        self.topics = summarise(
            path,
            (
                (c.topic, schemas[c.schema_id].name, counts[c.id], _offers(c))
                for c in self._channels.values()
            ),
        )
        self.warning = f"{path}: ends early; {counts.total()} whole messages were found in it"

    def messages(
        self, names: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        """The messages of some topics within [start_ns, stop_ns)."""
        first = self.start_ns if start_ns is None else start_ns
        stop = self.end_ns + 1 if stop_ns is None else stop_ns
        for record in _records(self._path):
            if not isinstance(record, MessageRecord) or record.channel_id not in self._channels:
                continue
            topic = self._channels[record.channel_id].topic
            if topic in names and first <= record.log_time < stop:
                yield Message(topic, record.data, record.log_time)

    def close(self) -> None:
        """Nothing stays open between two reads."""


def _records(path: Path) -> Iterator[McapRecord]:
    """The records of a file until one cannot be read."""
    with path.open("rb") as file:
        try:
            yield from StreamReader(file).records
        except Exception:  # noqa: BLE001 - on damaged bytes the parser raises nearly everything
            return


def _definition(schema: Schema) -> MessageDefinition:
    return MessageDefinition(
        _FORMATS.get(schema.encoding, MessageDefinitionFormat.NONE),
        schema.data.decode(errors="replace"),
    )


def _offers(channel: Channel) -> list[Qos]:
    return parse_qos(channel.metadata.get("offered_qos_profiles", ""))
