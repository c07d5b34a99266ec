"""Places along one road: urban street, highway, campus path and the long route."""

from __future__ import annotations

import math

import numpy as np

from snn_ros.simulation.street.layout import RoadLayout
from snn_ros.simulation.street.layouts.builder import LayoutBuilder
from snn_ros.simulation.street.layouts.centre_line import CentreLine, Piece, arc
from snn_ros.simulation.street.layouts.corridor import Section, add_corridor
from snn_ros.simulation.street.layouts.roadside import (
    CAMPUS,
    CITY,
    COUNTRYSIDE,
    PARK,
    SUBURB,
    Roadside,
    Style,
    furnish,
)

_CROSSWALK_SPACING = 110.0
_LATERAL_ACCELERATION = 2.2  # comfortable in curves, in m/s²
_SIDES = (-1.0, 1.0)


def street(length: float, lanes: int, bend: float, rng: np.random.Generator) -> RoadLayout:
    """An urban street with parking strips, cycle tracks, crosswalks and facades."""
    line = CentreLine((0.0, 0.0, 0.0), _bent(length, bend))
    section = Section(
        speed_limit=_curve_speed(line, 11.0),
        lanes=lanes,
        cycle_width=1.8,
        side_width=2.4,
        parking=True,
    )
    builder = LayoutBuilder(rng)
    crosswalks = tuple(np.arange(60.0, length - 20.0, _CROSSWALK_SPACING).tolist())
    add_corridor(builder, line, section, crosswalks=crosswalks)
    for side in _SIDES:
        roadside = Roadside(line, side, section.kerb, section.outside, crosswalks)
        furnish(builder, roadside, CITY, 0.0, length)
    return builder.build("street", kerb_height=0.12)


def highway(length: float, lanes: int, bend: float, rng: np.random.Generator) -> RoadLayout:
    """A dual carriageway with a median and hard shoulders through open country."""
    line = CentreLine((0.0, 0.0, 0.0), _bent(length, bend))
    section = Section(
        speed_limit=30.0,
        lanes=lanes,
        lane_width=3.75,
        median=4.0,
        side_width=2.5,
        pavement_width=0.0,
    )
    builder = LayoutBuilder(rng)
    add_corridor(builder, line, section)
    for side in _SIDES:
        roadside = Roadside(line, side, section.kerb, section.kerb + 6.0)
        furnish(builder, roadside, COUNTRYSIDE, 0.0, length)
    return builder.build("highway", kerb_height=0.0)


def campus(length: float, lanes: int, bend: float, rng: np.random.Generator) -> RoadLayout:
    """A winding path that cyclists, pedestrians and slow service vehicles share."""
    del bend  # a campus path winds by itself
    pieces = _winding(length, (15.0, 45.0), (25.0, 50.0), 35.0, rng)
    line = CentreLine((0.0, 0.0, 0.0), pieces)
    section = Section(speed_limit=4.0, lanes=lanes, lane_width=2.6, pavement_width=3.4)
    builder = LayoutBuilder(rng)
    add_corridor(builder, line, section)
    for side in _SIDES:
        roadside = Roadside(line, side, section.kerb, section.outside)
        furnish(builder, roadside, CAMPUS, 0.0, line.length)
    return builder.build("campus", kerb_height=0.03)


def route(length: float, lanes: int, bend: float, rng: np.random.Generator) -> RoadLayout:
    """A long road with curves through quarters that look different."""
    del bend  # its curves are drawn from the seed
    pieces = _winding(length, (50.0, 130.0), (38.0, 90.0), 60.0, rng)
    line = CentreLine((0.0, 0.0, 0.0), pieces)
    section = Section(
        speed_limit=_curve_speed(line, 12.0), lanes=lanes, side_width=2.4, parking=True
    )
    builder = LayoutBuilder(rng)
    crosswalks = tuple(np.arange(90.0, line.length - 30.0, 2 * _CROSSWALK_SPACING).tolist())
    add_corridor(builder, line, section, crosswalks=crosswalks)
    for side in _SIDES:
        roadside = Roadside(line, side, section.kerb, section.outside, crosswalks)
        for style, start, end in _quarters(line.length, rng):
            furnish(builder, roadside, style, start, end)
    return builder.build("route", kerb_height=0.12)


def _bent(length: float, bend: float) -> list[Piece]:
    """A road that turns by ``bend`` degrees between two straight quarters."""
    if bend == 0.0:
        return [Piece(length)]
    curvature = math.radians(bend) / (length / 2)
    return [Piece(length / 4), Piece(length / 2, curvature), Piece(length / 4)]


def _winding(
    length: float,
    straights: tuple[float, float],
    radii: tuple[float, float],
    largest_heading: float,
    rng: np.random.Generator,
) -> list[Piece]:
    """Straights and curves of bounded heading in degrees, so that the road never meets itself."""
    pieces: list[Piece] = []
    heading, left = 0.0, length
    while left > straights[1]:
        straight = Piece(rng.uniform(*straights))
        turn = rng.uniform(20.0, 55.0) * (-1.0 if heading > 0.0 else 1.0)
        turn = float(np.clip(heading + turn, -largest_heading, largest_heading) - heading)
        curve = arc(rng.uniform(*radii), math.radians(turn))
        pieces += [straight, curve]
        heading += turn
        left -= straight.length + curve.length
    return [*pieces, Piece(max(left, straights[0]))]


def _curve_speed(line: CentreLine, limit: float) -> float:
    """The speed limit that keeps curves comfortable, in m/s."""
    if line.largest_curvature == 0.0:
        return limit
    return min(limit, math.sqrt(_LATERAL_ACCELERATION / line.largest_curvature))


def _quarters(length: float, rng: np.random.Generator) -> list[tuple[Style, float, float]]:
    """Stretches of 60 to 160 m, neighbours of different style."""
    quarters: list[tuple[Style, float, float]] = []
    styles, last, start = (CITY, SUBURB, PARK), -1, 0.0
    while start < length:
        last = (last + int(rng.integers(1, len(styles)))) % len(styles)
        end = min(start + rng.uniform(60.0, 160.0), length)
        quarters.append((styles[last], start, end))
        start = end
    return quarters
