"""sensor_msgs/LaserScan."""

from __future__ import annotations

import math

from sensor_msgs.msg import LaserScan

from snn_ros.ros.conversions.geometry import RangeSample
from snn_ros.ros.conversions.stamps import read_header
from snn_ros.ros.conversions.validation import BadSize, BadValue, finite


def read_middle_ray(message: LaserScan) -> RangeSample:
    """The ray in the middle of a scan, as of a range finder whose spot the scan covers.

    Args:
        message: a scan; infinities are kept, as they mean something (REP-117).

    Raises:
        BadStamp, BadFrame: see read_header.
        BadSize: no rays.
        BadValue: a distance that is NaN, limits that are none, or angles that are not finite.
    """
    stamp_ns, frame_id = read_header(message.header)
    limits = (message.range_min, message.range_max)
    if not 0 <= limits[0] <= limits[1]:
        raise BadValue("range_min, range_max", limits, "expected 0 <= min <= max")
    if len(message.ranges) == 0:
        raise BadSize("ranges", 0, "expected at least one")
    middle = len(message.ranges) // 2
    distance = float(message.ranges[middle])
    if math.isnan(distance):
        raise BadValue(f"ranges[{middle}]", distance, "not a number")
    low, high = finite("angle_min, angle_max", (message.angle_min, message.angle_max), (2,))
    return RangeSample(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        distance=distance,
        min_range=limits[0],
        max_range=limits[1],
        field_of_view=float(abs(high - low)),
    )
