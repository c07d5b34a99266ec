"""Recorded flights as plain arrays."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snn_ros.blimp_control.evaluation import LogError
from snn_ros.blimp_control.parameters import FloatArray

COLUMNS = ("time", "z", "z_ref")


class FlightLog(NamedTuple):
    """A flight of N rows.

    Attributes:
        time: (N,) in s.
        altitude: (N,) in m, positive up.
        setpoint: (N,) in m, positive up.
    """

    time: FloatArray
    altitude: FloatArray
    setpoint: FloatArray


def read_flight_log(path: Path) -> FlightLog:
    """Read a csv with the columns time, z and z_ref, z pointing down in m.

    Raises:
        LogError: the file cannot be read, a column is missing or holds text.
    """
    try:
        with path.open(newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise LogError(f"{path}: missing columns {', '.join(missing)}")
            values = np.array([[float(row[name]) for name in COLUMNS] for row in rows])
    except (OSError, UnicodeDecodeError) as err:
        raise LogError(f"{path}: cannot be read: {err}") from err
    except (TypeError, ValueError) as err:
        raise LogError(f"{path}: {err}") from err
    if not len(values):
        raise LogError(f"{path}: holds no rows")
    return FlightLog(values[:, 0], -values[:, 1], -values[:, 2])
