"""Actors as bodies of a MuJoCo model: shapes, joints, shadows and headlights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import mujoco
import numpy as np

from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.cyclists import cyclist_joints, cyclist_meshes, cyclist_positions
from snn_ros.simulation.street.figures import ROOT, Joint
from snn_ros.simulation.street.ground_light import LIGHT_HEIGHT, SHADOW_HEIGHT
from snn_ros.simulation.street.meshes import Mesh, merged, quads
from snn_ros.simulation.street.pedestrians import (
    pedestrian_joints,
    pedestrian_meshes,
    pedestrian_positions,
)
from snn_ros.simulation.street.surfaces import Surface
from snn_ros.simulation.street.vehicles import paint_of, vehicle_meshes

SEMANTIC_OF = {
    "sedan": "car",
    "van": "car",
    "truck": "truck",
    "pedestrian": "pedestrian",
    "cyclist": "cyclist",
}

_VEHICLES = ("sedan", "van", "truck")
_HINGE, _SLIDE = mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE

# Reflectivity at 905 nm.
_GLASS, _TRIM, _LAMPS, _CLOTHES, _BICYCLE = 0.05, 0.15, 0.92, 0.45, 0.35

_GROUND = Surface("road", 0.17)
_SHADOW_LAYERS = 4
HEADLIGHT = (1.0, 0.95, 0.82)
# Reach and half width in m, one above the other.
_HEADLIGHT_LAYERS = tuple((22.0 - 3.5 * i, 3.4 - 0.45 * i) for i in range(5))


def body_name(identifier: int) -> str:
    """Name of an actor's body in the model."""
    return f"actor_{identifier}"


def shadow_name(identifier: int) -> str:
    """Name of the body of an actor's shadow."""
    return f"shadow_{identifier}"


def add_actor_materials(builder: WorldBuilder, appearance: Appearance) -> None:
    """Add the materials that all actors share; to be called once, before ``add_actor``."""
    lighting = appearance.lighting
    builder.add_material("swatches", texture="swatches", specular=0.1, shininess=0.2)
    builder.add_material("vehicle_lamps_off", texture="swatches", emission=0.1, specular=0.5)
    lit = 0.2 + 0.8 * lighting.lamp_glow if lighting.lamps else 0.15
    builder.add_material("vehicle_lamps", texture="swatches", emission=lit, specular=0.5)
    sky = 0.16 * np.array(lighting.horizon)
    builder.add_material(
        "glass", colour=tuple(0.04 + sky), specular=0.9, shininess=0.9, emission=0.15
    )
    shadow = max(lighting.shadow, 0.16)
    builder.add_ground_colour("actor_shadow", (0.01, 0.01, 0.02), shadow / _SHADOW_LAYERS * 1.6)
    builder.add_ground_colour("headlight", HEADLIGHT, 0.04 * lighting.lamp_glow)


def add_actor(builder: WorldBuilder, spec: ActorSpec, appearance: Appearance) -> None:
    """Add an actor as a body that is placed (``mocap``), with the reference point on the ground.

    Args:
        builder: the world to add to.
        spec: the actor.
        appearance: headlights are on where lamps are; a shadow falls where the sun shines.
    """
    body = builder.world.add_body(name=body_name(spec.identifier), mocap=True)
    _ADD[spec.kind](builder, body, spec)
    shape = _footprint_layers(spec.length, spec.width, SHADOW_HEIGHT)
    name = f"{body_name(spec.identifier)}_contact_shadow"
    builder.add_mesh(body, name, shape, "actor_shadow", _GROUND, decoration=True)
    if appearance.shadows == "projected" and appearance.lighting.shadow > 0.0:
        fallen = builder.world.add_body(name=shadow_name(spec.identifier), mocap=True)
        shape = _footprint_layers(spec.length, spec.width, SHADOW_HEIGHT + 0.0015)
        name = shadow_name(spec.identifier)
        builder.add_mesh(fallen, name, shape, "actor_shadow", _GROUND, decoration=True)
    if appearance.lighting.lamps and not spec.parked and spec.kind in _VEHICLES:
        add_headlights(builder, body, body_name(spec.identifier), spec.length / 2)


