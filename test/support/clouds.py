"""Point clouds as drivers send them, with the same points in every layout."""

from array import array

import numpy as np
from sensor_msgs.msg import PointCloud2

from snn_ros.ros.conversions.point_clouds import write_structured

FULL = 255
"""Intensity of full brightness in these clouds."""

_XYZ = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
_XYZIRC = [*_XYZ, ("intensity", "u1"), ("return_type", "u1"), ("channel", "<u2")]
LAYOUTS = {
    "xyzi": np.dtype([*_XYZ, ("intensity", "<f4")]),
    "xyzi_padded": np.dtype(
        {
            "names": ["x", "y", "z", "intensity"],
            "formats": ["<f4"] * 4,
            "offsets": [0, 4, 8, 16],
            "itemsize": 32,
        }
    ),
    "xyzirc": np.dtype(_XYZIRC),
    "xyzircaedt": np.dtype(
        [*_XYZIRC, ("azimuth", "<f4"), ("elevation", "<f4"), ("distance", "<f4"), ("time", "<u4")]
    ),
    "uint16": np.dtype([*_XYZ, ("intensity", "<u2"), ("ring", "<u2"), ("time", "<f4")]),
    "doubles": np.dtype([("intensity", "<f4"), ("x", "<f8"), ("y", "<f8"), ("z", "<f8")]),
    "xyz": np.dtype(_XYZ),
}


def cloud(
    points: np.ndarray, layout: str = "xyzi", *, stamp_ns: int = 1, frame: str = "lidar"
) -> PointCloud2:
    """Points (N, 4), brightness 0..1 in whole steps of a 255th, as a message."""
    fields = np.zeros(len(points), LAYOUTS[layout])
    for column, name in enumerate("xyz"):
        fields[name] = points[:, column]
    if layout != "xyz":
        fields["intensity"] = np.rint(points[:, 3] * FULL)
    return write_structured(fields, stamp_ns, frame)


def organised(message: PointCloud2, rows: int, padding: int = 5) -> PointCloud2:
    """The same points as an image of rows, each with some bytes behind."""
    flat = np.frombuffer(message.data, np.uint8)
    assert message.width % rows == 0
    message.height, message.width = rows, message.width // rows
    bytes_of_rows = np.pad(flat.reshape(rows, -1), ((0, 0), (0, padding)))
    message.row_step = flat.size // rows + padding
    message.data = array("B", bytes_of_rows.tobytes())
    return message
