"""The blimp in Gazebo: hull, gondola, tilting shaft and two propellers.

Its model's frame is ``base_link``, at the range finder. Buoyancy comes from the hull's collision
shape, added mass from ``fluid_added_mass`` (SDF 1.10, which Harmonic reads in older files too),
drag from the Hydrodynamics system, thrust from Thruster and the shaft from
JointPositionController. The thrust curve is in our node ``blimp_gazebo``; motor lag, and the pause
of the thrust while the shaft turns over, are not modelled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from snn_ros.simulation.blimp_world import StartPose
from snn_ros.simulation.gazebo import sensors
from snn_ros.simulation.gazebo.bridge import BLIMP, LEFT_PROPELLER, RIGHT_PROPELLER, SHAFT, TF_TOPIC
from snn_ros.simulation.gazebo.sdf import (
    Shape,
    add,
    add_fixed_joint,
    add_hinge,
    add_inertial,
    add_link,
    add_model,
    add_plugin,
    add_shapes,
    add_values,
    box,
    cylinder,
    ellipsoid,
)
from snn_ros.simulation.scenario import Sensors
from snn_ros.simulation.vehicles.blimp_parameters import AIR_DENSITY, BlimpParameters

HULL, GONDOLA = "hull", "gondola"

_SHAFT_MASS, _PROPELLER_MASS = 0.010, 0.002  # kg, part of the gondola's mass
_SHAFT_INERTIA, _PROPELLER_INERTIA = (5e-5, 5e-6, 5e-5), (2e-6, 2e-6, 2e-6)  # kg m²
_PROPELLER_DIAMETER = 0.09  # m
_GONDOLA_SIZE = (0.14, 0.06, 0.05)  # m
_IMU_RATE, _ODOMETRY_RATE = 100.0, 50.0  # Hz
_ORANGE, _BLUE, _DARK = (0.90, 0.35, 0.12), (0.13, 0.23, 0.42), (0.16, 0.16, 0.18)


def add_blimp(world: Element, blimp: BlimpParameters, start: StartPose, carried: Sensors) -> None:
    """Add the blimp, at rest and neutral.

    Args:
        world: whose Buoyancy system acts on ``blimp::hull``.
        blimp: sizes, masses, drag and drive.
        start: where it hangs.
        carried: flaws of its sensors.
    """
    model = add_model(world, BLIMP, (start.x, start.y, start.altitude), start.yaw, static=False)
    _add_hull(model, blimp)
    gondola = _add_gondola(model, blimp)
    sensors.add_range_finder(
        gondola, "range_finder", "range_scan", (0.0, 0.0, -_gondola_height(blimp)),
        carried.range_finder,
    )  # fmt: skip
    sensors.add_imu(gondola, "imu", _IMU_RATE, (0.0, 0.0, 0.0), carried.imu)
    _add_drive(model, blimp)
    _add_drag(model, blimp)
    add_plugin(
        model, "OdometryPublisher",
        ("odom_frame", "odom"), ("robot_base_frame", "base_link"), ("dimensions", 3),
        ("odom_publish_frequency", _ODOMETRY_RATE), ("odom_topic", "ground_truth/odometry"),
        ("tf_topic", TF_TOPIC),
    )  # fmt: skip


def _gondola_height(blimp: BlimpParameters) -> float:
    """Of the gondola above ``base_link`` in m."""
    return blimp.range_finder_depth - blimp.gondola_depth


def _add_hull(model: Element, blimp: BlimpParameters) -> None:
    """Gas and skin around the hull's centre, where buoyancy and drag act."""
    a, b = blimp.half_length, blimp.radius
    hull = add_link(model, HULL, (0.0, 0.0, blimp.range_finder_depth))
    # Solid spheroid of gas (factor 1/5) inside a skin as thick as the hull is wide there (1/3).
    spread = blimp.gas_mass / 5.0 + blimp.skin_mass / 3.0
    lateral = spread * (a**2 + b**2)
    inertial = add_inertial(
        hull, blimp.gas_mass + blimp.skin_mass, (spread * 2.0 * b**2, lateral, lateral)
    )
    carried = (*blimp.added_mass, *blimp.added_inertia)
    axes = ("xx", "yy", "zz", "pp", "qq", "rr")
    add_values(add(inertial, "fluid_added_mass"), zip(axes, carried, strict=True))
    skin = Shape("hull", ellipsoid((a, b, b)), _ORANGE, solid=True)
    add_shapes(hull, [skin, *_fins(a, b)], sensors.UNSEEN)


