"""Buildings, trees and what stands on poles as shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from snn_ros.simulation.gazebo.sdf import Colour, Shape, Vector, box, cylinder, ellipsoid, prism
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.furniture import LAMP_ARM
from snn_ros.simulation.street.layout import Building, Pole, Tree
from snn_ros.simulation.street.swatches import SWATCHES
from snn_ros.simulation.street.vegetation import CROWN_BOTTOM, CROWN_RADIUS, is_evergreen

_WALLS: tuple[Colour, ...] = (
    (0.72, 0.60, 0.48), (0.62, 0.38, 0.30), (0.78, 0.76, 0.70), (0.56, 0.58, 0.60),
)  # fmt: skip
_ROOF, _SNOWY_ROOF = (0.33, 0.31, 0.31), (0.90, 0.92, 0.95)
_WINDOW, _LIT_WINDOW = (0.16, 0.20, 0.25), (0.95, 0.82, 0.50)
_BARK, _EVERGREEN = (0.30, 0.22, 0.15), (0.12, 0.24, 0.14)
_SIGN = (0.86, 0.86, 0.90)
_SIGN_RADIUS = 0.33  # m
_STOREY = 3.2  # m, about
# Reflectivity at 905 nm, as in the MuJoCo scene.
_WALL_VALUE, _GLASS_VALUE, _TREE_VALUE, _STEEL_VALUE, _SIGN_VALUE = 0.35, 0.05, 0.40, 0.35, 0.95


def building_shapes(buildings: Sequence[Building], appearance: Appearance) -> Iterator[Shape]:
    """Walls, a flat roof, and a band of windows in every storey of the wall that faces the road."""
    roof = _SNOWY_ROOF if appearance.palette.snow else _ROOF
    for i, building in enumerate(buildings):
        wall = _WALLS[building.seed % len(_WALLS)]
        yield Shape(
            f"building_{i}", prism(building.footprint, building.height), wall,
            reflectivity=_WALL_VALUE, solid=True,
        )  # fmt: skip
        yield Shape(
            f"building_{i}_roof", prism(building.footprint, 0.02), roof,
            (0.0, 0.0, building.height), reflectivity=_WALL_VALUE,
        )  # fmt: skip
        yield from _windows(f"building_{i}_windows", building, appearance.lighting.lamps)


def _windows(name: str, building: Building, lit: bool) -> Iterator[Shape]:
    a, b = np.asarray(building.footprint[:2], dtype=np.float64)
    (x, y), (dx, dy) = ((a + b) / 2).tolist(), (b - a).tolist()
    storeys = max(1, round(building.height / _STOREY))
    storey = building.height / storeys
    size = (0.86 * math.hypot(dx, dy), 0.04, 0.45 * storey)
    for level in range(storeys):
        glow = lit and (building.seed + level) % 3 == 0
        yield Shape(
            f"{name}_{level}", box(size), _LIT_WINDOW if glow else _WINDOW,
            (x, y, (level + 0.55) * storey), (0.0, 0.0, math.atan2(dy, dx)), _GLASS_VALUE,
            glow=glow,
        )  # fmt: skip


def tree_shapes(trees: Sequence[Tree], appearance: Appearance) -> Iterator[Shape]:
    """A trunk, and a crown where leaves hang."""
    palette = appearance.palette
    for i, tree in enumerate(trees):
        evergreen = is_evergreen(tree)
        height = 0.5 * tree.height if palette.leaf_cover > 0.0 or evergreen else tree.height
        yield Shape(
            f"tree_{i}_trunk", cylinder(0.022 * tree.height, height), _BARK,
            (tree.x, tree.y, height / 2), reflectivity=_TREE_VALUE, solid=True,
        )  # fmt: skip
        if evergreen:
            yield _crown(f"tree_{i}_crown", tree, 0.14, 0.18, _EVERGREEN)
        elif palette.leaf_cover > 0.0:
            colour = palette.leaves[tree.seed % len(palette.leaves)]
            yield _crown(f"tree_{i}_crown", tree, CROWN_BOTTOM, CROWN_RADIUS, colour)


def _crown(name: str, tree: Tree, bottom: float, radius: float, colour: Colour) -> Shape:
    """An ellipsoid from a height to the top; sizes as shares of the tree's height."""
    wide = radius * tree.height
    radii = (wide, wide, (1.0 - bottom) / 2 * tree.height)
    middle = (tree.x, tree.y, (1.0 + bottom) / 2 * tree.height)
    return Shape(name, ellipsoid(radii), colour, middle, reflectivity=_TREE_VALUE)


def pole_shapes(poles: Sequence[Pole], appearance: Appearance) -> Iterator[Shape]:
    """Lamp posts, signs and traffic lights."""
    lit = appearance.lighting.lamps
    for i, pole in enumerate(poles):
        name = f"{pole.kind}_{i}"
        radius = 0.03 if pole.kind == "sign" else 0.08
        yield Shape(
            name, cylinder(radius, pole.height), SWATCHES["steel"],
            (pole.x, pole.y, pole.height / 2), reflectivity=_STEEL_VALUE, solid=True,
        )  # fmt: skip
        if pole.kind == "lamp":
            yield from _lamp(name, pole, lit)
        elif pole.kind == "sign":
            yield _on_pole(
                f"{name}_plate", pole, (0.045, 0.0, pole.height - _SIGN_RADIUS),
                (0.01, 2 * _SIGN_RADIUS, 2 * _SIGN_RADIUS), _SIGN, _SIGN_VALUE,
            )  # fmt: skip
        else:
            yield from _traffic_light(name, pole, i)


def _lamp(name: str, pole: Pole, lit: bool) -> Iterator[Shape]:
    """An arm over the road with a head at its end."""
    top = pole.height - 0.05
    yield _on_pole(
        f"{name}_arm", pole, (LAMP_ARM / 2, 0.0, top), (LAMP_ARM, 0.08, 0.08), SWATCHES["steel"],
        _STEEL_VALUE,
    )  # fmt: skip
    yield _on_pole(
        f"{name}_head", pole, (LAMP_ARM, 0.0, top - 0.05), (0.7, 0.25, 0.10), SWATCHES["lamp"],
        _STEEL_VALUE, glow=lit,
    )  # fmt: skip


def _traffic_light(name: str, pole: Pole, index: int) -> Iterator[Shape]:
    """A head with one lens that is lit."""
    colour, below_top = (("red_light", 0.17), ("green_light", 0.78))[index % 2]
    yield _on_pole(
        f"{name}_head", pole, (0.0, 0.0, pole.height - 0.475), (0.22, 0.34, 0.95),
        SWATCHES["housing"], _STEEL_VALUE,
    )  # fmt: skip
    yield _on_pole(
        f"{name}_lens", pole, (0.11, 0.0, pole.height - below_top), (0.02, 0.2, 0.2),
        SWATCHES[colour], _STEEL_VALUE, glow=True,
    )  # fmt: skip


def _on_pole(
    name: str, pole: Pole, offset: Vector, size: Vector, colour: Colour, value: float,
    *, glow: bool = False,
) -> Shape:  # fmt: skip
    """A box at an offset in the pole's frame, whose x is where the pole's face looks."""
    c, s = math.cos(pole.yaw), math.sin(pole.yaw)
    x, y, z = offset
    position = (pole.x + c * x - s * y, pole.y + s * x + c * y, z)
    return Shape(name, box(size), colour, position, (0.0, 0.0, pole.yaw), value, glow=glow)
