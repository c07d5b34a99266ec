"""Who takes part in traffic, as drivers see each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn_ros.simulation.street.actors import ActorSpec
from snn_ros.simulation.street.car_following import Drivers
from snn_ros.simulation.street.network import NONE, LanePosition

EGO_ROW = 0
"""Row of the ego among the agents."""

SIZES = {
    "sedan": ((3.7, 4.7), (1.65, 1.85), (1.4, 1.62)),
    "van": ((4.7, 5.5), (1.85, 2.0), (1.9, 2.3)),
    "truck": ((6.2, 8.5), (2.25, 2.4), (2.7, 3.3)),
    "pedestrian": ((0.45, 0.6), (0.45, 0.6), (1.55, 1.9)),
    "cyclist": ((1.6, 1.8), (0.5, 0.65), (1.65, 1.85)),
}
"""Length, width and height of each kind: least and most, in m."""

DESIRED_SPEEDS = {
    "sedan": (0.9, 1.1),  # of the limit
    "van": (0.85, 1.0),
    "truck": (0.7, 0.82),
    "cyclist": (3.5, 5.5),  # in m/s
    "pedestrian": (0.9, 1.6),
}
"""Least and most: of the speed limit for cars, vans and trucks, in m/s for the others."""

# acceleration and deceleration in m/s², headway in s, standstill gap in m
_DRIVERS = {
    "sedan": (1.6, 2.0, 1.2, 2.0),
    "van": (1.3, 2.0, 1.3, 2.0),
    "truck": (0.9, 1.8, 1.6, 2.5),
    "cyclist": (1.0, 1.8, 1.0, 1.2),
    "pedestrian": (1.2, 1.5, 0.3, 0.5),
}


@dataclass(frozen=True)
class Agent:
    """One who takes part in traffic, at the start.

    Attributes:
        spec: what it is.
        lane: index of its lane.
        s: arc length of its middle in m.
        speed: in m/s.
        desired_speed: in m/s, where the limit allows.
        offset: at which it keeps to the left of its lane's middle, in m.
    """

    spec: ActorSpec
    lane: int
    s: float
    speed: float
    desired_speed: float
    offset: float = 0.0


@dataclass(frozen=True)
class Presence:
    """The ego, or a body that follows no lane, as the others see it.

    Attributes:
        position: where in which lane.
        half_length: of the part along the lane in m.
        speed: along the lane in m/s.
        owner: row that does not mind it, because it is itself; ``NONE`` where there is none.
    """

    position: LanePosition
    half_length: float
    speed: float
    owner: int = NONE


def drivers_of(kinds: Sequence[str]) -> Drivers:
    """How those of some kinds drive, ride and walk."""
    return Drivers(*np.array([_DRIVERS[kind] for kind in kinds]).T)
