"""Two thrusters with a servo each: inverse of the mixer, clamps, quiet servos."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.blimp_control.bicopter import (
    BicopterConfig,
    BicopterRequest,
    SideThrust,
    allocate_sides,
    mixed_sides,
)

CONFIG = BicopterConfig(least_move=0.0)
REST = (SideThrust(), SideThrust())

anything = st.builds(
    BicopterRequest, *(st.floats(-3.0, 3.0) for _ in range(2)), *(st.floats(-1, 1) for _ in "KN")
)


@given(
    surge=st.floats(-1.0, 1.0),
    vertical=st.floats(-0.7, 0.7),
    roll=st.floats(-0.05, 0.05),
    yaw=st.floats(-0.1, 0.1),
)
def test_a_feasible_request_comes_back_from_the_mixer(surge, vertical, roll, yaw):
    request = BicopterRequest(surge, vertical, roll, yaw)
    found = allocate_sides(request, REST, CONFIG)
    assert mixed_sides(*found, CONFIG.arm) == pytest.approx(request, abs=1e-9)


@given(request=anything)
def test_thrusts_and_clamps_hold(request):
    sides = allocate_sides(request, REST, CONFIG)
    assert all(0.0 <= side.thrust <= 1.0 for side in sides)
    found = mixed_sides(*sides, CONFIG.arm)
    assert abs(found.surge) <= 2.0
    within = allocate_sides(
        request._replace(
            surge=max(-1.0, min(request.surge, 1.0)), yaw=max(-0.1, min(request.yaw, 0.1))
        ),
        REST,
        CONFIG,
    )
    assert sides == within


def test_small_servo_moves_are_left_out():
    config = BicopterConfig(least_move=5.0)
    before = (SideThrust(0.5, 0.1), SideThrust(0.5, 0.1))
    near = BicopterRequest(surge=math.sin(0.15), vertical=math.cos(0.15))
    assert [side.tilt for side in allocate_sides(near, before, config)] == [0.1, 0.1]
    far = BicopterRequest(surge=math.sin(0.3), vertical=math.cos(0.3))
    assert [side.tilt for side in allocate_sides(far, before, config)] == pytest.approx([0.3, 0.3])


def test_motors_off_leave_the_servos_where_they_are():
    before = (SideThrust(0.5, 0.4), SideThrust(0.5, -0.2))
    assert allocate_sides(BicopterRequest(), before, CONFIG) == (
        SideThrust(0.0, 0.4),
        SideThrust(0.0, -0.2),
    )
