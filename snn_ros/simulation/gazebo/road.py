"""Carriageway, pavements, markings and the land around as shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from snn_ros.simulation.gazebo.sdf import Colour, Shape, box, plane, prism
from snn_ros.simulation.street import polygons
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.ground import DASH, DASH_GAP, STRIPE, TERRAIN_DEPTH
from snn_ros.simulation.street.layout import Marking, Points, RoadLayout

_ASPHALT, _SNOWY_ASPHALT = (0.25, 0.25, 0.26), (0.42, 0.42, 0.44)
_PAVING, _SNOWY_PAVING = (0.55, 0.54, 0.52), (0.78, 0.79, 0.81)
_PAINT, _SNOW = (0.86, 0.86, 0.84), (0.90, 0.92, 0.95)
# Reflectivity at 905 nm, as in the MuJoCo scene.
_ROAD_VALUE, _PAVEMENT_VALUE, _TERRAIN_VALUE, _PAINT_VALUE = 0.17, 0.30, 0.42, 0.50
_PAINT_THICKNESS = 0.004  # m; half of it shows


def road_shapes(layout: RoadLayout, appearance: Appearance) -> Iterator[Shape]:
    """Everything that lies on the ground. Wheels roll on one level, z = 0, pavements included."""
    snow = appearance.palette.snow > 0.0
    yield _terrain(layout, _SNOW if snow else appearance.palette.grass)
    for i, part in enumerate(layout.carriageway):
        colour = _SNOWY_ASPHALT if snow else _ASPHALT
        yield _slab(f"road_{i}", part, 0.0, colour, _ROAD_VALUE)
    for i, part in enumerate(layout.pavements):
        colour = _SNOWY_PAVING if snow else _PAVING
        yield _slab(f"pavement_{i}", part, layout.kerb_height, colour, _PAVEMENT_VALUE)
    for i, marking in enumerate(layout.markings):
        for j, (start, end, width) in enumerate(_painted(marking)):
            yield _stripe(f"marking_{i}_{j}", start, end, width)


def ground_collision(layout: RoadLayout) -> Shape:
    """The level that wheels roll on."""
    x_min, y_min, x_max, y_max = layout.ground_extent
    middle = ((x_min + x_max) / 2, (y_min + y_max) / 2, 0.0)
    return Shape("ground", plane(x_max - x_min, y_max - y_min), _ASPHALT, middle)


def _terrain(layout: RoadLayout, colour: Colour) -> Shape:
    x_min, y_min, x_max, y_max = layout.ground_extent
    middle = ((x_min + x_max) / 2, (y_min + y_max) / 2, -TERRAIN_DEPTH)
    size = plane(x_max - x_min, y_max - y_min)
    return Shape("terrain", size, colour, middle, reflectivity=_TERRAIN_VALUE)


def _slab(name: str, outline: Points, top: float, colour: Colour, value: float) -> Shape:
    """An area whose top is at a height and whose sides reach down to the land."""
    geometry = prism(outline, top + TERRAIN_DEPTH)
    return Shape(name, geometry, colour, (0.0, 0.0, -TERRAIN_DEPTH), reflectivity=value)


def _painted(marking: Marking) -> Iterator[tuple[Points, Points, float]]:
    """Start, end and width of the straight painted pieces of a marking."""
    if marking.kind == "crosswalk":
        yield from _bars(marking)
        return
    lines = [marking.points]
    if marking.kind == "dashed":
        lines = polygons.dashes(marking.points, DASH, DASH_GAP)
    for line in lines:
        for start, end in pairwise(line):
            yield start, end, marking.width


def _bars(marking: Marking) -> Iterator[tuple[Points, Points, float]]:
    """Bars side by side along the path of those who cross, as long as the crosswalk is wide."""
    start, end = marking.points[0], marking.points[-1]
    length = float(np.linalg.norm(end - start))
    along = (end - start) / max(length, 1e-9)
    across = np.array([-along[1], along[0]]) * marking.width / 2
    for begin in np.arange(STRIPE / 2, length - STRIPE / 2, 2 * STRIPE):
        middle = start + (begin + STRIPE / 2) * along
        yield middle - across, middle + across, STRIPE


def _stripe(name: str, start: Points, end: Points, width: float) -> Shape:
    (x, y), (dx, dy) = ((start + end) / 2).tolist(), (end - start).tolist()
    return Shape(
        name,
        box((math.hypot(dx, dy), width, _PAINT_THICKNESS)),
        _PAINT,
        (x, y, 0.0),
        (0.0, 0.0, math.atan2(dy, dx)),
        _PAINT_VALUE,
    )
