"""Forces of the air on a hull that moves through it, in hull axes at its centre.

Plain floats instead of arrays: three numbers at a time are several times faster so.
"""

from __future__ import annotations

from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters, Vector


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _times(a: Vector, b: Vector) -> Vector:
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])


def _drag(velocity: Vector, linear: Vector, quadratic: Vector) -> Vector:
    x, y, z = velocity
    return (
        -(linear[0] + quadratic[0] * abs(x)) * x,
        -(linear[1] + quadratic[1] * abs(y)) * y,
        -(linear[2] + quadratic[2] * abs(z)) * z,
    )


def drag(parameters: BlimpParameters, velocity: Vector, rate: Vector) -> tuple[Vector, Vector]:
    """Linear and quadratic drag, axis by axis.

    Args:
        parameters: the blimp.
        velocity: of the hull's centre through the air, in m/s.
        rate: angular velocity in rad/s.

    Returns:
        Force in N and torque in N m.
    """
    return (
        _drag(velocity, parameters.linear_drag, parameters.quadratic_drag),
        _drag(rate, parameters.rotational_linear_drag, parameters.rotational_drag),
    )


def added_mass_coupling(
    parameters: BlimpParameters, velocity: Vector, rate: Vector
) -> tuple[Vector, Vector]:
    """What Kirchhoff's equations add for a body whose added mass differs from axis to axis.

    With P = A v the momentum of the air and L = J w its angular momentum, the air pushes with
    -(w x P - A (w x v)) and turns with -(w x L) - v x P (the last is Munk's moment, which turns a
    hull broadside on). The terms in the accelerations are not here: A and J are part of the mass
    matrix. The force lacks ``A (w x v)`` because accelerations are those of the world frame.

    Args:
        parameters: the blimp.
        velocity: of the hull's centre through the air, in m/s.
        rate: angular velocity in rad/s.

    Returns:
        Force in N and torque in N m.
    """
    momentum = _times(parameters.added_mass, velocity)
    turned = _cross(rate, momentum)
    carried = _times(parameters.added_mass, _cross(rate, velocity))
    spin = _cross(rate, _times(parameters.added_inertia, rate))
    munk = _cross(velocity, momentum)
    return (
        (carried[0] - turned[0], carried[1] - turned[1], carried[2] - turned[2]),
        (-spin[0] - munk[0], -spin[1] - munk[1], -spin[2] - munk[2]),
    )
