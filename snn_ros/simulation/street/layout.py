"""A place as pure data: lanes, surfaces, markings and what stands beside the road.

World frame: x east, y north, z up; the carriageway is at z = 0, pavements at ``kerb_height``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(N, 2) float64: x, y in m."""

LANE_KINDS = ("car", "cycle", "walk")
TURNS = ("left", "forward", "right")
MARKING_KINDS = ("solid", "dashed", "stop", "crosswalk")
POLE_KINDS = ("lamp", "sign", "traffic_light")


@dataclass(frozen=True)
class Lane:
    """One lane of the road.

    Attributes:
        identifier: unique in its layout.
        centre: (N, 2) float64 centre line in driving direction, in m.
        width: in m.
        speed_limit: in m/s.
        successors: identifiers of the lanes that begin where this one ends.
        left: identifier of the lane beside it on the left, if one may change there.
        right: the same on the right.
        oncoming: identifier of the nearest lane in the opposite direction, if there is one.
        kind: one of ``LANE_KINDS``; cars do not use cycle lanes.
        turn: what taking this lane means for the route: ``left``, ``right`` or ``forward``.
        gate: name of the crossing or crosswalk that lets traffic pass ``stop_at``.
        stop_at: arc length of the stop line in m; meaningful where there is a gate.
    """

    identifier: int
    centre: Points
    width: float
    speed_limit: float
    successors: tuple[int, ...] = ()
    left: int | None = None
    right: int | None = None
    oncoming: int | None = None
    kind: str = "car"
    turn: str = "forward"
    gate: str | None = None
    stop_at: float = 0.0


@dataclass(frozen=True)
class Marking:
    """Paint on the road.

    Attributes:
        points: (N, 2) float64 line in m.
        kind: one of ``MARKING_KINDS``. A crosswalk's line is the path of those who cross, and its
            width the length of the stripes (which lie along the carriageway).
        width: of the paint across the line, in m.
        divider: whether it divides lanes (as opposed to the edge of the road).
    """

    points: Points
    kind: str
    width: float
    divider: bool = False


@dataclass(frozen=True)
class Building:
    """A box with a facade.

    Attributes:
        footprint: (4, 2) float64 corners, counter-clockwise; the first edge faces the road.
        height: in m.
        seed: of its looks.
    """

    footprint: Points
    height: float
    seed: int


class Tree(NamedTuple):
    """A tree: position and height in m, seed of its looks."""

    x: float
    y: float
    height: float
    seed: int


class Pole(NamedTuple):
    """A pole at the roadside; ``kind`` is one of ``POLE_KINDS``, ``yaw`` the way its face looks."""

    x: float
    y: float
    height: float
    kind: str
    yaw: float = 0.0


class ParkingSpot(NamedTuple):
    """Centre of a parked car in m, and its heading in rad."""

    x: float
    y: float
    yaw: float


@dataclass(frozen=True)
class RoadLayout:
    """A place.

    Attributes:
        name: kind and seed, for messages.
        lanes: every lane that vehicles use.
        carriageway: convex polygons (M, 2), counter-clockwise, whose union can be driven on.
        pavements: convex polygons (M, 2), counter-clockwise, raised by ``kerb_height``.
        markings: paint.
        buildings: boxes beside the road.
        trees: beside the road.
        poles: lamps, signs and traffic lights.
        parking: where parked cars may stand.
        ground_extent: x minimum, y minimum, x maximum, y maximum of the ground in m.
        kerb_height: of the pavements in m.
        footways: lanes on which pedestrians walk; identifiers differ from those of ``lanes``.
    """

    name: str
    lanes: tuple[Lane, ...]
    carriageway: tuple[Points, ...]
    pavements: tuple[Points, ...]
    markings: tuple[Marking, ...]
    buildings: tuple[Building, ...]
    trees: tuple[Tree, ...]
    poles: tuple[Pole, ...]
    parking: tuple[ParkingSpot, ...]
    ground_extent: tuple[float, float, float, float]
    kerb_height: float = 0.12
    footways: tuple[Lane, ...] = ()

    def lane(self, identifier: int) -> Lane:
        """The lane of an identifier.

        Raises:
            KeyError: there is none.
        """
        for lane in self.lanes:
            if lane.identifier == identifier:
                return lane
        raise KeyError(identifier)
