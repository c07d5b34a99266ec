"""A parking lot: a one-way loop of aisles between four rows of cars."""

from __future__ import annotations

import math

import numpy as np

from snn_ros.simulation.street.layout import Marking, ParkingSpot, Pole, RoadLayout
from snn_ros.simulation.street.layouts.builder import LayoutBuilder, samples
from snn_ros.simulation.street.layouts.centre_line import CentreLine, Piece, arc
from snn_ros.simulation.street.layouts.corridor import add_footway
from snn_ros.simulation.street.layouts.roadside import SUBURB, Roadside, furnish

_AISLE_WIDTH = 6.0
_TURN_RADIUS = 6.0
_AISLES_APART = 17.0
_SPOT_PITCH = 2.7
_SPOT_DEPTH = 5.0
_ROW_OFFSET = _AISLE_WIDTH / 2 + _SPOT_DEPTH / 2
_WALKING_SPEED_LIMIT = 4.0
_PAVEMENT_WIDTH = 3.5
_LINE_WIDTH = 0.12


def parking(length: float, lanes: int, bend: float, rng: np.random.Generator) -> RoadLayout:
    """A lot whose aisles are ``length`` m long."""
    del lanes, bend  # the loop is one way
    builder = LayoutBuilder(rng)
    quarter = arc(_TURN_RADIUS, math.pi / 2)
    across = Piece(_AISLES_APART - 2 * _TURN_RADIUS)
    pieces = [Piece(length), quarter, across, quarter] * 2
    loop = CentreLine((-length / 2, 0.0, 0.0), pieces)
    points = loop.points(np.linspace(0.0, loop.length, samples(loop.length)))
    lane = builder.add_lane(points, _AISLE_WIDTH, _WALKING_SPEED_LIMIT)
    builder.connect(lane, [lane])
    _add_rows(builder, length)
    _add_surroundings(builder, length)
    return builder.build("parking", kerb_height=0.12)


def _add_rows(builder: LayoutBuilder, length: float) -> None:
    """Spots on both sides of both aisles, with the lines between them."""
    edges = np.arange(-length / 2, length / 2 - _SPOT_PITCH, _SPOT_PITCH)
    for row, heading in (
        (-_ROW_OFFSET, -1.0),
        (_ROW_OFFSET, 1.0),
        (_AISLES_APART - _ROW_OFFSET, -1.0),
        (_AISLES_APART + _ROW_OFFSET, 1.0),
    ):
        for x in edges:
            reverse = builder.rng.random() < 0.3
            yaw = math.pi / 2 * heading + (math.pi if reverse else 0.0)
            builder.parking.append(ParkingSpot(float(x + _SPOT_PITCH / 2), row, yaw))
        for x in [*edges, edges[-1] + _SPOT_PITCH]:
            ends = np.array([[x, row - _SPOT_DEPTH / 2], [x, row + _SPOT_DEPTH / 2]])
            builder.markings.append(Marking(ends, "solid", _LINE_WIDTH))


def _add_surroundings(builder: LayoutBuilder, length: float) -> None:
    """Asphalt, a pavement on both long sides, houses, trees and lamps."""
    half_length = length / 2 + _TURN_RADIUS + _AISLE_WIDTH / 2 + 1.0
    half_width = _AISLES_APART / 2 + _ROW_OFFSET + _SPOT_DEPTH / 2 + 0.5
    line = CentreLine((-half_length, _AISLES_APART / 2, 0.0), [Piece(2 * half_length)])
    builder.carriageway += line.strip(-half_width, half_width, 0.0, line.length)
    outside = half_width + _PAVEMENT_WIDTH
    for side in (-1.0, 1.0):
        low, high = sorted((side * half_width, side * outside))
        builder.pavements += line.strip(low, high, 0.0, line.length)
        add_footway(builder, line, side * (half_width + _PAVEMENT_WIDTH / 2))
        furnish(builder, Roadside(line, side, half_width, outside), SUBURB, 0.0, line.length)
    for x in (-half_length + 1.0, half_length - 1.0):
        builder.poles.append(Pole(x, _AISLES_APART / 2, 7.0, "lamp", 0.0 if x < 0 else math.pi))
