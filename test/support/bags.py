"""Small recordings made by hand: the same messages in every format."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rosbags.rosbag1 import Writer as Rosbag1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Rosbag2Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from snn_ros.bags import BagReader, BagWriter
from snn_ros.bags.convert import BAG, convert
from snn_ros.bags.message_types import standard_types
from snn_ros.bags.qos import offered

RANGE, IMAGE, STATIC = "/range", "/camera/image", "/tf_static"
TYPES = {
    RANGE: "sensor_msgs/msg/Range",
    IMAGE: "sensor_msgs/msg/Image",
    STATIC: "tf2_msgs/msg/TFMessage",
}
QOS = {
    RANGE: [offered(depth=5, reliable=False)],
    IMAGE: [offered()],
    STATIC: [offered(depth=1, latched=True)],
}
READINGS = 20
START_NS, PERIOD_NS = 1_700_000_000_000_000_000, 50_000_000
PIXELS = np.arange(12, dtype=np.uint8)


class Recorded(NamedTuple):
    topic: str
    stamp_ns: int
    message: Any


def recorded(types: Typestore | None = None) -> list[Recorded]:
    """What is in every recording: a static transform, readings at 20 Hz, every fourth an image."""
    make = (types or standard_types()).types
    is_ros1 = "seq" in dict(make["std_msgs/msg/Header"].__dataclass_fields__)

    def header(stamp_ns: int, frame: str) -> Any:
        time = make["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
        fields = {"stamp": time, "frame_id": frame}
        return make["std_msgs/msg/Header"](**fields, **({"seq": 7} if is_ros1 else {}))

    vector = make["geometry_msgs/msg/Vector3"](1.0, 2.0, 3.0)
    quaternion = make["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    transform = make["geometry_msgs/msg/TransformStamped"](
        header(START_NS, "map"),
        "base_link",
        make["geometry_msgs/msg/Transform"](vector, quaternion),
    )
    transforms = make["tf/msg/tfMessage" if is_ros1 else "tf2_msgs/msg/TFMessage"]([transform])
    found = [Recorded(STATIC, START_NS, transforms)]
    for i in range(READINGS):
        stamp = START_NS + i * PERIOD_NS
        variance = {} if is_ros1 else {"variance": 0.0}  # ROS 2 added it
        reading = make["sensor_msgs/msg/Range"](
            header(stamp, "range_link"), 1, 0.04, 0.1, 12.0, i * 0.25, **variance
        )
        found.append(Recorded(RANGE, stamp, reading))
        if i % 4 == 0:
            image = make["sensor_msgs/msg/Image"](
                header(stamp, "camera"), 3, 4, "mono8", 0, 4, PIXELS + i
            )
            found.append(Recorded(IMAGE, stamp + 1, image))
    return found


def write_mcap(path: Path, **options: Any) -> Path:
    with BagWriter(path, **options) as bag:
        for topic, message_type in TYPES.items():
            bag.add_topic(topic, message_type, QOS[topic])
        for topic, stamp_ns, message in recorded():
            bag.write_message(topic, stamp_ns, message)
    return path


def write_mcap_file(path: Path) -> Path:
    """A single .mcap file without its folder."""
    folder = write_mcap(path)
    return (folder / f"{folder.name}.mcap").rename(folder.with_suffix(".mcap"))


def write_sqlite(path: Path) -> Path:
    types = standard_types()
    with Rosbag2Writer(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as bag:
        connections = {
            topic: bag.add_connection(
                topic, message_type, typestore=types, offered_qos_profiles=QOS[topic]
            )
            for topic, message_type in TYPES.items()
        }
        for topic, stamp_ns, message in recorded():
            cdr = types.serialize_cdr(message, TYPES[topic])
            bag.write(connections[topic], stamp_ns, cdr)
    return path


def write_without_definitions(path: Path) -> Path:
    """One message of a type unknown here, as ROS 2 Foxy recorded it: without its definition."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT,"
            " serialization_format TEXT, offered_qos_profiles TEXT);"
            "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER,"
            " data BLOB);"
            "INSERT INTO topics VALUES (1, '/thing', 'their_msgs/msg/Thing', 'cdr', '');"
            "INSERT INTO messages VALUES (1, 1, 5, x'0001000001');"
        )
        database.commit()
    return path


def ros1_types() -> Typestore:
    """ROS 1's messages, with the transforms of the tf package."""
    types = get_typestore(Stores.ROS1_NOETIC)
    transforms = "geometry_msgs/TransformStamped[] transforms"
    types.register(get_types_from_msg(transforms, "tf/msg/tfMessage"))
    return types


def write_rosbag1(path: Path) -> Path:
    types = ros1_types()
    path = path.with_suffix(".bag")
    names = TYPES | {STATIC: "tf/msg/tfMessage"}
    with Rosbag1Writer(path) as bag:
        connections = {
            topic: bag.add_connection(
                topic, message_type, typestore=types, latching=int(topic == STATIC)
            )
            for topic, message_type in names.items()
        }
        for topic, stamp_ns, message in recorded(types):
            raw = types.serialize_ros1(message, names[topic])
            bag.write(connections[topic], stamp_ns, raw)
    return path


FORMATS: dict[str, Callable[[Path], Path]] = {
    "mcap folder": write_mcap,
    "mcap file": write_mcap_file,
    "mcap compressed": lambda path: write_mcap(path, compress=True),
    "sqlite3": write_sqlite,
    "rosbag1": write_rosbag1,
}


def assert_converts_without_loss(source: Path, target: Path) -> dict[str, int]:
    """Convert a bag to MCAP: counts, stamps, bytes, types and offered QoS stay; counts by topic."""
    made = convert(BAG, source, target)
    with BagReader(source) as before, BagReader(target) as after:
        assert before.topics == after.topics
        assert sorted(before.messages()) == sorted(after.messages())
        return {name: count for name, (_, count) in made.topics.items()}
