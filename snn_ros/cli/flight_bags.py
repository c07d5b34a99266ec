"""Blimp flights out of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snn_ros.bags import BagReader
from snn_ros.blimp_control.flight_log import FlightLog
from snn_ros.cli.bag_topics import only_topic
from snn_ros.errors import SnnRosError

_RANGE, _SETPOINT = "sensor_msgs/msg/Range", "geometry_msgs/msg/PointStamped"
_SECONDS = 1e-9


class NoFlight(SnnRosError):
    """A recording does not hold one flight."""


def read_flight_bag(path: Path) -> FlightLog:
    """The flight in a recording with one Range and one PointStamped topic (z is the setpoint).

    A setpoint holds until the next; ranges before the first one are left out.

    Raises:
        BagUnreadable: it is no recording, or a damaged one.
        WrongTopics: it has not exactly one topic of each type.
        NoFlight: it has no range after a setpoint.
    """
    with BagReader(path) as bag:
        topics = {kind: only_topic(bag, kind) for kind in (_RANGE, _SETPOINT)}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in topics.values()}
        for message in bag.messages(list(topics.values())):
            decoded = bag.decode(message)
            value = decoded.range if message.topic == topics[_RANGE] else decoded.point.z
            found[message.topic].append((message.stamp_ns * _SECONDS, value))
    ranges, setpoints = (np.array(found[topics[kind]]).reshape(-1, 2) for kind in topics)
    newest = np.searchsorted(setpoints[:, 0], ranges[:, 0], side="right") - 1
    ranges, newest = ranges[newest >= 0], newest[newest >= 0]
    if not len(ranges):
        raise NoFlight(f"{path}: no range after a setpoint")
    return FlightLog(ranges[:, 0], ranges[:, 1], setpoints[newest, 1])
