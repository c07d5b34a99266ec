"""Lamp posts, traffic signs and traffic lights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street import textures
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.layout import Pole, RoadLayout
from snn_ros.simulation.street.meshes import Mesh, box, disc, flat_faces, merged, tube
from snn_ros.simulation.street.surfaces import Surface
from snn_ros.simulation.street.swatches import swatch

LAMP_ARM = 1.4
"""A lamp hangs so far in front of its post, in m."""

_STEEL = Surface("pole", 0.35)
_LENS = Surface("pole", 0.60)
_SHEETING = Surface("sign", 0.95)  # retro-reflective
_SIGN_RADIUS = 0.33  # m
_SIGN_SIDES = {"stop": 8, "give_way": 3, "crossing": 4, "priority": 4, "parking": 4}


def add_furniture(builder: WorldBuilder, layout: RoadLayout, appearance: Appearance) -> None:
    """Add what stands at the roadside on a pole.

    Args:
        builder: the world to add to.
        layout: the place.
        appearance: lamps glow where they are on.
    """
    glow = appearance.lighting.lamp_glow
    builder.add_texture("signs", textures.signs())
    builder.add_material("signs", texture="signs", emission=0.25 * glow)
    builder.add_material("poles", texture="swatches", specular=0.3, shininess=0.4)
    builder.add_material("lights", texture="swatches", emission=0.3 + 0.7 * glow)
    parts: dict[str, list[Mesh]] = {"poles": [], "lights": [], "signs": []}
    for index, pole in enumerate(layout.poles):
        for material, mesh in _PARTS[pole.kind](pole, index).items():
            parts[material].append(mesh.moved((pole.x, pole.y, 0.0), pole.yaw))
    surfaces = {"poles": _STEEL, "lights": _LENS, "signs": _SHEETING}
    for material, meshes in parts.items():
        builder.add_mesh(builder.world, material, merged(meshes), material, surfaces[material])


def _lamp(pole: Pole, _: int) -> dict[str, Mesh]:
    """A post with an arm over the road; its face looks along +x."""
    top = pole.height
    post = tube((0, 0, 0), (0, 0, top - 0.3), (0.09, 0.06), 8)
    arm = tube((0, 0, top - 0.35), (LAMP_ARM, 0, top - 0.05), (0.05, 0.035))
    head = box((0.7, 0.25, 0.10), (LAMP_ARM, 0, top - 0.05))
    light = box((0.55, 0.18, 0.04), (LAMP_ARM, 0, top - 0.12))
    steel = merged([post, arm, head]).textured(swatch("steel"))
    return {"poles": steel, "lights": light.textured(swatch("lamp"))}


def _sign(pole: Pole, index: int) -> dict[str, Mesh]:
    """A plate on top of a thin post; its face looks along +x."""
    name = textures.SIGNS[(index * 5) % len(textures.SIGNS)]
    centre = np.array([0.045, 0.0, pole.height - _SIGN_RADIUS])
    post = tube((0, 0, 0), (0, 0, pole.height), (0.03, 0.03))
    outline = _sign_outline(name)
    back = _plate(outline[::-1], centre - [0.008, 0.0, 0.0], None)
    steel = merged([post, back]).textured(swatch("steel"))
    return {"poles": steel, "signs": _plate(outline, centre, name)}


def _sign_outline(name: str) -> NDArray[np.float64]:
    """(N, 2) corners of a plate in its square from 0 to 1, counter-clockwise seen from ahead."""
    sides = _SIGN_SIDES.get(name, 20)
    if sides == 3:
        return np.array([(0.5, 0.0), (1.0, 1.0), (0.0, 1.0)])
    if sides == 4:
        return np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    angle = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    return 0.5 + 0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _plate(outline: NDArray[np.float64], centre: NDArray[np.float64], name: str | None) -> Mesh:
    """An upright plate; seen from +x, the outline's first coordinate runs to the right (+y)."""
    across = (outline - 0.5) * 2 * _SIGN_RADIUS
    ring = centre + np.column_stack([np.zeros(len(across)), across])
    middle = np.repeat(ring.mean(axis=0, keepdims=True), len(ring), axis=0)
    corners = np.stack([middle, ring, np.roll(ring, -1, axis=0)], axis=1)
    if name is None:
        return flat_faces(corners)
    row, column = divmod(textures.SIGNS.index(name), textures.SIGN_COLUMNS)
    rows = -(-len(textures.SIGNS) // textures.SIGN_COLUMNS)
    low = np.array([column / textures.SIGN_COLUMNS, 1.0 - (row + 1) / rows])
    picture = low + outline / [textures.SIGN_COLUMNS, rows]
    middle_picture = np.repeat(picture.mean(axis=0, keepdims=True), len(picture), axis=0)
    return flat_faces(
        corners, np.stack([middle_picture, picture, np.roll(picture, -1, axis=0)], axis=1)
    )


def _traffic_light(pole: Pole, index: int) -> dict[str, Mesh]:
    """A post with a head of three lenses, one lit; its face looks along +x."""
    post = tube((0, 0, 0), (0, 0, pole.height - 0.95), (0.07, 0.06), 8)
    head = box((0.22, 0.34, 0.95), (0.0, 0.0, pole.height - 0.475))
    visors = [
        box((0.14, 0.24, 0.02), (0.18, 0.0, _lens_height(pole, lens) + 0.13)) for lens in range(3)
    ]
    lens, colour = ((0, "red_light"), (2, "green_light"))[index % 2]
    lit = disc((0.115, 0.0, _lens_height(pole, lens)), (1.0, 0.0, 0.0), 0.10)
    housing = merged([head, *visors]).textured(swatch("housing"))
    return {
        "poles": merged([post.textured(swatch("steel")), housing]),
        "lights": lit.textured(swatch(colour)),
    }


def _lens_height(pole: Pole, lens: int) -> float:
    """Red is on top."""
    return pole.height - 0.17 - 0.305 * lens


_PARTS = {"lamp": _lamp, "sign": _sign, "traffic_light": _traffic_light}


def lamp_positions(poles: Sequence[Pole]) -> list[tuple[float, float]]:
    """Where the light of each lamp falls, x and y in m."""
    return [
        (pole.x + LAMP_ARM * np.cos(pole.yaw), pole.y + LAMP_ARM * np.sin(pole.yaw))
        for pole in poles
        if pole.kind == "lamp"
    ]