def add_headlights(builder: WorldBuilder, body: Any, name: str, front: float) -> None:
    """Add the light of dipped headlights on the ground before a vehicle.

    Args:
        builder: the world to add to.
        body: the vehicle.
        name: of the vehicle.
        front: x of its front in m.
    """
    layers = []
    for level, (reach, spread) in enumerate(_HEADLIGHT_LAYERS):
        z = LIGHT_HEIGHT + 0.0005 * level
        start, end = front + 0.6 + 0.15 * level, front + reach
        corners = [(start, -0.7, z), (0.75 * end, -spread, z), (end, -0.6 * spread, z)]
        outline = corners + [(x, -y, z) for x, y, z in reversed(corners)]
        layers.append(quads([outline[:2] + outline[4:], outline[1:5]]))
    builder.add_mesh(
        body, f"{name}_headlight", merged(layers), "headlight", _GROUND, decoration=True
    )


def joint_positions(spec: ActorSpec, state: ActorState) -> tuple[float, ...]:
    """Positions of an actor's joints in the order they were added, in m and rad."""
    if spec.kind == "pedestrian":
        return pedestrian_positions(spec, state.gait_phase, state.speed)
    if spec.kind == "cyclist":
        return cyclist_positions(state.gait_phase)
    return ()


def _add_vehicle(builder: WorldBuilder, body: Any, spec: ActorSpec) -> None:
    meshes = vehicle_meshes(spec.kind, spec.length, spec.width, spec.height, spec.appearance_seed)
    semantic = SEMANTIC_OF[spec.kind]
    colour, reflectivity = paint_of(spec.appearance_seed)
    paint = builder.add_material(f"paint_{colour}", colour=colour, specular=0.5, shininess=0.6)
    lamps = "vehicle_lamps_off" if spec.parked else "vehicle_lamps"
    for part, shapes, material, value in (
        ("paint", meshes.paint, paint, reflectivity),
        ("glass", meshes.glass, "glass", _GLASS),
        ("trim", meshes.trim, "swatches", _TRIM),
        ("lamps", meshes.lamps, lamps, _LAMPS),
    ):
        surface = Surface(semantic, value, spec.identifier, glass=part == "glass")
        name = f"{body_name(spec.identifier)}_{part}"
        builder.add_mesh(body, name, merged(shapes), material, surface)


def _add_pedestrian(builder: WorldBuilder, body: Any, spec: ActorSpec) -> None:
    surface = Surface("pedestrian", _CLOTHES, spec.identifier)
    _add_figure(builder, body, spec, pedestrian_joints(spec), pedestrian_meshes(spec), surface)


def _add_cyclist(builder: WorldBuilder, body: Any, spec: ActorSpec) -> None:
    surface = Surface("cyclist", _BICYCLE, spec.identifier)
    _add_figure(builder, body, spec, cyclist_joints(spec), cyclist_meshes(spec), surface)


def _add_figure(
    builder: WorldBuilder, root: Any, spec: ActorSpec, joints: Iterable[Joint],
    meshes: Mapping[str, Mesh], surface: Surface,
) -> None:  # fmt: skip
    """Add parts that hang on each other by joints."""
    prefix = body_name(spec.identifier)
    bodies = {ROOT: root}
    for joint in joints:
        part = bodies[joint.parent].add_body(name=f"{prefix}_{joint.body}", pos=joint.position)
        part.explicitinertial, part.mass, part.inertia = True, 1.0, (1.0, 1.0, 1.0)
        if joint.slide:
            part.add_joint(name=f"{prefix}_{joint.body}", type=_SLIDE, axis=(0.0, 0.0, 1.0))
        else:  # turning forwards is positive
            part.add_joint(name=f"{prefix}_{joint.body}", type=_HINGE, axis=(0.0, -1.0, 0.0))
        bodies[joint.body] = part
    for part_name, mesh in meshes.items():
        name = f"{prefix}_{part_name or 'root'}_shape"
        builder.add_mesh(bodies[part_name], name, mesh, "swatches", surface)


def _footprint_layers(length: float, width: float, height: float) -> Mesh:
    """Rounded outlines of growing size above each other: dark in the middle, soft at the edge."""
    angle = np.linspace(0.0, 2 * np.pi, 16, endpoint=False)
    # A superellipse: between a rectangle and an ellipse.
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.4
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.4
    layers = []
    for level in range(_SHADOW_LAYERS):
        grown = 0.18 - 0.12 * level
        ring = np.stack(
            [(length / 2 + grown) * x, (width / 2 + grown) * y, 0.0 * x + height + 0.0003 * level],
            axis=-1,
        )
        layers.append(quads([ring[[0, i, i + 1, i + 2]] for i in range(1, 14, 2)]))
    return merged(layers)


_ADD: Mapping[str, Callable[[WorldBuilder, Any, ActorSpec], None]] = {
    **dict.fromkeys(_VEHICLES, _add_vehicle),
    "pedestrian": _add_pedestrian,
    "cyclist": _add_cyclist,
}
