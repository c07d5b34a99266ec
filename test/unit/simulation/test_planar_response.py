"""The simulated blimp turns and pushes the way its commands say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from snn_ros.simulation.blimp_world import BlimpWorld, StartPose
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters
from snn_ros.simulation.worlds.room import RoomParameters

REVERSIBLE = BlimpParameters(reversible=True)


def flown(left: float, right: float, tilt: float, blimp: BlimpParameters | None = None):
    """Velocity in body axes after 3 s."""
    world = BlimpWorld(blimp, RoomParameters(furniture=False), start=StartPose(altitude=1.0))
    world.step(left, right, tilt, 3.0)
    return world.velocity


def test_a_shaft_to_the_front_pushes_forward() -> None:
    forward, sideways, _, _, _, turn = flown(0.3, 0.3, math.pi / 2)
    assert forward > 0.05
    assert abs(sideways) < 1e-6
    assert abs(turn) < 1e-6


@pytest.mark.parametrize(("left", "right", "sign"), [(0.1, 0.3, 1.0), (0.3, 0.1, -1.0)])
def test_more_thrust_on_the_right_turns_left(left: float, right: float, sign: float) -> None:
    assert flown(left, right, math.pi / 2)[5] * sign > 0.02
    assert abs(flown(left, right, 0.0)[5]) < 0.01  # no yaw authority with the shaft upright


def test_motors_reverse_only_where_they_can() -> None:
    np.testing.assert_array_equal(flown(-0.3, -0.3, math.pi / 2)[:2], (0.0, 0.0))
    assert flown(-0.3, -0.3, math.pi / 2, REVERSIBLE)[0] < -0.05
    forward, *_, turn = flown(-0.3, 0.3, math.pi / 2, REVERSIBLE)
    assert turn > 0.1
    assert abs(forward) < 0.01


def test_reversed_thrust_is_the_negative_of_forward_thrust() -> None:
    weak = replace(REVERSIBLE, battery=0.8)
    assert weak.static_thrust(-0.6) == -weak.static_thrust(0.6)
    assert BlimpParameters().static_thrust(-0.6) == 0.0
