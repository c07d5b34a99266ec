"""A blimp scenario as a Gazebo world: the room, and the blimp at its start."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from snn_ros.simulation.gazebo.blimp import add_blimp
from snn_ros.simulation.gazebo.bridge import BLIMP
from snn_ros.simulation.gazebo.sdf import (
    Colour,
    Shape,
    add_link,
    add_model,
    add_plugin,
    add_scene,
    add_shapes,
    add_sun,
    box,
    new_world,
)
from snn_ros.simulation.scenario import Scenario
from snn_ros.simulation.vehicles.blimp_parameters import AIR_DENSITY
from snn_ros.simulation.worlds.room import MATERIALS, RoomParameters, parts

_STEP = 0.002  # s
_WALL_THICKNESS = 0.1  # m, outwards
_AMBIENT: Colour = (0.55, 0.55, 0.57)
_WINDOW_LIGHT: Colour = (0.45, 0.44, 0.42)


def blimp_world(scenario: Scenario, name: str) -> Element:
    """The SDF document of a flight.

    It holds the place and the vehicle; setpoints, ballast, wind and faults are not in it.

    Args:
        scenario: the flight.
        name: of the world.
    """
    root, world = new_world(name, _STEP)
    # The hull alone: in MuJoCo, too, nothing else displaces air.
    add_plugin(
        world, "Buoyancy", ("uniform_fluid_density", AIR_DENSITY), ("enable", f"{BLIMP}::hull")
    )
    add_scene(world, _AMBIENT, _AMBIENT, shadows=True)
    add_sun(world, "window_light", _WINDOW_LIGHT, (0.45, -0.8, -0.5))
    room = add_link(add_model(world, "room", static=True), "link")
    add_shapes(room, _shell(scenario.world))
    add_shapes(room, _contents(scenario.world))
    add_blimp(world, scenario.vehicle, scenario.start, scenario.sensors)
    return root


def _shell(room: RoomParameters) -> Iterator[Shape]:
    """Floor, ceiling and walls, whose inner faces are those of the room."""
    x, y, z = room.length / 2, room.width / 2, room.height
    t = _WALL_THICKNESS
    for name, position, size, colour in (
        ("floor", (0.0, 0.0, -t / 2), (2 * x, 2 * y, t), (0.72, 0.66, 0.57)),
        ("ceiling", (0.0, 0.0, z + t / 2), (2 * x, 2 * y, t), MATERIALS["ceiling"][:3]),
        ("wall_front", (x + t / 2, 0.0, z / 2), (t, 2 * y, z), MATERIALS["wall"][:3]),
        ("wall_back", (-x - t / 2, 0.0, z / 2), (t, 2 * y, z), MATERIALS["wall"][:3]),
        ("wall_left", (0.0, y + t / 2, z / 2), (2 * x, t, z), MATERIALS["wall"][:3]),
        ("wall_right", (0.0, -y - t / 2, z / 2), (2 * x, t, z), MATERIALS["wall"][:3]),
    ):
        yield Shape(name, box(size), colour, position, solid=True)


def _contents(room: RoomParameters) -> Iterator[Shape]:
    for part in parts(room):
        x, y, z = part.half_size
        colour = MATERIALS[part.material][:3]
        size = box((2 * x, 2 * y, 2 * z))
        yield Shape(part.name, size, colour, part.position, solid=part.solid)
