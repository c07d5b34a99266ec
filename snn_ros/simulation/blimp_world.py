"""A blimp in a room: MuJoCo's rigid body, with the air's forces and added mass put in.

Choices
    The added mass is written into MuJoCo's mass matrix at every step, turned into the world, so it
    resists acceleration and contact impulses alike and weighs nothing; gravity acts on the true
    mass. The accelerations of moving air itself (gust fronts) exert no added-mass force. Fixed
    step, semi-implicit Euler: first velocity, then position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import ConfigurationError, setting
from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.vehicles import blimp_body
from snn_ros.simulation.vehicles.aerodynamics import added_mass_coupling, drag
from snn_ros.simulation.vehicles.blimp_parameters import GRAVITY, BlimpParameters
from snn_ros.simulation.vehicles.thrusters import TiltingThrusters
from snn_ros.simulation.wind import Wind, WindParameters
from snn_ros.simulation.worlds import room as room_world
from snn_ros.simulation.worlds.room import RoomParameters

TIMESTEP = 0.01  # s

_LOWER = np.tril_indices(6)
_SEEN_BY_BEAM = np.array([group == room_world.GROUP for group in range(6)], dtype=np.uint8)
# A hand that holds the blimp gives way by centimetres under full thrust and does not swing back.
_GRIP_STIFFNESS = 100.0  # N/m
_GRIP_DAMPING = 15.0  # N s/m
_GRAM = 1e-3  # kg


@dataclass(frozen=True)
class StartPose:
    """Where the blimp hangs at the start, at rest."""

    x: float = setting(0.0, "in the room", unit="m")
    y: float = setting(0.0, "in the room", unit="m")
    altitude: float = setting(0.5, "of the range finder", unit="m", minimum=0.0)
    yaw: float = setting(0.0, "heading, 0 along the room", unit="rad")


@dataclass(frozen=True)
class Contact:
    """The blimp began to touch something.

    Attributes:
        time: in s.
        surface: ``floor``, ``ceiling``, ``wall_…`` or a piece of furniture.
        speed: approach speed along the contact normal in m/s.
    """

    time: float
    surface: str
    speed: float


class BlimpWorld:
    """Physics of one blimp in one room. Deterministic: same arguments, same bytes."""

    def __init__(
        self,
        blimp: BlimpParameters | None = None,
        room: RoomParameters | None = None,
        *,
        wind: WindParameters | None = None,
        start: StartPose | None = None,
        seed: int | np.random.SeedSequence = 0,
    ) -> None:
        """Build the model and put the blimp at its start.

        Args:
            blimp: the vehicle.
            room: the place.
            wind: how the air moves; still by default.
            start: where it begins, at rest.
            seed: of the turbulence.

        Raises:
            ConfigurationError: the blimp would start inside something.
        """
        self.blimp = blimp or BlimpParameters()
        self.room = room or RoomParameters()
        self._wind_parameters = wind or WindParameters()
        self._start = start or StartPose()
        self._seed = seed
        self.model = _compile(self.blimp, self.room)
        self.data = mujoco.MjData(self.model)
        self._body = self.model.body(blimp_body.BODY).id
        self._shaft = self.model.body(blimp_body.SHAFT).id
        self._ballast = self.model.body(blimp_body.BALLAST).id
        self._range_finder = self.model.site(blimp_body.RANGE_FINDER).id
        self._surface_names = {
            geom: self.model.geom(geom).name
            for geom in range(self.model.ngeom)
            if self.model.geom_group[geom] == room_world.GROUP
        }
        self._thrusters = TiltingThrusters(self.blimp)
        self._added_mass = np.array(self.blimp.added_mass)
        self._added = np.diag((0.0, 0.0, 0.0, *self.blimp.added_inertia))
        self._buoyancy = self.blimp.displaced_mass * GRAVITY
        self.reset()

    # State ---------------------------------------------------------------------------------------

    @property
    def time(self) -> float:
        """Seconds since the start."""
        return self._steps * TIMESTEP

    @property
    def pose(self) -> Transform:
        """``T_world_base_link``, (4, 4) float64; ``base_link`` is at the range finder."""
        transform = np.eye(4)
        transform[:3, :3] = self.data.xmat[self._body].reshape(3, 3)
        transform[:3, 3] = self.data.site_xpos[self._range_finder]
        return transform

    @property
    def velocity(self) -> NDArray[np.float64]:
        """(6,) linear velocity in m/s and angular velocity in rad/s, both in ``base_link``."""
        rotation = self.data.xmat[self._body].reshape(3, 3)
        centre, rate = self.data.qvel[:3] @ rotation, self.data.qvel[3:6]
        below = (0.0, 0.0, -self.blimp.range_finder_depth)
        return np.concatenate([centre + np.cross(rate, below), rate])

    @property
    def specific_force(self) -> NDArray[np.float64]:
        """(3,) acceleration less gravity at the gondola, in ``base_link``, in m/s².

        The mean over the last integration step.
        """
        return np.array(self.data.sensordata)

    @property
    def altitude(self) -> float:
        """Height of the range finder above the floor in m."""
        return float(self.data.site_xpos[self._range_finder][2])

    @property
    def tilt(self) -> float:
        """Angle of the thruster shaft in rad: 0 up, pi/2 forward, pi down."""
        return self._thrusters.tilt

    @property
    def ballast(self) -> float:
        """Ballast in grams beyond what makes the blimp neutral."""
        return (self.model.body_mass[self._ballast] - self.blimp.trim_ballast) / _GRAM

    @property
    def touching(self) -> frozenset[str]:
        """What the blimp touches now."""
        return self._touching

    def beam(self) -> float:
        """True length in m of the range finder's beam, along the blimp's own downward axis.

        Returns:
            The distance to the floor or the furniture below; inf where the beam meets nothing.
        """
        down = -self.data.site_xmat[self._range_finder].reshape(3, 3)[:, 2]
        origin = self.data.site_xpos[self._range_finder]
        distance = mujoco.mj_ray(self.model, self.data, origin, down, _SEEN_BY_BEAM, 1, -1, None)
        return distance if distance >= 0.0 else math.inf

    # Control -------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Back to the start, with the same turbulence to come."""
        mujoco.mj_resetData(self.model, self.data)
        self._steps = 0
        self._thrusters.reset()
        self._wind = Wind(self._wind_parameters, TIMESTEP)
        self._generator = np.random.default_rng(self._seed)
        self.contacts: list[Contact] = []
        self._touching: frozenset[str] = frozenset()
        self._held_at: NDArray[np.float64] | None = None
        self.set_ballast(0.0)
        start = self._start
        self.data.qpos[:3] = (start.x, start.y, start.altitude + self.blimp.range_finder_depth)
        self.data.qpos[3:7] = (math.cos(start.yaw / 2), 0.0, 0.0, math.sin(start.yaw / 2))
        mujoco.mj_fwdPosition(self.model, self.data)
        touched = sorted(self._surfaces())
        if touched:
            problem = f"start = {start!r}: the blimp would be inside {', '.join(touched)}"
            raise ConfigurationError("blimp world", [problem])

    def set_ballast(self, grams: float) -> None:
        """Hang weight on the gondola, or take some away.

        Args:
            grams: beyond neutral trim; negative makes the blimp light.

        Raises:
            ValueError: more is taken away than hangs there.
        """
        mass = self.blimp.trim_ballast + grams * _GRAM
        if mass < 0.0:
            available = self.blimp.trim_ballast / _GRAM
            raise ValueError(f"grams = {grams!r}: only {available:.1f} g can be taken away")
        self.model.body_mass[self._ballast] = mass
        # Derived constants of the model; scratch data, because this works on its initial state.
        mujoco.mj_setConst(self.model, mujoco.MjData(self.model))

    def hold(self) -> None:
        """Hold the blimp where it is now, as by a hand, until ``release``."""
        self._held_at = self.data.qpos[:3].copy()

    def release(self) -> None:
        """Let go of the blimp."""
        self._held_at = None

    def step(self, thrust_left: float, thrust_right: float, tilt: float, duration: float) -> None:
        """Fly on with one command.

        Args:
            thrust_left: duty cycle of the left motor, limited to 0..1, or ±1 if it reverses.
            thrust_right: as ``thrust_left``.
            tilt: commanded shaft angle in rad, limited to 0..pi.
            duration: in s, rounded to the integration step.

        Raises:
            ValueError: a command is not finite.
        """
        if not all(map(math.isfinite, (thrust_left, thrust_right, tilt))):
            raise ValueError(f"command {(thrust_left, thrust_right, tilt)!r}: must be finite")
        for _ in range(round(duration / TIMESTEP)):
            self._thrusters.step(thrust_left, thrust_right, tilt, TIMESTEP)
            self._integrate()
        half = self._thrusters.tilt / 2
        self.model.body_quat[self._shaft] = (math.cos(half), 0.0, math.sin(half), 0.0)
        mujoco.mj_kinematics(self.model, self.data)

    # One step ------------------------------------------------------------------------------------

    def _integrate(self) -> None:
        air = self._wind.step(self._steps, self._generator)
        mujoco.mj_step1(self.model, self.data)
        self._note_contacts()
        rotation = self.data.xmat[self._body].reshape(3, 3)
        self._add_mass(rotation)
        self._apply_forces(rotation, air)
        mujoco.mj_step2(self.model, self.data)
        self._steps += 1

    def _add_mass(self, rotation: NDArray[np.float64]) -> None:
        """Put the added mass into the mass matrix that MuJoCo is about to solve with.

        A free joint's coordinates are the world velocity of the origin and the angular velocity in
        body axes, so only the translational block turns with the body.
        """
        self._added[:3, :3] = (rotation * self._added_mass) @ rotation.T
        self.data.M[:] += self._added[_LOWER]
        mujoco.mj_factorM(self.model, self.data)

    def _apply_forces(self, rotation: NDArray[np.float64], air: NDArray[np.float64]) -> None:
        """Thrust, drag, added-mass coupling and buoyancy at the hull's centre."""
        velocity = tuple(((self.data.qvel[:3] - air) @ rotation).tolist())
        rate = tuple(self.data.qvel[3:6].tolist())
        wrenches = (
            self._thrusters.wrench(),
            drag(self.blimp, velocity, rate),
            added_mass_coupling(self.blimp, velocity, rate),
        )
        force, torque = np.add.reduce(wrenches)
        applied = self.data.qfrc_applied
        applied[:3] = rotation @ force
        applied[2] += self._buoyancy
        applied[3:6] = torque
        if self._held_at is not None:
            stretch = self._held_at - self.data.qpos[:3]
            applied[:3] += _GRIP_STIFFNESS * stretch - _GRIP_DAMPING * self.data.qvel[:3]

    def _note_contacts(self) -> None:
        if not self.data.ncon:
            self._touching = frozenset()
            return
        touched = self._surfaces()
        for name in sorted(touched - self._touching):
            self.contacts.append(Contact(self.time, name, self._approach_speed(name)))
        self._touching = touched

    def _surfaces(self) -> frozenset[str]:
        """What the blimp touches in the present position."""
        pairs = self.data.contact.geom.ravel().tolist()
        return frozenset(self._surface_names[geom] for geom in pairs if geom in self._surface_names)

    def _approach_speed(self, surface: str) -> float:
        """Largest speed in m/s along the contact normals on one surface."""
        centre, velocity = self.data.qpos[:3], self.data.qvel[:3]
        turning = self.data.xmat[self._body].reshape(3, 3) @ self.data.qvel[3:6]
        points = [
            contact
            for contact in self.data.contact
            if surface in map(self._surface_names.get, contact.geom.tolist())
        ]
        return max(
            float(abs(point.frame[:3] @ (velocity + np.cross(turning, point.pos - centre))))
            for point in points
        )


def _compile(blimp: BlimpParameters, room: RoomParameters) -> Any:
    """The MuJoCo model of a blimp in a room."""
    spec = mujoco.MjSpec()
    spec.option.timestep = TIMESTEP
    spec.option.gravity = (0.0, 0.0, -GRAVITY)
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_EULER
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    # Islands keep copies of the mass matrix, which would lack the added mass.
    spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ISLAND)
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 1920, 1080
    spec.visual.quality.shadowsize = 4096
    spec.visual.quality.numslices, spec.visual.quality.numstacks = 96, 48
    room_world.add_room(spec, room)
    blimp_body.add_blimp(spec, blimp)
    return spec.compile()
