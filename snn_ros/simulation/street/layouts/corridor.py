"""A road along a centre line: lanes, strips, paint and footways from one cross-section.

Traffic keeps to the right. The cross-section is the same on both sides of the centre line; from
inside to outside: half the median, car lanes, cycle track, parking strip or hard shoulder, kerb,
pavement.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from snn_ros.simulation.street.layout import Marking, ParkingSpot, Points
from snn_ros.simulation.street.layouts.builder import LayoutBuilder, samples
from snn_ros.simulation.street.layouts.centre_line import CentreLine
from snn_ros.simulation.street.planar import advance

FORWARD, BACKWARD = -1.0, 1.0  # side of the centre line on which each direction drives
CROSSWALK_WIDTH = 3.0
_PARKING_PITCH = 6.2
_WALKERS_APART = 0.5  # offset of each walking direction from the middle of its footway, in m
_WALKERS_FROM_KERB = 2.2
WAITING_FROM_KERB = 0.5
_WALKING_SPEED = 1.6
_LINE_WIDTH = 0.15
_CLEAR_OF_CROSSWALK = 8.0


@dataclass(frozen=True)
class Section:
    """Cross-section of a road; widths in m, the speed limit in m/s."""

    speed_limit: float
    lanes: int = 1
    lane_width: float = 3.5
    median: float = 0.0
    cycle_width: float = 0.0
    side_width: float = 0.0
    parking: bool = False
    pavement_width: float = 3.5

    @property
    def lanes_edge(self) -> float:
        """From the centre line to the outer edge of the car lanes."""
        return self.median / 2 + self.lanes * self.lane_width

    @property
    def kerb(self) -> float:
        """From the centre line to the kerb."""
        return self.lanes_edge + self.cycle_width + self.side_width

    @property
    def outside(self) -> float:
        """From the centre line to the outer edge of the pavement."""
        return self.kerb + self.pavement_width


@dataclass(frozen=True)
class Corridor:
    """Identifiers of a road's lanes, from the inside out."""

    forward: tuple[int, ...]
    backward: tuple[int, ...]


def add_corridor(
    builder: LayoutBuilder,
    line: CentreLine,
    section: Section,
    *,
    crosswalks: tuple[float, ...] = (),
) -> Corridor:
    """Add a road: surfaces, lanes, paint, parking strips, footways and crosswalks.

    Args:
        builder: what the road is added to.
        line: its middle.
        section: its cross-section.
        crosswalks: arc lengths of their middles in m.
    """
    _add_surfaces(builder, line, section)
    corridor = Corridor(
        _add_lanes(builder, line, section, FORWARD), _add_lanes(builder, line, section, BACKWARD)
    )
    if section.median == 0.0:
        builder.change(corridor.forward[0], oncoming=corridor.backward[0])
        builder.change(corridor.backward[0], oncoming=corridor.forward[0])
    _add_paint(builder, line, section)
    for middle in crosswalks:
        _add_crosswalk(builder, line, section, middle)
    if section.parking:
        _add_parking(builder, line, section, crosswalks)
    if section.pavement_width > 0.0:
        for side in (FORWARD, BACKWARD):
            add_footway(builder, line, side * (section.kerb + _WALKERS_FROM_KERB))
    return corridor


def _add_surfaces(builder: LayoutBuilder, line: CentreLine, section: Section) -> None:
    inner, kerb = section.median / 2, section.kerb
    if inner > 0.0:
        builder.carriageway += line.strip(-kerb, -inner, 0.0, line.length)
        builder.carriageway += line.strip(inner, kerb, 0.0, line.length)
    else:
        builder.carriageway += line.strip(-kerb, kerb, 0.0, line.length)
    if section.pavement_width > 0.0:
        builder.pavements += line.strip(kerb, section.outside, 0.0, line.length)
        builder.pavements += line.strip(-section.outside, -kerb, 0.0, line.length)


def _lane_points(line: CentreLine, offset: float, side: float) -> Points:
    points = line.points(np.linspace(0.0, line.length, samples(line.length)), offset)
    return points if side == FORWARD else points[::-1].copy()


