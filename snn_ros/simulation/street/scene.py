"""A street as a MuJoCo model: a place, its actors and the cameras of the ego vehicle.

Nothing in it has dynamics: ``place`` sets where everybody is, and rays and pictures see them there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError
from snn_ros.simulation.sensors.mounts import CameraMount, attach_camera
from snn_ros.simulation.street import textures
from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.bodies import (
    add_actor,
    add_actor_materials,
    add_headlights,
    body_name,
    joint_positions,
    shadow_name,
)
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.buildings import add_buildings
from snn_ros.simulation.street.furniture import add_furniture
from snn_ros.simulation.street.ground import add_ground
from snn_ros.simulation.street.ground_light import CELL, GroundGrid, add_ground_light
from snn_ros.simulation.street.layout import RoadLayout
from snn_ros.simulation.street.swatches import swatch_image
from snn_ros.simulation.street.vegetation import add_trees

EGO = "ego"
"""Name of the ego vehicle's body, whose frame is ``base_link``."""
BIRDS_EYE = "birds_eye"
"""Name of a camera that looks down on the ego vehicle, ahead to the top of the picture."""

EGO_FRONT = 3.3
"""Front of the ego vehicle before its rear axle, in m."""

_NOT_THERE = -1000.0  # m, height of actors who are not in the scene
_NEAR, _FAR = 0.1, 400.0  # m, clipping planes of the cameras
_SHADOW_MAP = 1024  # pixels
_SHADOW_REACH = 60.0  # m around the ego vehicle
_CLOUDS = {"day": 0.35, "overcast": 0.9, "dusk": 0.4, "night": 0.2}


class UnknownActorError(SnnRosError):
    """A state was given for an actor that the scene does not have."""


