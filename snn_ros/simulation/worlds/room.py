"""An indoor room with a checker floor, a window, a door and furniture along the walls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import mujoco

from snn_ros.configuration import setting

GROUP = 0  # MuJoCo geom group of what is solid: beams and cameras see it
DECORATION_GROUP = 2  # of what cameras alone see
_BOX = mujoco.mjtGeom.mjGEOM_BOX
_PLANE = mujoco.mjtGeom.mjGEOM_PLANE

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class RoomParameters:
    """A room whose floor's middle is the world's origin; x along its length, z up."""

    kind: str = setting("room", "kind of world", choices=("room",))
    length: float = setting(8.0, "inner size in x", unit="m", minimum=4.0, maximum=50.0)
    width: float = setting(6.0, "inner size in y", unit="m", minimum=4.0, maximum=50.0)
    height: float = setting(3.0, "inner size in z", unit="m", minimum=2.2, maximum=20.0)
    furniture: bool = setting(True, "table, sofa, shelf and cupboard stand in it")


class Part(NamedTuple):
    """One box of the furnishing: centre, half sizes, material."""

    name: str
    position: Vector
    half_size: Vector
    material: str
    solid: bool = True


MATERIALS: dict[str, tuple[float, float, float, float]] = {
    "wall": (0.89, 0.87, 0.82, 1.0),
    "ceiling": (0.95, 0.95, 0.94, 1.0),
    "wood": (0.58, 0.39, 0.23, 1.0),
    "dark_wood": (0.36, 0.24, 0.16, 1.0),
    "fabric": (0.24, 0.36, 0.44, 1.0),
    "glass": (0.62, 0.80, 0.93, 1.0),
    "white": (0.93, 0.93, 0.93, 1.0),
    "red": (0.65, 0.22, 0.18, 1.0),
    "green": (0.28, 0.46, 0.27, 1.0),
    "yellow": (0.83, 0.66, 0.28, 1.0),
    "rug": (0.52, 0.30, 0.28, 1.0),
}
"""Colours by name, with opacity."""


def add_room(spec: Any, room: RoomParameters) -> None:
    """Add floor, walls, ceiling, lights, cameras and furniture.

    Contacts and beams find them under the names ``floor``, ``ceiling``, ``wall_front`` (+x),
    ``wall_back``, ``wall_left`` (+y), ``wall_right`` and those of the furniture.

    Args:
        spec: the ``mujoco.MjSpec`` to add to.
        room: sizes and what stands in it.
    """
    _add_materials(spec)
    _add_shell(spec.worldbody, room)
    _add_lights(spec, room)
    _add_cameras(spec.worldbody, room)
    for part in parts(room):
        spec.worldbody.add_geom(
            name=part.name,
            type=_BOX,
            pos=part.position,
            size=part.half_size,
            material=part.material,
            group=GROUP if part.solid else DECORATION_GROUP,
            contype=int(part.solid),
            conaffinity=int(part.solid),
        )


def parts(room: RoomParameters) -> Iterator[Part]:
    """What is in a room: fittings, and furniture where there is some."""
    yield from _fittings(room)
    if room.furniture:
        yield from _furniture(room)


def _add_materials(spec: Any) -> None:
    spec.add_texture(
        name="checker",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=(0.80, 0.75, 0.66),
        rgb2=(0.64, 0.57, 0.48),
        width=256,
        height=256,
    )
    floor = spec.add_material(name="floor", texrepeat=(1.0, 1.0), texuniform=True, reflectance=0.08)
    textures = floor.textures
    textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "checker"
    floor.textures = textures
    for name, colour in MATERIALS.items():
        glow = 0.3 if name == "ceiling" else 0.0
        spec.add_material(name=name, rgba=colour, specular=0.1, shininess=0.1, emission=glow)


def _add_shell(body: Any, room: RoomParameters) -> None:
    """Six planes that face inwards; from outside they are invisible."""
    x, y, z = room.length / 2, room.width / 2, room.height / 2
    planes = {
        "floor": ((0, 0, 0), (0, 0, 1), (x, y), "floor"),
        "ceiling": ((0, 0, 2 * z), (0, 0, -1), (x, y), "ceiling"),
        "wall_front": ((x, 0, z), (-1, 0, 0), (z, y), "wall"),
        "wall_back": ((-x, 0, z), (1, 0, 0), (z, y), "wall"),
        "wall_left": ((0, y, z), (0, -1, 0), (x, z), "wall"),
        "wall_right": ((0, -y, z), (0, 1, 0), (x, z), "wall"),
    }
    for name, (position, normal, half, material) in planes.items():
        body.add_geom(
            name=name,
            type=_PLANE,
            pos=position,
            zaxis=normal,
            size=(*half, 0.1),
            material=material,
            group=GROUP,
        )


def _add_lights(spec: Any, room: RoomParameters) -> None:
    spec.visual.headlight.ambient = (0.48, 0.48, 0.50)
    spec.visual.headlight.diffuse = (0.18, 0.18, 0.18)
    spec.visual.headlight.specular = (0.0, 0.0, 0.0)
    spec.worldbody.add_light(
        name="lamp",
        pos=(-0.25 * room.length, 0.0, room.height - 0.05),
        dir=(0.4, 0.1, -1.0),
        type=mujoco.mjtLightType.mjLIGHT_SPOT,
        cutoff=85.0,
        exponent=1.0,
        diffuse=(0.45, 0.43, 0.39),
        specular=(0.2, 0.2, 0.2),
        castshadow=True,
    )
    spec.worldbody.add_light(
        name="window_light",
        dir=(0.45, -0.8, -0.5),
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        diffuse=(0.20, 0.22, 0.26),
        castshadow=False,
    )


def _add_cameras(body: Any, room: RoomParameters) -> None:
    """``overview`` looks from one corner across the middle of the room."""
    x, y = room.length / 2, room.width / 2
    body.add_camera(
        name="overview",
        pos=(-0.9 * x, -0.9 * y, 0.6 * room.height),
        xyaxes=(0.75 * y, -0.65 * x, 0.0, 0.032 * x, 0.032 * y, 1.0),
        fovy=48.0,
    )


def _fittings(room: RoomParameters) -> Iterator[Part]:
    """Flat things on the walls and the floor that nothing can bump into."""
    x, y = room.length / 2, room.width / 2
    yield Part("window", (0.3, y - 0.004, 1.7), (0.9, 0.004, 0.6), "glass", solid=False)
    for name, offset, half in (
        ("window_top", (0.0, 0.63), (0.96, 0.03)),
        ("window_sill", (0.0, -0.63), (0.96, 0.03)),
        ("window_left", (-0.93, 0.0), (0.03, 0.6)),
        ("window_right", (0.93, 0.0), (0.03, 0.6)),
        ("window_cross", (0.0, 0.0), (0.02, 0.6)),
    ):
        position = (0.3 + offset[0], y - 0.015, 1.7 + offset[1])
        yield Part(name, position, (half[0], 0.015, half[1]), "white", solid=False)
    yield Part("door", (x - 0.015, 1.2, 1.0), (0.015, 0.45, 1.0), "wood", solid=False)
    yield Part("door_handle", (x - 0.045, 0.84, 1.0), (0.03, 0.05, 0.012), "white", solid=False)
    yield Part("picture", (x - 0.012, -1.3, 1.75), (0.012, 0.5, 0.35), "dark_wood", solid=False)
    yield Part("canvas", (x - 0.026, -1.3, 1.75), (0.004, 0.44, 0.29), "yellow", solid=False)
    yield Part("rug", (0.0, 0.0, 0.003), (1.3, 0.9, 0.003), "rug", solid=False)


def _furniture(room: RoomParameters) -> Iterator[Part]:
    """Solid boxes against the walls, and a table that a drifting blimp can come to hang over."""
    x, y = room.length / 2, room.width / 2
    table_x, table_y = 0.5 * x, -0.45 * y
    yield Part("table", (table_x, table_y, 0.73), (0.7, 0.4, 0.02), "wood")
    for i, (side_x, side_y) in enumerate(((-1, -1), (-1, 1), (1, -1), (1, 1))):
        leg = (table_x + 0.64 * side_x, table_y + 0.34 * side_y, 0.355)
        yield Part(f"table_leg_{i}", leg, (0.03, 0.03, 0.355), "dark_wood")
    sofa_y = y - 0.45
    yield Part("sofa", (-1.6, sofa_y, 0.21), (0.9, 0.42, 0.21), "fabric")
    yield Part("sofa_back", (-1.6, y - 0.14, 0.58), (0.9, 0.12, 0.26), "fabric")
    for name, side in (("sofa_arm_left", 1), ("sofa_arm_right", -1)):
        yield Part(name, (-1.6 - 0.98 * side, sofa_y, 0.3), (0.09, 0.42, 0.3), "fabric")
    yield from _shelf(x - 0.18, y - 0.55)
    yield Part("cupboard", (0.72 * x, -y + 0.22, 0.45), (0.6, 0.21, 0.45), "dark_wood")


def _shelf(shelf_x: float, shelf_y: float) -> Iterator[Part]:
    yield Part("shelf_back", (shelf_x + 0.15, shelf_y, 0.95), (0.01, 0.5, 0.95), "dark_wood")
    for name, side in (("shelf_left", 1), ("shelf_right", -1)):
        position = (shelf_x, shelf_y + 0.49 * side, 0.95)
        yield Part(name, position, (0.15, 0.015, 0.95), "dark_wood")
    colours = ("red", "green", "yellow", "fabric")
    for level in range(4):
        height = 0.05 + 0.46 * level
        yield Part(f"shelf_{level}", (shelf_x, shelf_y, height), (0.15, 0.48, 0.015), "dark_wood")
        for book in range(4):
            tall = 0.13 + 0.02 * ((book + level) % 3)
            position = (shelf_x, shelf_y - 0.3 + 0.2 * book, height + 0.015 + tall)
            name = f"books_{level}_{book}"
            yield Part(name, position, (0.11, 0.07, tall), colours[(book + level) % 4])
