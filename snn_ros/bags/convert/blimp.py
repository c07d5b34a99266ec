"""Flight logs of an indoor blimp with motion capture, as csv.

The log's frames have z down; those of the recording z up (REP 103): y and z change sign.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from snn_ros.bags.convert import messages
from snn_ros.bags.convert.sources import (
    STATIC_TRANSFORMS,
    TRANSFORMS,
    Entry,
    Source,
    read_table,
    stamps_of,
)
from snn_ros.geometry.rigid import Transform

_COLUMNS = ("time", "x", "y", "z", "phi", "theta", "psi", "z_ref")
_Z_DOWN_TO_UP = np.diag([1.0, -1.0, -1.0])


def blimp_flight(source: Source) -> Iterator[Entry]:
    """A csv log as the blimp's sensor and setpoint topics, one message each per row.

    Nothing is resampled and repeated poses stay: that is how the hardware looked. A row with a
    missing number, or whose time does not advance, is left out.

    Args:
        source: csv with columns time [s]; x, y, z [m]; phi, theta, psi [rad]; z_ref [m].
    """
    rows = read_table(source.path, _COLUMNS)
    whole = np.all([np.isfinite(rows[name]) for name in _COLUMNS], axis=0)
    source.left_out["rows with a missing number"] += int((~whole).sum())
    rows = rows[whole]
    advances = rows["time"] > np.maximum.accumulate(np.append(-np.inf, rows["time"]))[:-1]
    source.left_out["rows whose time does not advance"] += int((~advances).sum())
    rows = rows[advances]

    stamps = stamps_of(rows["time"])
    if stamps:
        mounting = messages.transforms(stamps[0], [("base_link", "range_link", _looking_down())])
        yield Entry(stamps[0], STATIC_TRANSFORMS, mounting)
    for stamp, row in zip(stamps, rows, strict=True):
        pose = _pose(*(float(row[name]) for name in ("x", "y", "z", "phi", "theta", "psi")))
        links = [("map", "base_link", pose)]
        altitude, setpoint = -float(row["z"]), -float(row["z_ref"])
        yield Entry(stamp, TRANSFORMS, messages.transforms(stamp, links))
        yield Entry(stamp, "/blimp/pose", messages.pose(stamp, "map", pose))
        yield Entry(stamp, "/blimp/setpoint", messages.point(stamp, "map", 0.0, 0.0, setpoint))
        yield Entry(stamp, "/blimp/range", messages.range_message(stamp, "range_link", altitude))


def _pose(x: float, y: float, z: float, phi: float, theta: float, psi: float) -> Transform:
    """Pose with z up of a pose with z down and roll, pitch, yaw about the axes of the body."""
    pose = np.eye(4)
    rotation = Rotation.from_euler("ZYX", [psi, theta, phi]).as_matrix()
    pose[:3, :3] = _Z_DOWN_TO_UP @ rotation @ _Z_DOWN_TO_UP
    pose[:3, 3] = _Z_DOWN_TO_UP @ [x, y, z]
    return pose


def _looking_down() -> Transform:
    """A range sensor measures along its x axis."""
    transform = np.eye(4)
    transform[:3, :3] = Rotation.from_euler("y", np.pi / 2).as_matrix()
    return transform