class StreetScene:
    """A place with actors. The same arguments give the same model, byte for byte."""

    def __init__(
        self,
        layout: RoadLayout,
        actors: Sequence[ActorSpec],
        appearance: Appearance | None = None,
        seed: int = 0,
        *,
        ego_cameras: Sequence[CameraMount] = (),
    ) -> None:
        """Build the model; the ego vehicle stands at the origin, and nobody else is there yet.

        Args:
            layout: the place.
            actors: everybody who will be placed.
            appearance: light and season; a summer's day by default.
            seed: of the textures.
            ego_cameras: fixed to the ego vehicle, found in the model by their names.
        """
        appearance = appearance or Appearance()
        self.actors = {spec.identifier: spec for spec in actors}
        builder = WorldBuilder()
        rng = np.random.default_rng(seed)
        _set_visual(builder, appearance, layout, ego_cameras)
        _add_sky(builder, appearance, rng)
        builder.add_texture("swatches", swatch_image())
        add_ground(builder, layout, appearance, rng)
        add_buildings(builder, layout, appearance, rng)
        add_trees(builder, layout, appearance, rng)
        add_furniture(builder, layout, appearance)
        add_ground_light(builder, layout, appearance)
        add_actor_materials(builder, appearance)
        for spec in actors:
            add_actor(builder, spec, appearance)
        _add_ego(builder, appearance, ego_cameras)
        self.model = builder.spec.compile()
        self.data = mujoco.MjData(self.model)
        self.surfaces = builder.surface_table(self.model)
        self._shadow_offset = np.array(appearance.shadow_offset)
        self._find_bodies()
        self._grid = GroundGrid.over(layout.ground_extent)
        self._raised = self._grid.filled(layout.pavements)
        self._kerb_height = layout.kerb_height
        self.place({}, ActorState(0.0, 0.0, 0.0), 0.0)

    def place(self, states: Mapping[int, ActorState], ego: ActorState, time: float) -> None:
        """Put everybody where they are at one time.

        Args:
            states: of the actors by identifier; one that is not given is not there.
            ego: of the ego vehicle; its reference point is the centre of the rear axle.
            time: in s.

        Raises:
            UnknownActorError: a state belongs to no actor of the scene.
        """
        data = self.data
        data.time = time
        data.mocap_pos[:, 2] = _NOT_THERE
        self._set_pose(self._ego, ego, 0.0)
        for identifier, state in states.items():
            spec = self.actors.get(identifier)
            if spec is None:
                raise UnknownActorError(f"actor {identifier!r} is not in the scene")
            height = self.ground_height(state.x, state.y)
            self._set_pose(self._mocap[identifier], state, height)
            joints = joint_positions(spec, state)
            if joints:
                first = self._first_joint[identifier]
                data.qpos[first : first + len(joints)] = joints
            shadow = self._shadows.get(identifier)
            if shadow is not None:
                self._set_pose(shadow, state, height)
                data.mocap_pos[shadow, :2] += spec.height / 2 * self._shadow_offset
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_camlight(self.model, data)

    def ground_height(self, x: float, y: float) -> float:
        """Height of the ground under a point in m: that of a pavement, or 0."""
        row = int((y - self._grid.y) // CELL)
        column = int((x - self._grid.x) // CELL)
        inside = 0 <= row < self._grid.rows and 0 <= column < self._grid.columns
        return self._kerb_height if inside and self._raised[row, column] else 0.0

    def camera_pose(self, name: str) -> NDArray[np.float64]:
        """(4, 4) ``T_world_camera`` of a camera's optical frame (x right, y down, z forward)."""
        camera = self.model.camera(name).id
        pose = np.eye(4)
        pose[:3, :3] = self.data.cam_xmat[camera].reshape(3, 3) * [1.0, -1.0, -1.0]
        pose[:3, 3] = self.data.cam_xpos[camera]
        return pose

    def _set_pose(self, mocap: int, state: ActorState, height: float) -> None:
        self.data.mocap_pos[mocap] = state.x, state.y, height
        self.data.mocap_quat[mocap] = math.cos(state.yaw / 2), 0.0, 0.0, math.sin(state.yaw / 2)

    def _find_bodies(self) -> None:
        """Where each actor's pose and joints lie in ``data``."""
        model = self.model
        self._ego = int(model.body(EGO).mocapid[0])
        self._mocap: dict[int, int] = {}
        self._shadows: dict[int, int] = {}
        self._first_joint: dict[int, int] = {}
        names = {model.body(i).name: i for i in range(model.nbody)}
        roots = {names[body_name(i)]: i for i in self.actors}
        for identifier in self.actors:
            self._mocap[identifier] = int(model.body_mocapid[names[body_name(identifier)]])
            shadow = names.get(shadow_name(identifier))
            if shadow is not None:
                self._shadows[identifier] = int(model.body_mocapid[shadow])
        for joint in range(model.njnt):
            root = int(model.body_rootid[model.jnt_bodyid[joint]])
            self._first_joint.setdefault(roots[root], int(model.jnt_qposadr[joint]))


def _set_visual(
    builder: WorldBuilder, appearance: Appearance, layout: RoadLayout,
    cameras: Sequence[CameraMount],
) -> None:  # fmt: skip
    """Clipping planes, light from everywhere, and a sun (or moon) for all."""
    spec, lighting = builder.spec, appearance.lighting
    spec.stat.extent = 1.0  # the clipping planes are multiples of it
    x_min, y_min, x_max, y_max = layout.ground_extent
    spec.stat.center = ((x_min + x_max) / 2, (y_min + y_max) / 2, 0.0)
    visual = spec.visual
    visual.map.znear, visual.map.zfar = _NEAR, _FAR
    visual.map.shadowclip = _SHADOW_REACH
    visual.quality.shadowsize = _SHADOW_MAP
    visual.quality.offsamples = 0
    visual.global_.offwidth = max([1280, *(mount.width for mount in cameras)])
    visual.global_.offheight = max([960, *(mount.height for mount in cameras)])
    visual.rgba.haze = (*lighting.horizon, 1.0)  # where the ground meets the sky
    visual.headlight.ambient = lighting.ambient
    visual.headlight.diffuse = visual.headlight.specular = (0.0, 0.0, 0.0)
    builder.world.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        dir=appearance.sun_direction,
        pos=tuple(-100.0 * value for value in appearance.sun_direction),
        ambient=(0.0, 0.0, 0.0),
        diffuse=lighting.sun,
        specular=tuple(0.5 * value for value in lighting.sun),
        castshadow=appearance.shadows == "mapped",
    )


def _add_sky(builder: WorldBuilder, appearance: Appearance, rng: np.random.Generator) -> None:
    image = textures.sky(appearance.lighting, _CLOUDS[appearance.light], rng)
    builder.add_texture("sky", image, sky=True)


def _add_ego(builder: WorldBuilder, appearance: Appearance, cameras: Sequence[CameraMount]) -> None:
    """A body without a shape, since its sensors would look at it from inside."""
    body = builder.world.add_body(name=EGO, mocap=True)
    for mount in cameras:
        attach_camera(body, mount)
    body.add_camera(
        name=BIRDS_EYE, pos=(12.0, 0.0, 45.0), xyaxes=(0.0, -1.0, 0.0, 1.0, 0.0, 0.0), fovy=60.0
    )
    if appearance.lighting.lamps:
        add_headlights(builder, body, EGO, EGO_FRONT)
        glow = 0.8 * appearance.lighting.lamp_glow
        body.add_light(
            name="headlights",
            type=mujoco.mjtLightType.mjLIGHT_SPOT,
            pos=(EGO_FRONT, 0.0, 0.7),
            dir=(1.0, 0.0, -0.02),
            cutoff=45.0,
            exponent=6.0,
            attenuation=(1.0, 0.02, 0.002),
            diffuse=(glow, 0.95 * glow, 0.82 * glow),
            castshadow=False,
        )
