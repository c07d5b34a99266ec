"""ROS messages as bytes that are the same whenever the messages are."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from rosbags.typesys.store import Typestore

from snn_ros.bags.message_types import require, standard_types


def type_name(message_type: type) -> str:
    """Such as ``sensor_msgs/msg/Imu``."""
    package, kind = message_type.__module__.split(".")[:2]
    return f"{package}/{kind}/{message_type.__name__}"


def serialised(message: Any) -> memoryview:
    """A message in CDR, with zeros wherever the format asks for padding.

    ``rclpy.serialization`` leaves there, and behind the message's end, whatever memory held.

    Raises:
        UnknownType: the message's package does not bring its definition along.
    """
    types, name = standard_types(), type_name(type(message))
    require(types, name)
    return types.serialize_cdr(_stored(types, message), name)


def _stored(types: Typestore, value: Any) -> Any:
    """A message as the bag library holds it: its own classes, arrays as NumPy's."""
    if hasattr(value, "get_fields_and_field_types"):
        fields = {name: getattr(value, name) for name in value.get_fields_and_field_types()}
        parts = {name: _stored(types, part) for name, part in fields.items()}
        return types.types[type_name(type(value))](**parts)
    if isinstance(value, array.array):
        return np.frombuffer(value, value.typecode) if value else np.zeros(0, value.typecode)
    if isinstance(value, list):
        return [_stored(types, member) for member in value]
    return value
