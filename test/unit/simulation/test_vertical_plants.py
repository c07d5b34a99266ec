"""With the shaft up or down the blimp moves as the fitted vertical plants of the specification."""

import math
from dataclasses import replace

import numpy as np
import pytest

from snn_ros.simulation.blimp_world import BlimpWorld, StartPose
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters

# spec 5.2: gain in m/s2, exponent, lag in s, drag in 1/m; all per effective mass
PLANTS = {"A": (0.816, 2.0, 0.03, 0.386), "B": (2.56, 3.1, 0.45, 1.13)}
SUBSTEP = 0.01
FLIP = 0.3
EFFECTIVE_MASS = 0.45  # kg


def duty_of(u: float) -> float:
    return 0.0 if abs(u) < 0.3 else math.floor(9 + 3 * min(abs(u), 10.0)) / 45


def vertical_plant(name: str, commands: np.ndarray, grams: float, start: float) -> list[float]:
    """Altitudes at the end of each 0.1 s tick: lag, velocity, altitude, semi-implicit Euler."""
    k, p, lag, drag = PLANTS[name]
    mass = EFFECTIVE_MASS + grams * 1e-3
    b = -grams * 1e-3 * 9.81 / mass
    k, drag = k * EFFECTIVE_MASS / mass, drag * EFFECTIVE_MASS / mass  # fitted without ballast
    force = velocity = flip = 0.0
    direction, altitude, altitudes = 1.0, start, []
    for u in commands:
        duty = duty_of(u)
        if duty and math.copysign(1.0, u) != direction:
            direction, flip = math.copysign(1.0, u), FLIP
        for _ in range(10):
            static = 0.0 if flip > 1e-9 else direction * k * duty**p
            flip -= SUBSTEP
            force += (static - force) * SUBSTEP / lag
            velocity += (force - drag * abs(velocity) * velocity + b) * SUBSTEP
            altitude += velocity * SUBSTEP
        altitudes.append(altitude)
    return altitudes


def simulated(name: str, commands: np.ndarray, grams: float, start: float) -> list[float]:
    world = BlimpWorld(replace(BlimpParameters(), plant=name), start=StartPose(altitude=start))
    world.set_ballast(grams)
    tilt, altitudes = 0.0, []
    for u in commands:
        duty = duty_of(u)
        if duty:
            tilt = 0.0 if u > 0 else math.pi
        world.step(duty, duty, tilt, 0.1)
        altitudes.append(world.altitude)
    assert not world.contacts
    return altitudes


@pytest.mark.parametrize("name", ["A", "B"])
@pytest.mark.parametrize("grams", [0.0, 2.0])
def test_altitude_within_two_centimetres_over_a_minute(name: str, grams: float) -> None:
    """Commands of a PD controller on the plain plant, with both signs, flips and dead zone."""
    setpoints = np.repeat([1.4, 0.7, 1.2, 0.6, 1.0, 1.0], 100)
    commands: list[float] = []
    previous = 1.0
    for setpoint in setpoints:
        altitude = vertical_plant(name, np.array(commands), grams, 1.0)[-1] if commands else 1.0
        speed = (altitude - previous) / 0.1
        previous = altitude
        trim = 1.5 if grams else 0.0
        commands.append(float(np.clip(9 * (setpoint - altitude) - 14 * speed + trim, -10, 10)))
    expected = np.array(vertical_plant(name, np.array(commands), grams, 1.0))
    actual = np.array(simulated(name, np.array(commands), grams, 1.0))
    assert np.ptp(expected) > 0.5
    assert np.abs(actual - expected).max() < 0.02
