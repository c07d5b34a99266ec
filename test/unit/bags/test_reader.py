"""The same messages come out of every format."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import Writer as McapWriter
from rosbags.interfaces import QosDurability
from support.bags import (
    FORMATS,
    IMAGE,
    PERIOD_NS,
    PIXELS,
    QOS,
    RANGE,
    READINGS,
    START_NS,
    STATIC,
    TYPES,
    recorded,
    write_mcap,
    write_rosbag1,
    write_sqlite,
    write_without_definitions,
)

from snn_ros.bags import BagReader, BagWriter, Message
from snn_ros.bags.errors import BadMessage, BagUnreadable, UnknownTopic, UnknownType
from snn_ros.bags.message_types import standard_types
from snn_ros.bags.qos import offered

DURATION_S = (READINGS - 1) * PERIOD_NS * 1e-9


@pytest.fixture(params=FORMATS)
def bag(request, tmp_path):
    with BagReader(FORMATS[request.param](tmp_path / "bag")) as reader:
        yield reader


def test_index(bag):
    assert {name: topic.type for name, topic in bag.topics.items()} == TYPES
    counts = {name: topic.count for name, topic in bag.topics.items()}
    assert counts == {RANGE: READINGS, IMAGE: READINGS // 4, STATIC: 1}
    assert bag.count == READINGS + READINGS // 4 + 1
    assert bag.start_ns == START_NS
    assert bag.duration_s == pytest.approx(DURATION_S)
    assert bag.warning == ""


def test_messages_are_those_written_in_time_order(bag):
    types = standard_types()
    found = [(m.topic, m.stamp_ns, bytes(m.cdr)) for m in bag.messages()]
    expected = [
        (topic, stamp, bytes(types.serialize_cdr(message, TYPES[topic])))
        for topic, stamp, message in recorded()
    ]
    stamps = [stamp for _, stamp, _ in found]
    assert stamps == sorted(stamps)
    assert sorted(found) == sorted(expected)  # what has the same stamp may come in any order


def test_decode(bag):
    readings = [bag.decode(m).range for m in bag.messages([RANGE])]
    assert readings == pytest.approx([i * 0.25 for i in range(READINGS)])
    first, *_ = bag.messages([IMAGE])
    image = bag.decode(first)
    np.testing.assert_array_equal(image.data, PIXELS)
    assert image.header.frame_id == "camera"
    assert image.header.stamp.sec * 10**9 + image.header.stamp.nanosec == START_NS


def test_selection(bag):
    start, stop = START_NS + 4 * PERIOD_NS, START_NS + 8 * PERIOD_NS
    found = [(m.topic, m.stamp_ns) for m in bag.messages([IMAGE], start_ns=start, stop_ns=stop)]
    assert found == [(IMAGE, start + 1)]
    assert [m.stamp_ns for m in bag.messages([RANGE], start_ns=start, stop_ns=stop)] == list(
        range(start, stop, PERIOD_NS)
    )
    assert list(bag.messages([])) == []


def test_a_topic_that_is_not_there(bag):
    with pytest.raises(UnknownTopic, match=r"/nowhere.*it has .*/range"):
        bag.messages(["/nowhere"])


def test_recorded_qos(tmp_path):
    for write in (write_mcap, write_sqlite):
        with BagReader(write(tmp_path / write.__name__)) as bag:
            assert {name: list(topic.qos) for name, topic in bag.topics.items()} == QOS


def test_latched(bag):
    assert [name for name, topic in bag.topics.items() if topic.latched] == [STATIC]


def test_rosbag1_latching_becomes_durability(tmp_path):
    with BagReader(write_rosbag1(tmp_path / "bag")) as bag:
        durabilities = [offer.durability for offer in bag.topics[STATIC].qos]
        assert durabilities == [QosDurability.TRANSIENT_LOCAL]
        assert bag.topics[RANGE].qos == ()


@pytest.mark.parametrize(
    ("message_type", "fields"),
    [
        ("snn_ros/msg/Float64Stamped", {"data": 2.5}),
        ("vision_msgs/msg/Detection3DArray", {"detections": []}),
    ],
)
def test_our_own_messages(tmp_path, message_type, fields):
    types = standard_types()
    header = types.types["std_msgs/msg/Header"](
        types.types["builtin_interfaces/msg/Time"](1, 2), "f"
    )
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/ours", message_type)
        writer.write_message("/ours", 5, types.types[message_type](header, *fields.values()))
    with BagReader(tmp_path / "bag") as bag:
        (message,) = bag.messages()
        decoded = bag.decode(message)
    assert decoded.header.frame_id == "f"
    assert {name: getattr(decoded, name) for name in fields} == fields


def test_definitions_of_the_recording_win_over_installed_ones(tmp_path):
    """A recording of another ROS release, whose Range had one more field."""
    text = "uint8 radiation_type\nfloat32 range\nuint16 extra\n"
    path = tmp_path / "old.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="ros2", library="")
        schema = writer.register_schema("sensor_msgs/msg/Range", "ros2msg", text.encode())
        channel = writer.register_channel("/range", "cdr", schema)
        cdr = b"\0\1\0\0" + b"\1\0\0\0" + np.float32(2.5).tobytes() + np.uint16(9).tobytes()
        writer.add_message(channel, 10, cdr, 10)
        writer.finish()
    with BagReader(path) as bag:
        (message,) = bag.messages()
        assert bag.decode(message).extra == 9


def test_bytes_of_another_type_are_refused(tmp_path):
    with BagReader(write_mcap(tmp_path / "bag")) as bag, pytest.raises(BadMessage, match="Image"):
        bag.decode(Message(IMAGE, b"\0\1\0\0" + b"\xff" * 20, 0))


def test_bytes_can_be_read_without_a_definition(tmp_path):
    with BagReader(write_without_definitions(tmp_path / "old.db3")) as bag:
        (message,) = bag.messages()
        assert message == Message("/thing", b"\0\1\0\0\1", 5)
        with pytest.raises(UnknownType, match="their_msgs/msg/Thing"):
            bag.decode(message)


def test_no_messages(tmp_path):
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/range", "sensor_msgs/msg/Range")
    with BagReader(tmp_path / "bag") as bag:
        assert (bag.count, bag.start_ns, bag.end_ns, bag.duration_s) == (0, 0, 0, 0.0)
        assert list(bag.messages()) == []


def test_reading_is_lazy(tmp_path):
    """40 messages of 1 MB are never in memory together."""
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/string", "std_msgs/msg/String")
        for i in range(40):
            writer.write("/string", i, b"\0\1\0\0" + bytes(2**20))
    with BagReader(tmp_path / "bag") as bag:
        tracemalloc.start()
        count = sum(1 for _ in bag.messages())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 40
    assert peak < 10 * 2**20


def test_a_topic_with_two_types_is_refused(tmp_path):
    path = tmp_path / "two.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="ros2", library="")
        for name in ("std_msgs/msg/String", "std_msgs/msg/Bool"):
            schema = writer.register_schema(name, "ros2msg", b"uint8 data")
            writer.register_channel("/same", "cdr", schema)
        writer.finish()
    with pytest.raises(BagUnreadable, match="/same has two types, std_msgs/msg/String and"):
        BagReader(path)


def test_other_serialisations_are_refused(tmp_path):
    path = tmp_path / "json.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="ros2", library="")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        writer.register_channel("/text", "json", schema)
        writer.finish()
    with pytest.raises(BagUnreadable, match="/text is serialised as 'json'"):
        BagReader(path)


def test_several_publishers_of_a_topic_count_together(tmp_path):
    path = tmp_path / "publishers.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="ros2", library="")
        schema = writer.register_schema("std_msgs/msg/Bool", "ros2msg", b"bool data")
        channels = [writer.register_channel("/on", "cdr", schema) for _ in range(2)]
        for stamp, channel in enumerate([*channels, channels[0]]):
            writer.add_message(channel, stamp, b"\0\1\0\0\1", stamp)
        writer.finish()
    with BagReader(path) as bag:
        assert bag.topics["/on"].count == 3
        assert [m.stamp_ns for m in bag.messages()] == [0, 1, 2]


def test_split_recording(tmp_path):
    """rosbag2 splits long recordings into several files of one folder."""
    parts = []
    for i in range(2):
        with BagWriter(tmp_path / f"part_{i}") as writer:
            writer.add_topic("/on", "std_msgs/msg/Bool", [offered()])
            for stamp in range(10 * i, 10 * i + 10):
                writer.write("/on", stamp, b"\0\1\0\0\1")
        parts.append(tmp_path / f"part_{i}")
    whole = tmp_path / "whole"
    whole.mkdir()
    for part in parts:
        (part / f"{part.name}.mcap").rename(whole / f"{part.name}.mcap")
    metadata = (parts[0] / "metadata.yaml").read_text()
    metadata = metadata.replace("- part_0.mcap\n", "- part_0.mcap\n  - part_1.mcap\n")
    (whole / "metadata.yaml").write_text(metadata)
    with BagReader(whole) as bag:
        assert [m.stamp_ns for m in bag.messages()] == list(range(20))
    Path(whole / "metadata.yaml").unlink()
    with pytest.raises(BagUnreadable, match="no metadata.yaml"):
        BagReader(whole)


def test_folder_without_metadata_is_read_by_its_file(tmp_path):
    folder = write_mcap(tmp_path / "bag")
    (folder / "metadata.yaml").unlink()
    with BagReader(folder) as bag:
        assert bag.count == len(recorded())
