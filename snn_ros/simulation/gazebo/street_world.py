"""A street scenario as a Gazebo world, at the moment it begins."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from snn_ros.simulation.gazebo.bodies import actor_shapes, collision_box
from snn_ros.simulation.gazebo.ego import add_ego
from snn_ros.simulation.gazebo.road import ground_collision, road_shapes
from snn_ros.simulation.gazebo.roadside import building_shapes, pole_shapes, tree_shapes
from snn_ros.simulation.gazebo.sdf import (
    add,
    add_collision,
    add_inertial,
    add_link,
    add_model,
    add_plugin,
    add_scene,
    add_shapes,
    add_sun,
    new_world,
)
from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.drive import StreetDrive
from snn_ros.simulation.street.scenario import StreetScenario

_STEP = 0.002  # s
_ACTOR_MASS = 1000.0  # kg; nothing in Gazebo depends on it


def street_world(scenario: StreetScenario, name: str) -> Element:
    """The SDF document of a street.

    Parked vehicles stand. Everybody else keeps the speed and yaw rate of the first moment, unless
    told otherwise on ``/model/actor_<identifier>/cmd_vel``: Gazebo knows no traffic rules.

    Args:
        scenario: the drive.
        name: of the world.

    Raises:
        ConfigurationError: an actor cannot start where the scenario says.
    """
    drive = StreetDrive(scenario)
    root, world = new_world(name, _STEP)
    lighting = scenario.appearance.lighting
    add_scene(world, lighting.ambient, lighting.horizon, shadows=lighting.shadow > 0.0)
    add_sun(world, "sun", lighting.sun, scenario.appearance.sun_direction)
    _add_place(world, drive)
    for spec in drive.specs:
        state = drive.frame.actors.get(spec.identifier)
        if state is not None:
            _add_actor(world, spec, state)
    add_ego(world, scenario.ego.vehicle, drive.frame.ego, scenario.sensors)
    return root


def _add_place(world: Element, drive: StreetDrive) -> None:
    layout, appearance = drive.layout, drive.scenario.appearance
    ground = add_link(add_model(world, "ground", static=True), "link")
    add_collision(ground, ground_collision(layout))
    add_shapes(ground, road_shapes(layout, appearance))
    for name, shapes in (
        ("buildings", building_shapes(layout.buildings, appearance)),
        ("trees", tree_shapes(layout.trees, appearance)),
        ("poles", pole_shapes(layout.poles, appearance)),
    ):
        link = add_link(add_model(world, name, static=True), "link")
        add_shapes(link, shapes)


def _add_actor(world: Element, spec: ActorSpec, state: ActorState) -> None:
    name = f"actor_{spec.identifier}"
    model = add_model(world, name, (state.x, state.y, 0.0), state.yaw, static=spec.parked)
    link = add_link(model, "link")
    add_collision(link, collision_box(spec))
    add_shapes(link, actor_shapes(spec))
    if spec.parked:
        return
    add(link, "gravity", False)
    add_inertial(link, _ACTOR_MASS, (_ACTOR_MASS, _ACTOR_MASS, _ACTOR_MASS))
    forward, turning = (state.speed, 0.0, 0.0), (0.0, 0.0, state.yaw_rate)
    add_plugin(model, "VelocityControl", ("initial_linear", forward), ("initial_angular", turning))
