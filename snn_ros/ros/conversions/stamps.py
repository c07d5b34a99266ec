"""Stamps, durations and headers; a time is an int of nanoseconds wherever arithmetic is done."""

from __future__ import annotations

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import Header

from snn_ros.ros.conversions.validation import BadFrame, BadStamp

NANOSECONDS = 1_000_000_000
"""Nanoseconds in a second."""

CLOCK_JUMP_BACK_NS = NANOSECONDS
"""A stamp this far behind a newer one of the same source is a clock set back (a bag that starts
again, a simulator reset), not a message that was overtaken on the way."""


def read_stamp(stamp: Time, field: str = "stamp") -> int:
    """A time in nanoseconds.

    Raises:
        BadStamp: negative seconds, or a second or more of nanoseconds.
    """
    if stamp.sec < 0:
        raise BadStamp(f"{field}.sec", stamp.sec, "negative")
    if not 0 <= stamp.nanosec < NANOSECONDS:
        raise BadStamp(f"{field}.nanosec", stamp.nanosec, "expected less than 1e9")
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def read_header(header: Header) -> tuple[int, str]:
    """The stamp in nanoseconds and the frame.

    Raises:
        BadStamp: see read_stamp.
        BadFrame: no frame.
    """
    stamp_ns = read_stamp(header.stamp, "header.stamp")
    if not header.frame_id:
        raise BadFrame("header.frame_id", header.frame_id, "empty")
    return stamp_ns, header.frame_id


def write_stamp(stamp_ns: int) -> Time:
    """A time message of nanoseconds."""
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS)
    return Time(sec=seconds, nanosec=nanoseconds)


def write_duration(duration_ns: int) -> Duration:
    """A duration message of nanoseconds, which may be negative."""
    seconds, nanoseconds = divmod(duration_ns, NANOSECONDS)
    return Duration(sec=seconds, nanosec=nanoseconds)


def write_header(stamp_ns: int, frame_id: str) -> Header:
    """A header message."""
    return Header(stamp=write_stamp(stamp_ns), frame_id=frame_id)


def to_seconds(stamp_ns: int) -> float:
    """Seconds; exact to about 0.2 us for times since 1970, so pair and compare nanoseconds."""
    return stamp_ns / NANOSECONDS


def from_seconds(seconds: float) -> int:
    """The nearest whole nanosecond."""
    return round(seconds * NANOSECONDS)
