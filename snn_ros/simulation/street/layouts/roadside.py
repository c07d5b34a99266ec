"""What stands beside a road: buildings with gaps, trees, lamps and signs, by a style."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn_ros.simulation.street.layout import Building, Points, Pole, Tree
from snn_ros.simulation.street.layouts.builder import LayoutBuilder
from snn_ros.simulation.street.layouts.centre_line import CentreLine

_CLEAR_OF_CROSSWALK = 4.0
_BESIDE_KERB = 0.6
_LARGEST_INTRUSION = 3.0  # of a facade into the inside of a curve, in m


@dataclass(frozen=True)
class Style:
    """How a roadside looks; lengths in m, ranges as (least, most).

    Attributes:
        facades: widths of buildings; None for no buildings.
        heights: of buildings.
        setbacks: of facades from the pavement's edge.
        gap: probability of a gap after a building.
        gaps: widths of gaps.
        kerb_trees: spacing of trees along the kerb; 0 for none.
        far_trees: trees per 100 m behind the pavement.
        lamps: spacing of lamps; 0 for none.
        signs: spacing of signs; 0 for none.
    """

    facades: tuple[float, float] | None = (9.0, 20.0)
    heights: tuple[float, float] = (7.0, 19.0)
    setbacks: tuple[float, float] = (0.2, 1.5)
    gap: float = 0.2
    gaps: tuple[float, float] = (3.0, 7.0)
    kerb_trees: float = 13.0
    far_trees: float = 0.0
    lamps: float = 28.0
    signs: float = 60.0


CITY = Style()
SUBURB = Style(
    facades=(8.0, 13.0),
    heights=(5.0, 8.5),
    setbacks=(4.0, 9.0),
    gap=0.9,
    gaps=(3.0, 9.0),
    kerb_trees=0.0,
    far_trees=6.0,
    lamps=35.0,
)
PARK = Style(facades=None, kerb_trees=0.0, far_trees=16.0, lamps=40.0, signs=90.0)
CAMPUS = Style(
    facades=(18.0, 40.0),
    heights=(8.0, 16.0),
    setbacks=(8.0, 16.0),
    gap=1.0,
    gaps=(15.0, 40.0),
    kerb_trees=0.0,
    far_trees=9.0,
    lamps=22.0,
    signs=120.0,
)
COUNTRYSIDE = Style(facades=None, kerb_trees=0.0, far_trees=7.0, lamps=0.0, signs=120.0)


@dataclass(frozen=True)
class Roadside:
    """One side of a road: +1 left of its line, -1 right; distances from its line in m."""

    line: CentreLine
    side: float
    kerb: float
    outside: float
    keep_clear: tuple[float, ...] = ()

    def free(self, s: float) -> bool:
        """Whether something may stand at the kerb at an arc length."""
        return all(abs(s - middle) > _CLEAR_OF_CROSSWALK for middle in self.keep_clear)

    def pose(self, s: float, distance: float) -> tuple[float, float, float]:
        """Position at a distance from the line, and the heading that looks at the road."""
        x, y, yaw = self.line.poses([s], self.side * distance)[0]
        return float(x), float(y), float(yaw - self.side * np.pi / 2)


def furnish(
    builder: LayoutBuilder, roadside: Roadside, style: Style, start: float, end: float
) -> None:
    """Fill one side of a road between two arc lengths in m."""
    if style.facades:
        _add_buildings(builder, roadside, style, start, end)
    _add_trees(builder, roadside, style, start, end)
    _add_poles(builder, roadside, style, start, end)


def _add_buildings(
    builder: LayoutBuilder, roadside: Roadside, style: Style, start: float, end: float
) -> None:
    rng, s = builder.rng, start
    assert style.facades
    while True:
        width = rng.uniform(*style.facades)
        if s + width > end:
            return
        depth, setback = rng.uniform(8.0, 13.0), rng.uniform(*style.setbacks)
        distance = roadside.outside + setback + _curve_setback(roadside, s + width / 2, width)
        footprint = _facing(roadside, s + width / 2, distance, width, depth)
        height = float(rng.uniform(*style.heights))
        builder.buildings.append(Building(footprint, height, builder.seed()))
        s += width
        if rng.random() < style.gap:
            s += rng.uniform(*style.gaps)


def _curve_setback(roadside: Roadside, s: float, width: float) -> float:
    """How far a straight facade would reach over the pavement on the inside of a curve."""
    inward = float(roadside.line.curvature([s])[0]) * roadside.side
    if inward <= 0.0:
        return 0.0
    radius = max(1.0 / inward - roadside.outside, width / 2)
    return min(radius - np.sqrt(max(radius**2 - width**2 / 4, 0.0)), _LARGEST_INTRUSION)


def _facing(roadside: Roadside, s: float, distance: float, width: float, depth: float) -> Points:
    """Corners of a building, counter-clockwise; the first edge faces the road."""
    x, y, yaw = roadside.pose(s, distance)
    outward = -np.array([np.cos(yaw), np.sin(yaw)])
    along = np.array([-outward[1], outward[0]])
    front = np.array([x, y]) + np.outer([0.5, -0.5], along) * width
    return np.concatenate([front, front[::-1] + depth * outward])


def _add_trees(
    builder: LayoutBuilder, roadside: Roadside, style: Style, start: float, end: float
) -> None:
    rng = builder.rng
    if style.kerb_trees:
        for s in np.arange(start + 3.0, end - 2.0, style.kerb_trees):
            if roadside.free(s) and rng.random() < 0.8:
                _add_tree(builder, roadside, s, roadside.kerb + _BESIDE_KERB, (4.5, 7.5))
    for s in rng.uniform(start, end, rng.poisson(style.far_trees * (end - start) / 100.0)):
        _add_tree(builder, roadside, s, roadside.outside + rng.uniform(1.5, 22.0), (4.0, 13.0))


def _add_tree(
    builder: LayoutBuilder,
    roadside: Roadside,
    s: float,
    distance: float,
    heights: tuple[float, float],
) -> None:
    x, y, _ = roadside.pose(s, distance)
    if not any(_inside(building.footprint, x, y, margin=1.5) for building in builder.buildings):
        tree = Tree(x, y, float(builder.rng.uniform(*heights)), builder.seed())
        builder.trees.append(tree)


def _inside(footprint: Points, x: float, y: float, margin: float) -> bool:
    """Whether a point lies in a convex counter-clockwise polygon, or within a margin of it."""
    edges = np.roll(footprint, -1, axis=0) - footprint
    offsets = np.array([x, y]) - footprint
    cross = edges[:, 0] * offsets[:, 1] - edges[:, 1] * offsets[:, 0]
    return bool((cross >= -margin * np.linalg.norm(edges, axis=1)).all())


def _add_poles(
    builder: LayoutBuilder, roadside: Roadside, style: Style, start: float, end: float
) -> None:
    rng = builder.rng
    at = roadside.kerb + _BESIDE_KERB
    if style.lamps:
        for s in np.arange(start + style.lamps / 2, end, style.lamps):
            if roadside.free(s):
                x, y, yaw = roadside.pose(s, at)
                builder.poles.append(Pole(x, y, 7.0, "lamp", yaw))
    if style.signs:
        for s in np.arange(start + rng.uniform(0.2, 0.8) * style.signs, end, style.signs):
            if roadside.free(s):
                x, y, yaw = roadside.pose(s, at)
                # the face looks at the traffic that comes along this side
                builder.poles.append(Pole(x, y, 2.6, "sign", yaw + np.pi / 2))