def _add_lanes(
    builder: LayoutBuilder, line: CentreLine, section: Section, side: float
) -> tuple[int, ...]:
    width = section.lane_width
    lanes = []
    for i in range(section.lanes):
        offset = side * (section.median / 2 + (i + 0.5) * width)
        centre = _lane_points(line, offset, side)
        lanes.append(builder.add_lane(centre, width, section.speed_limit))
    for inner, outer in itertools.pairwise(lanes):
        builder.change(inner, right=outer)
        builder.change(outer, left=inner)
    if section.cycle_width > 0.0:
        offset = side * (section.lanes_edge + section.cycle_width / 2)
        centre = _lane_points(line, offset, side)
        builder.add_lane(centre, section.cycle_width, section.speed_limit, kind="cycle")
    return tuple(lanes)


def _add_paint(builder: LayoutBuilder, line: CentreLine, section: Section) -> None:
    """Dashed lines between lanes, solid ones at their edges."""
    s = line.between(0.0, line.length)

    def paint(offset: float, kind: str, *, divider: bool) -> None:
        points = line.points(s, offset)
        builder.markings.append(Marking(points, kind, _LINE_WIDTH, divider))

    if section.median == 0.0:
        paint(0.0, "solid" if section.lanes > 1 else "dashed", divider=True)
    for side in (FORWARD, BACKWARD):
        for i in range(1, section.lanes):
            paint(side * (section.median / 2 + i * section.lane_width), "dashed", divider=True)
        if section.median > 0.0:
            paint(side * (section.median / 2 + 0.3), "solid", divider=False)
        if section.cycle_width + section.side_width > 0.0:
            paint(side * section.lanes_edge, "solid", divider=section.cycle_width > 0.0)


def _add_crosswalk(
    builder: LayoutBuilder, line: CentreLine, section: Section, middle: float
) -> None:
    """Stripes and a loop on which pedestrians cross, wait, and cross back."""
    gate = f"crosswalk_{sum(m.kind == 'crosswalk' for m in builder.markings)}"
    ends = line.points([middle, middle], [-section.kerb, section.kerb])
    builder.markings.append(Marking(ends, "crosswalk", CROSSWALK_WIDTH))
    # parallel ways also where the road bends
    across = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    along = np.array([across[1], -across[0]]) * _WALKERS_APART
    waiting = ends + np.outer([-1.0, 1.0], across) * WAITING_FROM_KERB
    there, back = waiting + along, waiting[::-1] - along
    _add_walking_loop(builder, _resampled(there), _resampled(back), gate)


def add_footway(builder: LayoutBuilder, line: CentreLine, offset: float) -> None:
    """A loop on which pedestrians walk to one end and back, keeping right."""
    ends = 2.0 * _WALKERS_APART
    s = np.linspace(ends, line.length - ends, samples(line.length))
    there = line.points(s, offset - _WALKERS_APART)
    back = line.points(s[::-1], offset + _WALKERS_APART)
    _add_walking_loop(builder, there, back, None)


def _add_walking_loop(
    builder: LayoutBuilder, there: Points, back: Points, gate: str | None
) -> None:
    """Two opposite lanes joined by half circles; a gate must open before each way."""
    ways = [builder.add_lane(points, 0.8, _WALKING_SPEED, kind="walk") for points in (there, back)]
    for i, way in enumerate(ways):
        points = builder.lane(way).centre
        yaw = np.arctan2(*(points[-1] - points[-2])[::-1])
        length = np.pi * _WALKERS_APART
        turn_points = advance(
            [*points[-1], yaw], np.linspace(0.0, length, 16), 1.0 / _WALKERS_APART
        )[:, :2]
        turn = builder.add_lane(turn_points, 0.8, _WALKING_SPEED, kind="walk")
        builder.connect(way, [turn])
        builder.connect(turn, [ways[1 - i]])
        if gate:
            builder.change(turn, gate=gate, stop_at=length)


def _resampled(ends: Points) -> Points:
    fraction = np.linspace(0.0, 1.0, samples(float(np.linalg.norm(ends[1] - ends[0]))))
    return ends[0] + fraction[:, None] * (ends[1] - ends[0])


def _add_parking(
    builder: LayoutBuilder, line: CentreLine, section: Section, crosswalks: tuple[float, ...]
) -> None:
    offset = section.kerb - section.side_width / 2
    for side in (FORWARD, BACKWARD):
        for s in np.arange(_CLEAR_OF_CROSSWALK, line.length - _CLEAR_OF_CROSSWALK, _PARKING_PITCH):
            if all(abs(s - middle) > _CLEAR_OF_CROSSWALK for middle in crosswalks):
                x, y, yaw = line.poses([s], side * offset)[0]
                spot = ParkingSpot(float(x), float(y), float(yaw + (np.pi if side > 0 else 0.0)))
                builder.parking.append(spot)
