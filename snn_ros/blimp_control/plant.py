"""Vertical dynamics of the blimp, fitted to a published flight; the simulator compiles these.

``zdd = F - c |v - w| (v - w) + b`` with everything divided by the effective mass: thrust F with a
first-order lag behind its static value ``k duty^p``, quadratic drag c, vertical air speed w and
net buoyancy b.
"""

from __future__ import annotations

from typing import NamedTuple

SUBSTEP = 0.01  # s
SUBSTEPS_PER_TICK = 10
EFFECTIVE_MASS = 0.45  # kg, with gas and added mass: 4.5 g of ballast are -0.1 m/s2
GRAVITY = 9.81  # m/s2


class PlantParameters(NamedTuple):
    """One vertical plant, forces per effective mass.

    Attributes:
        thrust_gain: k, static acceleration at full duty in m/s2.
        thrust_exponent: p.
        thrust_lag: motor time constant in s.
        drag: c in 1/m.
        flip_time: time of a half turn of the shaft in s; there is no thrust meanwhile.
        dead_zone: command in u below which there is no thrust.
    """

    thrust_gain: float
    thrust_exponent: float
    thrust_lag: float
    drag: float
    flip_time: float = 0.3
    dead_zone: float = 0.3


PLANT_A = PlantParameters(0.816, 2.0, 0.03, 0.386)
PLANT_B = PlantParameters(2.56, 3.1, 0.45, 1.13)
PLANTS = {"A": PLANT_A, "B": PLANT_B}


def ballast_acceleration(grams: float) -> float:
    """Change of b in m/s2 when ``grams`` of ballast are added (negative: heavier sinks)."""
    return -grams / 1000.0 * GRAVITY / EFFECTIVE_MASS


def vertical_substep(
    thrust: float,
    velocity: float,
    altitude: float,
    static_thrust: float,
    buoyancy: float,
    air_speed: float,
    thrust_lag: float,
    drag: float,
) -> tuple[float, float, float]:
    """Semi-implicit Euler over ``SUBSTEP``: thrust lag, then velocity, then altitude.

    Args:
        thrust: lagged thrust in m/s2.
        velocity: in m/s, positive up.
        altitude: in m.
        static_thrust: signed thrust the motors settle at, in m/s2.
        buoyancy: b in m/s2.
        air_speed: vertical air speed in m/s.
        thrust_lag: in s.
        drag: in 1/m.

    Returns:
        Thrust, velocity and altitude after the step; the floor is at 0 m.
    """
    thrust += (static_thrust - thrust) * SUBSTEP / max(thrust_lag, SUBSTEP)
    relative = velocity - air_speed
    velocity += (thrust - drag * abs(relative) * relative + buoyancy) * SUBSTEP
    altitude += velocity * SUBSTEP
    if altitude < 0.0:
        return thrust, 0.0, 0.0
    return thrust, velocity, altitude
