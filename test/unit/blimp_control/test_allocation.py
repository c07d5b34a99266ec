"""Forces to motors: inverse of the mixer, limits, and what is given up first."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from snn_ros.blimp_control.allocation import (
    ForceRequest,
    Thrust,
    ThrusterConfig,
    allocate,
    mixed,
    turned,
)

CONFIG = ThrusterConfig()
REVERSIBLE = ThrusterConfig(reversible=True)
LIMIT = 2.0 * CONFIG.max_thrust
LEAST = math.radians(CONFIG.least_tilt)
AMPLE = 10.0  # s, in which the servo reaches any angle
EPSILON = 1e-9

forces = st.floats(-2.0, 2.0)
torques = st.floats(-0.2, 0.2)
requests = st.builds(ForceRequest, forces, forces, torques)
angles = st.floats(0.0, math.pi)
configs = st.sampled_from([CONFIG, REVERSIBLE])


def at_once(request, config=CONFIG):
    return allocate(request, 0.5, AMPLE, config, 0.5)


@given(request=requests, tilt=angles, period=st.floats(0.01, 0.5), config=configs)
def test_thrusts_and_tilt_stay_within_what_the_hardware_does(request, tilt, period, config):
    thrust = allocate(request, tilt, period, config, tilt)
    lowest = -config.max_thrust if config.reversible else 0.0
    for motor in (thrust.left, thrust.right):
        assert lowest - EPSILON <= motor <= config.max_thrust + EPSILON
    assert -EPSILON <= thrust.tilt <= math.pi + EPSILON
    assert abs(thrust.tilt - tilt) <= math.radians(config.servo_rate) * period + EPSILON


@given(request=requests, config=configs)
def test_the_vertical_force_is_kept_whatever_else_is_asked_for(request, config):
    given_force = mixed(at_once(request, config), CONFIG.arm)
    wanted = max(-LIMIT, min(request.vertical, LIMIT))
    assert given_force.vertical == pytest.approx(wanted, abs=1e-6)


@given(
    left=st.floats(0.0, CONFIG.max_thrust),
    right=st.floats(0.0, CONFIG.max_thrust),
    tilt=st.floats(LEAST + 1e-6, math.pi - LEAST - 1e-6),
)
def test_a_feasible_request_comes_back_from_the_mixer(left, right, tilt):
    assume(left + right > 1e-3)
    request = mixed(Thrust(left, right, tilt), CONFIG.arm)
    found = at_once(request)
    assert mixed(found, CONFIG.arm) == pytest.approx(request, abs=1e-6)
    assert found == pytest.approx((left, right, tilt), abs=1e-4)


@given(request=requests, share=st.floats(0.0, 1.0), config=configs)
def test_yaw_goes_before_surge_and_neither_overshoots(request, share, config):
    assume(request.yaw != 0.0)
    found = mixed(at_once(request, config), CONFIG.arm)
    assert found.yaw * request.yaw >= 0.0
    assert abs(found.yaw) <= abs(request.yaw) + EPSILON
    # Less surge asked for never costs yaw: surge is what is given up first.
    calmer = mixed(at_once(request._replace(surge=share * request.surge), config), CONFIG.arm)
    assert calmer.yaw == pytest.approx(found.yaw, abs=1e-6)


@given(
    size=st.floats(0.01, 0.9 * LIMIT),
    up=st.sampled_from([-1.0, 1.0]),
    sign=st.sampled_from([-1.0, 1.0]),
)
def test_yaw_leans_the_shaft_by_the_least_angle(size, up, sign):
    found = at_once(ForceRequest(0.0, up * size, sign * 1e-4))
    assert min(found.tilt, math.pi - found.tilt) == pytest.approx(LEAST, abs=1e-6)
    assert (found.right - found.left) * sign > 0.0


def test_straight_up_and_down_are_the_two_ends_of_the_shaft():
    assert at_once(ForceRequest(0.0, 0.1)) == pytest.approx((0.05, 0.05, 0.0))
    assert at_once(ForceRequest(0.0, -0.1)) == pytest.approx((0.05, 0.05, math.pi))
    assert at_once(ForceRequest(0.1)) == pytest.approx((0.05, 0.05, math.pi / 2))


@given(
    left=st.floats(-CONFIG.max_thrust, CONFIG.max_thrust),
    right=st.floats(-CONFIG.max_thrust, CONFIG.max_thrust),
    tilt=st.floats(math.pi / 4 + 1e-6, 3 * math.pi / 4 - 1e-6),
)
def test_reversible_motors_give_whatever_their_mixer_gives(left, right, tilt):
    assume(abs(left + right) > 1e-3)
    request = mixed(Thrust(left, right, tilt), CONFIG.arm)
    assert mixed(at_once(request, REVERSIBLE), CONFIG.arm) == pytest.approx(request, abs=1e-6)


def test_reversible_motors_turn_on_the_spot():
    found = at_once(ForceRequest(yaw=0.006), REVERSIBLE)
    assert found == pytest.approx((-0.025, 0.025, math.pi / 2))


@pytest.mark.parametrize("vertical", [0.1, -0.1, 0.0, -0.0])
def test_a_negative_zero_is_no_backward_force(vertical):
    assert at_once(ForceRequest(-0.0, vertical)) == at_once(ForceRequest(0.0, vertical))


def test_turning_with_motors_that_push_costs_forward_thrust():
    found = at_once(ForceRequest(yaw=0.006))
    assert found == pytest.approx((0.0, 0.05, math.pi / 2))
    assert mixed(found, CONFIG.arm).surge == pytest.approx(0.05)


def test_backwards_is_dropped_or_flown_with_reversed_motors():
    back = ForceRequest(-0.1, 0.02, 0.003)
    assert mixed(at_once(back), CONFIG.arm).surge <= 0.003 / CONFIG.arm + EPSILON
    assert mixed(at_once(back, REVERSIBLE), CONFIG.arm) == pytest.approx(back)
    mostly_up = ForceRequest(-0.01, 0.1)
    assert mixed(at_once(mostly_up, REVERSIBLE), CONFIG.arm) == pytest.approx((0.0, 0.1, 0.0))


@given(request=requests, tilt=angles)
def test_a_servo_on_its_way_pushes_up_no_more_than_asked_and_never_the_wrong_way(request, tilt):
    found = mixed(allocate(request, tilt, 0.1, CONFIG, tilt), CONFIG.arm)
    wanted = max(-LIMIT, min(request.vertical, LIMIT))
    if wanted:
        assert found.vertical * wanted >= -EPSILON
    assert abs(found.vertical) <= abs(wanted) + 1e-6


def test_without_a_request_the_shaft_goes_to_rest_with_the_motors_off():
    found = allocate(ForceRequest(), 1.0, 0.1, CONFIG, 0.0)
    assert found == (0.0, 0.0, turned(1.0, 0.0, 0.1, CONFIG))
    assert found.tilt == 0.0


@given(force=st.floats(-CONFIG.max_thrust, CONFIG.max_thrust))
def test_duty_is_the_inverse_of_force(force):
    assert CONFIG.force(CONFIG.duty(force)) == pytest.approx(force, abs=1e-12)
