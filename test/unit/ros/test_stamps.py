import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from std_msgs.msg import Header

from snn_ros.ros.conversions.stamps import (
    from_seconds,
    read_header,
    read_stamp,
    to_seconds,
    write_duration,
    write_header,
    write_stamp,
)
from snn_ros.ros.conversions.validation import BadFrame, BadStamp

MAX_NS = 2**31 * 10**9 - 1


@given(st.integers(0, MAX_NS))
def test_a_stamp_survives_the_round_trip_to_the_nanosecond(stamp_ns):
    assert read_stamp(write_stamp(stamp_ns)) == stamp_ns


@given(st.integers(0, MAX_NS))
def test_seconds_are_as_exact_as_a_float_can_be(stamp_ns):
    assert abs(from_seconds(to_seconds(stamp_ns)) - stamp_ns) <= 240


def test_a_negative_duration_borrows_from_the_seconds():
    duration = write_duration(-1)
    assert (duration.sec, duration.nanosec) == (-1, 999_999_999)


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        (Time(sec=-1), "stamp.sec: -1: negative"),
        (Time(nanosec=10**9), "stamp.nanosec: 1000000000: expected less than 1e9"),
        (Time(nanosec=2**32 - 1), "stamp.nanosec: 4294967295"),
    ],
)
def test_an_impossible_stamp_names_the_field_and_the_value(stamp, text):
    with pytest.raises(BadStamp, match=text):
        read_stamp(stamp)


def test_a_header_needs_a_frame():
    assert read_header(write_header(5, "lidar")) == (5, "lidar")
    with pytest.raises(BadFrame, match="header.frame_id: '': empty"):
        read_header(Header())
