"""The blimp's rigid body, looks and sites in a MuJoCo model."""

from __future__ import annotations

from typing import Any

import mujoco

from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters

BODY, SHAFT, BALLAST = "blimp", "shaft", "ballast"
RANGE_FINDER, IMU = "range_finder", "imu"
GROUP = 1  # MuJoCo geom group of the blimp, which its own beam does not see

_BOX = mujoco.mjtGeom.mjGEOM_BOX
_CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER
_ELLIPSOID = mujoco.mjtGeom.mjGEOM_ELLIPSOID
_CAPSULE = mujoco.mjtGeom.mjGEOM_CAPSULE
_BALLAST_RADIUS = 0.01  # m
_GONDOLA = (0.07, 0.03, 0.025)  # half sizes in m

_HULL_COLOUR = (0.90, 0.35, 0.12, 1.0)
_BLUE = (0.13, 0.23, 0.42, 1.0)
_WHITE = (0.95, 0.94, 0.90, 1.0)
_DARK = (0.16, 0.16, 0.18, 1.0)
_ROTOR_COLOUR = (0.75, 0.80, 0.88, 0.55)


def add_blimp(spec: Any, parameters: BlimpParameters) -> None:
    """Add the blimp with its hull's centre at the origin, free to move.

    Its mass is that of hull, gas, gondola and trim ballast; added mass is not part of the model.

    Args:
        spec: the ``mujoco.MjSpec`` to add to.
        parameters: sizes and masses.
    """
    body = spec.worldbody.add_body(name=BODY)
    body.add_freejoint()
    _add_hull(body, parameters)
    _add_gondola(body, parameters)
    _add_ballast(body, parameters)
    _add_shaft(body, parameters)
    _add_livery(body, parameters)
    _add_sensors(spec, body, parameters)
    _add_camera(body)


def _set_inertial(body: Any, mass: float, inertia: tuple[float, float, float]) -> None:
    body.explicitinertial = True
    body.mass, body.inertia = mass, inertia
    body.ipos = (0.0, 0.0, 0.0)


def _decoration(body: Any, **geometry: Any) -> None:
    """A geom that is seen and touches nothing."""
    body.add_geom(group=GROUP, contype=0, conaffinity=0, mass=0.0, **geometry)


def _add_hull(body: Any, parameters: BlimpParameters) -> None:
    a, b = parameters.half_length, parameters.radius
    # Solid spheroid of gas (factor 1/5) inside a skin as thick as the hull is wide there (1/3).
    spread = parameters.gas_mass / 5.0 + parameters.skin_mass / 3.0
    lateral = spread * (a**2 + b**2)
    _set_inertial(
        body, parameters.gas_mass + parameters.skin_mass, (spread * 2.0 * b**2, lateral, lateral)
    )
    body.add_geom(name="hull", type=_ELLIPSOID, size=(a, b, b), rgba=_HULL_COLOUR, group=GROUP)


def _add_gondola(body: Any, parameters: BlimpParameters) -> None:
    gondola = body.add_body(name="gondola", pos=(0.0, 0.0, -parameters.gondola_depth))
    x, y, z = _GONDOLA
    third = parameters.gondola_mass / 3.0
    inertia = (third * (y**2 + z**2), third * (x**2 + z**2), third * (x**2 + y**2))
    _set_inertial(gondola, parameters.gondola_mass, inertia)
    gondola.add_geom(name="gondola", type=_BOX, size=_GONDOLA, rgba=_DARK, group=GROUP)


def _add_ballast(body: Any, parameters: BlimpParameters) -> None:
    ballast = body.add_body(name=BALLAST, pos=(0.0, 0.0, -parameters.gondola_depth))
    inertia = 0.4 * max(parameters.trim_ballast, 1e-6) * _BALLAST_RADIUS**2
    _set_inertial(ballast, parameters.trim_ballast, (inertia, inertia, inertia))


def _add_shaft(body: Any, parameters: BlimpParameters) -> None:
    """The tilting shaft as a body without joint; its orientation is set with the servo."""
    shaft = body.add_body(name=SHAFT, pos=(0.0, 0.0, -parameters.thruster_depth))
    arm = parameters.thruster_arm
    ends = (0.0, -arm, 0.0, 0.0, arm, 0.0)
    _decoration(shaft, type=_CAPSULE, fromto=ends, size=(0.005, 0, 0), rgba=_DARK)
    for side in (arm, -arm):
        motor = (0.0, side, -0.015, 0.0, side, 0.02)
        rotor = (0.0, side, 0.020, 0.0, side, 0.024)
        _decoration(shaft, type=_CYLINDER, fromto=motor, size=(0.009, 0, 0), rgba=_DARK)
        _decoration(shaft, type=_CYLINDER, fromto=rotor, size=(0.045, 0, 0), rgba=_ROTOR_COLOUR)


def _add_livery(body: Any, parameters: BlimpParameters) -> None:
    """Fins and a belt."""
    a, b = parameters.half_length, parameters.radius
    # A shorter, slightly thicker spheroid shows through the hull as a belt.
    _decoration(body, type=_ELLIPSOID, size=(0.6 * a, 1.01 * b, 1.01 * b), rgba=_WHITE)
    long, thin, wide = 0.22 * a, 0.008 * b, 0.42 * b
    for y, z in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        half = (long, wide, thin) if y else (long, thin, wide)
        position = (-0.72 * a, 0.72 * b * y, 0.72 * b * z)
        _decoration(body, type=_BOX, pos=position, size=half, rgba=_BLUE)


def _add_sensors(spec: Any, body: Any, parameters: BlimpParameters) -> None:
    below = (0.0, 0.0, -parameters.range_finder_depth)
    body.add_site(name=RANGE_FINDER, pos=below, size=(0.005, 0, 0), group=GROUP)
    at_gondola = (0.0, 0.0, -parameters.gondola_depth)
    body.add_site(name=IMU, pos=at_gondola, size=(0.005, 0, 0), group=4)
    spec.add_sensor(
        name="accelerometer",
        type=mujoco.mjtSensor.mjSENS_ACCELEROMETER,
        objtype=mujoco.mjtObj.mjOBJ_SITE,
        objname=IMU,
    )


def _add_camera(body: Any) -> None:
    """``follow`` keeps the blimp in the middle, seen from the side."""
    body.add_camera(
        name="follow",
        mode=mujoco.mjtCamLight.mjCAMLIGHT_TRACK,
        pos=(-1.5, -1.9, 0.25),
        xyaxes=(0.78, -0.62, 0.0, 0.09, 0.11, 1.0),
        fovy=42.0,
    )
