"""Thrust curve, motor lag, servo and the moments of two motors on a tilting shaft."""

import math
from dataclasses import replace

import pytest

from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters
from snn_ros.simulation.vehicles.thrusters import TiltingThrusters

PERIOD = 0.01
BLIMP = BlimpParameters()


def settled(left: float, right: float, tilt: float, blimp: BlimpParameters = BLIMP) -> tuple:
    thrusters = TiltingThrusters(blimp)
    for _ in range(1000):
        thrusters.step(left, right, tilt, PERIOD)
    return thrusters.wrench()


@pytest.mark.parametrize(("plant", "full", "at_half"), [("A", 0.816, 0.25), ("B", 2.56, 0.5**3.1)])
def test_thrust_curve_of_the_fitted_plants(plant: str, full: float, at_half: float) -> None:
    blimp = replace(BLIMP, plant=plant)
    force, _ = settled(1.0, 1.0, 0.0, blimp)
    assert force[2] / blimp.effective_mass == pytest.approx(full)
    assert settled(0.5, 0.5, 0.0, blimp)[0][2] == pytest.approx(at_half * force[2])


def test_duty_is_limited_and_a_weak_battery_scales_thrust() -> None:
    assert settled(3.0, -1.0, 0.0)[0][2] == pytest.approx(BLIMP.static_thrust(1.0))
    weak = replace(BLIMP, battery=0.7)
    assert weak.static_thrust(0.6) == pytest.approx(0.7 * BLIMP.static_thrust(0.6))


def test_motor_lag_is_first_order() -> None:
    blimp = replace(BLIMP, plant="B")
    thrusters = TiltingThrusters(blimp)
    for _ in range(45):  # one time constant
        thrusters.step(1.0, 1.0, 0.0, PERIOD)
    share = thrusters.wrench()[0][2] / (2 * blimp.static_thrust(1.0))
    assert share == pytest.approx(1 - math.exp(-1))


def test_moments_of_arms_and_height() -> None:
    left, right, tilt = 0.8, 0.5, 1.1
    force, torque = settled(left, right, tilt)
    thrust_left, thrust_right = BLIMP.static_thrust(left), BLIMP.static_thrust(right)
    total, difference = thrust_left + thrust_right, thrust_left - thrust_right
    arm, depth = BLIMP.thruster_arm, BLIMP.thruster_depth
    assert force == pytest.approx((total * math.sin(tilt), 0.0, total * math.cos(tilt)))
    assert torque == pytest.approx(
        (difference * arm * math.cos(tilt), -depth * force[0], -difference * arm * math.sin(tilt))
    )


@pytest.mark.parametrize("tilt", [0.0, math.pi])
def test_no_yaw_authority_with_the_shaft_up_or_down(tilt: float) -> None:
    _, torque = settled(1.0, 0.2, tilt)
    assert torque[2] == pytest.approx(0.0, abs=1e-12)


def test_a_flip_takes_its_time_without_static_thrust() -> None:
    thrusters = TiltingThrusters(BLIMP)
    for _ in range(100):
        thrusters.step(1.0, 1.0, 0.0, PERIOD)
    upward = []
    for _ in range(60):
        thrusters.step(1.0, 1.0, math.pi, PERIOD)
        upward.append(thrusters.wrench()[0][2])
    during, after = upward[:30], upward[30:]
    assert min(during) >= 0.0
    assert during == sorted(during, reverse=True)
    assert thrusters.tilt == pytest.approx(math.pi)
    assert after[0] < 0.0
    assert after[-1] == pytest.approx(-2 * BLIMP.static_thrust(1.0), rel=1e-3)


def test_a_small_turn_keeps_the_thrust() -> None:
    thrusters = TiltingThrusters(BLIMP)
    for _ in range(200):
        thrusters.step(0.5, 0.5, 0.0, PERIOD)
    for _ in range(5):
        thrusters.step(0.5, 0.5, 1.0, PERIOD)
        force, _ = thrusters.wrench()
        assert math.hypot(force[0], force[2]) > 0.95 * 2 * BLIMP.static_thrust(0.5)
