"""The elements of SDF 1.9 that our worlds are made of: numbers, shapes, models, plugins.

Lengths are in m, angles in rad; a rotation is roll, pitch, yaw about fixed axes, in this order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from snn_ros.geometry.rigid import Transform

VERSION = "1.9"

Vector = tuple[float, float, float]
Colour = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""

_DECIMALS = 6
_DEFAULT_REFLECTIVITY = 0.3
_UPRIGHT = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Geometry:
    """A geometry element: its tag, and its children as pairs of tag and value."""

    tag: str
    values: tuple[tuple[str, object], ...]


def box(size: Vector) -> Geometry:
    """A box of full size x, y, z around its origin."""
    return Geometry("box", (("size", size),))


def cylinder(radius: float, length: float) -> Geometry:
    """A cylinder along z around its origin."""
    return Geometry("cylinder", (("radius", radius), ("length", length)))


def ellipsoid(radii: Vector) -> Geometry:
    """An ellipsoid around its origin."""
    return Geometry("ellipsoid", (("radii", radii),))


def plane(length: float, width: float) -> Geometry:
    """A level rectangle seen from above."""
    return Geometry("plane", (("normal", (0, 0, 1)), ("size", (length, width))))


def prism(outline: ArrayLike, height: float) -> Geometry:
    """A counter-clockwise outline (N, 2), drawn up along z from its origin."""
    points = tuple(("point", tuple(point)) for point in np.asarray(outline).tolist())
    return Geometry("polyline", (*points, ("height", height)))


@dataclass(frozen=True)
class Shape:
    """Something to see and, where it is solid, to bump into.

    Attributes:
        name: unique in its link.
        geometry: its form.
        colour: of its surface.
        position: of its origin in the link.
        rotation: roll, pitch, yaw in the link.
        reflectivity: what a LiDAR reads as intensity, 0 to 1.
        solid: whether things collide with it.
        glow: whether it shines by itself.
    """

    name: str
    geometry: Geometry
    colour: Colour
    position: Vector = (0.0, 0.0, 0.0)
    rotation: Vector = _UPRIGHT
    reflectivity: float = _DEFAULT_REFLECTIVITY
    solid: bool = False
    glow: bool = False

    def moved(self, offset: Vector) -> Shape:
        """The same at another place."""
        x, y, z = (a + b for a, b in zip(self.position, offset, strict=True))
        return replace(self, position=(x, y, z))


def text(value: object) -> str:
    """A value as SDF writes it; numbers to a millionth, so that machines agree on them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return " ".join(map(text, value))
    if isinstance(value, int):
        return str(value)
    number = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if number == "-0" else number


def add(parent: Element, tag: str, value: object = None, **attributes: str) -> Element:
    """Add a child, with a text where there is a value."""
    child = SubElement(parent, tag, attributes)
    if value is not None:
        child.text = text(value)
    return child


def add_values(parent: Element, values: Iterable[tuple[str, object]]) -> None:
    """Add children that hold nothing but a value."""
    for tag, value in values:
        add(parent, tag, value)


def add_pose(parent: Element, position: Iterable[float], rotation: Vector = _UPRIGHT) -> None:
    """Say where an element is in its parent."""
    add(parent, "pose", (*position, *rotation))


def pose_of(matrix: Transform) -> tuple[Vector, Vector]:
    """Position and rotation (roll, pitch, yaw) of a (4, 4) transform."""
    x, y, z = matrix[:3, 3].tolist()
    roll, pitch, yaw = Rotation.from_matrix(matrix[:3, :3]).as_euler("xyz").tolist()
    return (x, y, z), (roll, pitch, yaw)


def add_model(
    world: Element, name: str, position: Vector = (0.0, 0.0, 0.0), yaw: float = 0.0, *, static: bool
) -> Element:
    """Add a model to a world."""
    model = add(world, "model", name=name)
    add_pose(model, position, (0.0, 0.0, yaw))
    add(model, "static", static)
    return model


def add_link(
    model: Element, name: str, position: Vector = (0.0, 0.0, 0.0), rotation: Vector = _UPRIGHT
) -> Element:
    """Add a link to a model."""
    link = add(model, "link", name=name)
    add_pose(link, position, rotation)
    return link


def add_inertial(
    link: Element, mass: float, inertia: Vector, centre: Vector = (0.0, 0.0, 0.0)
) -> Element:
    """Give a link its mass in kg and its principal inertia in kg m² about its centre of mass."""
    inertial = add(link, "inertial")
    add_pose(inertial, centre)
    add(inertial, "mass", mass)
    moments = add(inertial, "inertia")
    add_values(moments, zip(("ixx", "iyy", "izz"), inertia, strict=True))
    add_values(moments, (("ixy", 0), ("ixz", 0), ("iyz", 0)))
    return inertial


