"""A crossing of four roads with traffic lights, stop lines, turns and crosswalks."""

from __future__ import annotations

import math

import numpy as np

from snn_ros.simulation.street.layout import Marking, Points, Pole, RoadLayout
from snn_ros.simulation.street.layouts.builder import LayoutBuilder, samples
from snn_ros.simulation.street.layouts.centre_line import CentreLine, Piece, arc
from snn_ros.simulation.street.layouts.corridor import Corridor, Section, add_corridor
from snn_ros.simulation.street.layouts.roadside import CITY, Roadside, furnish
from snn_ros.simulation.street.planar import advance

_ARMS = 4
_JUNCTION = 10.0  # from the middle to where the arms begin, in m
_CROSSWALK = 2.7  # middle of the crosswalk from where an arm begins
_STOP_LINE = 5.2  # from where an arm begins
_TURNING_SPEED = {"left": 5.5, "right": 4.0, "forward": 11.0}
_SECTION = Section(speed_limit=11.0)
_STOP_LINE_WIDTH = 0.5


def crossing(length: float, lanes: int, bend: float, rng: np.random.Generator) -> RoadLayout:
    """Four arms of ``length`` m that meet in the origin; arm 0 leads east, counter-clockwise on."""
    del lanes, bend  # the arms are straight and have one lane each way
    builder = LayoutBuilder(rng)
    arms, lines = [], []
    for i in range(_ARMS):
        angle = i * math.pi / 2
        start = (_JUNCTION * math.cos(angle), _JUNCTION * math.sin(angle), angle)
        line = CentreLine(start, [Piece(length)])
        lines.append(line)
        arms.append(add_corridor(builder, line, _SECTION, crosswalks=(_CROSSWALK,)))
        _add_gate(builder, line, arms[i], f"signal_{i}")
    for i, line in enumerate(lines):
        _add_connectors(builder, arms, i)
        _add_corner(builder, line)
        for side in (-1.0, 1.0):
            roadside = Roadside(line, side, _SECTION.kerb, _SECTION.outside, (_CROSSWALK,))
            # facades begin behind those of the road they meet at the corner
            furnish(builder, roadside, CITY, 10.0 if side > 0 else 0.5, length)
    _add_middle(builder)
    return builder.build("crossing", kerb_height=0.12)


def _add_gate(builder: LayoutBuilder, line: CentreLine, arm: Corridor, gate: str) -> None:
    incoming = arm.backward[0]
    builder.change(incoming, gate=gate, stop_at=line.length - _STOP_LINE)
    ends = line.points([_STOP_LINE] * 2, [0.0, _SECTION.lanes_edge])
    builder.markings.append(Marking(ends, "stop", _STOP_LINE_WIDTH))
    x, y, yaw = line.poses([_STOP_LINE], _SECTION.kerb + 0.6)[0]
    builder.poles.append(Pole(float(x), float(y), 3.6, "traffic_light", float(yaw)))


def _add_connectors(builder: LayoutBuilder, arms: list[Corridor], origin: int) -> None:
    """The ways from one arm across the junction."""
    incoming = arms[origin].backward[0]
    half = _SECTION.lane_width / 2
    end = builder.lane(incoming).centre[-1]
    yaw = (origin + 2) * math.pi / 2
    ways = {
        "right": (1, arc(_JUNCTION - half, -math.pi / 2)),
        "forward": (2, Piece(2 * _JUNCTION)),
        "left": (3, arc(_JUNCTION + half, math.pi / 2)),
    }
    for turn, (arms_on, piece) in ways.items():
        outgoing = arms[(origin + arms_on) % _ARMS].forward[0]
        distances = np.linspace(0.0, piece.length, samples(piece.length))
        points = advance([*end, yaw], distances, piece.curvature)[:, :2]
        way = builder.add_lane(points, _SECTION.lane_width, _TURNING_SPEED[turn], turn=turn)
        builder.connect(incoming, [way])
        builder.connect(way, [outgoing])


def _add_corner(builder: LayoutBuilder, line: CentreLine) -> None:
    """The rounded corner between an arm and the next one counter-clockwise."""
    kerb_radius = _JUNCTION - _SECTION.kerb
    pavement_radius = kerb_radius - _SECTION.pavement_width
    centre = line.points([0.0], _JUNCTION)[0]
    angles = np.linspace(0.0, math.pi / 2, 9) + line.poses([0.0])[0, 2] + math.pi
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    kerb, inner = centre + kerb_radius * directions, centre + pavement_radius * directions
    corner = line.points([-_JUNCTION + _SECTION.kerb], _SECTION.kerb)[0]
    for i in range(len(angles) - 1):
        builder.carriageway.append(np.stack([corner, kerb[i + 1], kerb[i]]))
        builder.pavements.append(np.stack([kerb[i], kerb[i + 1], inner[i + 1], inner[i]]))


def _add_middle(builder: LayoutBuilder) -> None:
    """The square in the middle and what joins it to the arms."""
    half, reach = _SECTION.kerb, _JUNCTION
    builder.carriageway += [
        _rectangle(-reach, -half, reach, half),
        _rectangle(-half, half, half, reach),
        _rectangle(-half, -reach, half, -half),
    ]


def _rectangle(left: float, bottom: float, right: float, top: float) -> Points:
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])