def _fins(a: float, b: float) -> Iterator[Shape]:
    long, thin, wide = 0.44 * a, 0.016 * b, 0.84 * b
    for name, y, z in (("left", 1, 0), ("right", -1, 0), ("top", 0, 1), ("bottom", 0, -1)):
        size = box((long, wide, thin) if y else (long, thin, wide))
        yield Shape(f"fin_{name}", size, _BLUE, (-0.72 * a, 0.72 * b * y, 0.72 * b * z))


def _add_gondola(model: Element, blimp: BlimpParameters) -> Element:
    """Everything below the hull that does not turn, with the ballast that makes it neutral."""
    gondola = add_link(model, GONDOLA, (0.0, 0.0, _gondola_height(blimp)))
    mass = blimp.gondola_mass + blimp.trim_ballast - _SHAFT_MASS - 2 * _PROPELLER_MASS
    x, y, z = (side**2 for side in _GONDOLA_SIZE)
    add_inertial(gondola, mass, (mass / 12 * (y + z), mass / 12 * (x + z), mass / 12 * (x + y)))
    shell = Shape(GONDOLA, box(_GONDOLA_SIZE), _DARK, solid=True)
    add_shapes(gondola, [shell], sensors.UNSEEN)
    add_fixed_joint(model, f"{GONDOLA}_joint", HULL, GONDOLA)
    return gondola


def _add_drive(model: Element, blimp: BlimpParameters) -> None:
    """A shaft that tilts from up (0) over forward to down (pi), and a propeller at each end."""
    height = blimp.range_finder_depth - blimp.thruster_depth
    shaft = add_link(model, SHAFT, (0.0, 0.0, height))
    add_inertial(shaft, _SHAFT_MASS, _SHAFT_INERTIA)
    rod = cylinder(0.005, 2 * blimp.thruster_arm)
    rod_shape = Shape("rod", rod, _DARK, rotation=(math.pi / 2, 0.0, 0.0))
    add_shapes(shaft, [rod_shape], sensors.UNSEEN)
    add_hinge(model, f"{SHAFT}_joint", GONDOLA, SHAFT, (0.0, 1.0, 0.0), (0.0, math.pi))
    add_plugin(
        model, "JointPositionController",
        ("joint_name", f"{SHAFT}_joint"), ("use_velocity_commands", True),
        ("cmd_max", blimp.servo_rate),
    )  # fmt: skip
    for name, side in ((LEFT_PROPELLER, 1), (RIGHT_PROPELLER, -1)):
        propeller = add_link(model, name, (0.0, side * blimp.thruster_arm, height))
        add_inertial(propeller, _PROPELLER_MASS, _PROPELLER_INERTIA)
        disc = cylinder(_PROPELLER_DIAMETER / 2, 0.004)
        add_shapes(propeller, [Shape("disc", disc, _DARK, (0.0, 0.0, 0.022))], sensors.UNSEEN)
        add_hinge(model, f"{name}_joint", SHAFT, name, (0.0, 0.0, 1.0))
        add_plugin(
            model, "Thruster",
            ("namespace", BLIMP), ("joint_name", f"{name}_joint"),
            ("fluid_density", AIR_DENSITY), ("propeller_diameter", _PROPELLER_DIAMETER),
            ("thrust_coefficient", 0.1 * side), ("velocity_control", True),
            ("max_thrust_cmd", blimp.static_thrust(1.0)),
            ("min_thrust_cmd", blimp.static_thrust(-1.0)),
        )  # fmt: skip


def _add_drag(model: Element, blimp: BlimpParameters) -> None:
    """Linear and quadratic drag per axis; the system wants them negative (Fossen's signs)."""
    linear = (*blimp.linear_drag, *blimp.rotational_linear_drag)
    quadratic = (*blimp.quadratic_drag, *blimp.rotational_drag)
    axes = ("xU", "yV", "zW", "kP", "mQ", "nR")
    terms = [(axis, -value) for axis, value in zip(axes, linear, strict=True)]
    terms += [(f"{axis}abs{axis[1]}", -value) for axis, value in zip(axes, quadratic, strict=True)]
    add_plugin(
        model, "Hydrodynamics",
        ("link_name", HULL), ("disable_added_mass", True), ("disable_coriolis", True), *terms,
    )  # fmt: skip