def add_hinge(
    model: Element, name: str, parent: str, child: str, axis: Vector,
    limits: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Add a revolute joint at the child's origin, free to turn unless limits (rad) are given."""
    joint = add(model, "joint", name=name, type="revolute")
    add_values(joint, (("parent", parent), ("child", child)))
    axis_element = add(joint, "axis")
    add(axis_element, "xyz", axis)
    if limits is not None:
        add_values(add(axis_element, "limit"), zip(("lower", "upper"), limits, strict=True))


def add_fixed_joint(model: Element, name: str, parent: str, child: str) -> None:
    """Join two links rigidly."""
    joint = add(model, "joint", name=name, type="fixed")
    add_values(joint, (("parent", parent), ("child", child)))


def add_shapes(link: Element, shapes: Iterable[Shape], visibility: int | None = None) -> None:
    """Add visuals, and collisions where shapes are solid.

    Args:
        link: where they are.
        shapes: with names of their own; ``<name>_collision`` is that of a collision.
        visibility: flags that a sensor's mask is compared with; seen by all if None.
    """
    for shape in shapes:
        if shape.solid:
            add_collision(link, shape)
        visual = add(link, "visual", name=shape.name)
        add_pose(visual, shape.position, shape.rotation)
        _add_geometry(visual, shape.geometry)
        material = add(visual, "material")
        colour = (*shape.colour, 1)
        add_values(material, (("ambient", colour), ("diffuse", colour)))
        if shape.glow:
            add(material, "emissive", colour)
        add(visual, "laser_retro", shape.reflectivity)
        if visibility is not None:
            add(visual, "visibility_flags", visibility)


def add_collision(link: Element, shape: Shape) -> None:
    """Add what others bump into, without a visual."""
    collision = add(link, "collision", name=f"{shape.name}_collision")
    add_pose(collision, shape.position, shape.rotation)
    _add_geometry(collision, shape.geometry)


def _add_geometry(parent: Element, geometry: Geometry) -> None:
    add_values(add(add(parent, "geometry"), geometry.tag), geometry.values)


def add_plugin(parent: Element, system: str, *values: tuple[str, object]) -> None:
    """Add one of Gazebo's systems.

    Args:
        parent: the world or model it acts on.
        system: name of its class in ``gz::sim::systems``, such as ``OdometryPublisher``.
        values: its parameters.
    """
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in system)
    plugin = add(
        parent, "plugin", filename=f"gz-sim{words}-system", name=f"gz::sim::systems::{system}"
    )
    add_values(plugin, values)


def new_world(name: str, step: float) -> tuple[Element, Element]:
    """A document and its empty world with physics, commands and what clients need to see it.

    Args:
        name: of the world.
        step: of the physics in s.
    """
    root = Element("sdf", version=VERSION)
    world = add(root, "world", name=name)
    physics = add(world, "physics", name="physics", type="dart")
    add_values(physics, (("max_step_size", step), ("real_time_factor", 1.0)))
    add(world, "gravity", (0.0, 0.0, -9.81))
    for system in ("Physics", "UserCommands", "SceneBroadcaster", "Imu"):
        add_plugin(world, system)
    add_plugin(world, "Sensors", ("render_engine", "ogre2"))
    return root, world


def add_scene(world: Element, ambient: Colour, background: Colour, *, shadows: bool) -> None:
    """Add the light from everywhere and the colour of the sky."""
    scene = add(world, "scene")
    add_values(scene, (("ambient", (*ambient, 1)), ("background", (*background, 1))))
    add_values(scene, (("shadows", shadows), ("grid", False)))


def add_sun(world: Element, name: str, colour: Colour, direction: Vector) -> None:
    """Add light that shines along a direction everywhere."""
    light = add(world, "light", name=name, type="directional")
    add_values(light, (("cast_shadows", True), ("diffuse", (*colour, 1))))
    add_values(light, (("specular", (0.2, 0.2, 0.2, 1)), ("direction", direction)))


def document(root: Element) -> str:
    """The text of a document, a line for each shape; the same elements give the same text."""
    _break_lines(root, 1)
    return f'<?xml version="1.0"?>\n{tostring(root, encoding="unicode")}\n'


def _break_lines(element: Element, depth: int) -> None:
    """Put children on lines of their own, but for those of shapes."""
    if len(element) == 0 or element.tag in ("visual", "collision"):
        return
    element.text = "\n" + " " * depth
    for child in element:
        _break_lines(child, depth + 1)
        child.tail = element.text
    element[-1].tail = "\n" + " " * (depth - 1)
