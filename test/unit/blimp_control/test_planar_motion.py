"""Velocity commands to forces: proof of life, heading hold, one axis at a time."""

import math

import pytest

from snn_ros.blimp_control.allocation import ThrusterConfig
from snn_ros.blimp_control.heads import SURGE, YAW, Head
from snn_ros.blimp_control.planar_motion import PlanarConfig, PlanarDemand, PlanarMotion

TICK = 0.1


def motion(**settings):
    """With the conventional heads, whose answers are known in closed form."""
    return PlanarMotion(
        *(Head.from_weights(axis, "pid") for axis in (YAW, SURGE)), PlanarConfig(**settings)
    )


class Flown:
    """A motion that is told everything in every tick; what is None stays silent."""

    def __init__(self, planar):
        self.planar, self.now = planar, 10.0
        self.velocity, self.attitude, self.speed = (0.2, 0.0), (0.0, 0.0, 0.0), 0.0

    def tick(self):
        self.now += TICK
        if self.velocity is not None:
            assert self.planar.set_velocity(*self.velocity, self.now) is None
        if self.attitude is not None:
            self.planar.add_attitude(*self.attitude, self.now)
        if self.speed is not None:
            self.planar.add_speed(self.speed, self.now)
        return self.planar.tick(self.now, TICK)


def test_nothing_flies_before_the_first_velocity():
    flown = Flown(motion())
    flown.velocity = None
    assert flown.tick() == PlanarDemand()


def test_forces_are_the_heads_commands_in_newtons():
    flown = Flown(motion(surge_force=0.1, yaw_torque=0.01))
    flown.velocity, flown.attitude = (0.2, 0.0), (0.0, 0.05, 0.0)
    demand = flown.tick()
    assert demand.u_surge == pytest.approx(SURGE.command(0.2, 0.0))
    assert demand.surge == pytest.approx(0.01 * demand.u_surge)
    assert demand.u_yaw == pytest.approx(YAW.command(0.0, -0.05))
    assert demand.yaw == pytest.approx(0.001 * demand.u_yaw)
    assert demand.speed_error == pytest.approx(0.2)


def test_a_stale_velocity_stops_both_axes_and_a_fresh_one_starts_from_the_heading_of_then():
    flown = Flown(motion())
    flown.velocity = (0.2, 0.3)
    flown.tick()
    flown.velocity, flown.attitude = None, (1.0, 0.0, 0.0)
    active = [flown.tick().active for _ in range(7)]
    assert active == [True] * 5 + [False] * 2
    flown.velocity = (0.2, 0.0)
    assert flown.tick().heading_error == 0.0


@pytest.mark.parametrize("silent", ["attitude", "speed"])
def test_an_axis_rests_without_its_measurement_and_the_other_goes_on(silent):
    flown = Flown(motion())
    flown.velocity = (0.3, 0.3)
    flown.tick()
    setattr(flown, silent, None)
    demand = [flown.tick() for _ in range(4)][-1]
    assert demand.active
    assert (demand.u_yaw == 0.0) == (silent == "attitude")
    assert (demand.u_surge == 0.0) == (silent == "speed")


def test_the_heading_asked_for_moves_with_the_yaw_rate_and_waits_for_the_blimp():
    flown = Flown(motion(heading_lead=0.6))
    flown.velocity = (0.0, 0.2)
    errors = [flown.tick().heading_error for _ in range(100)]
    assert errors[:3] == pytest.approx([0.02, 0.04, 0.06])
    assert max(errors) == pytest.approx(0.6)
    flown.velocity = (0.0, 0.0)
    assert flown.tick().heading_error == pytest.approx(0.6)  # zero holds, it does not give up


def test_a_heading_error_is_the_short_way_round():
    flown = Flown(motion())
    flown.velocity, flown.attitude = (0.0, 0.2), (math.pi - 0.01, 0.0, 0.0)
    flown.tick()
    flown.attitude = (-math.pi + 0.02, 0.0, 0.0)
    demand = flown.tick()
    # asked for: pi - 0.01 + 2 * 0.02 = -pi + 0.03
    assert demand.heading_error == pytest.approx(0.01)


def test_commands_are_limited_and_only_reversible_motors_fly_backwards():
    fast = Flown(motion(max_speed=0.5))
    fast.velocity = (3.0, 0.0)
    assert fast.tick().speed_error == pytest.approx(0.5)
    fast.velocity = (-0.2, 0.0)
    assert fast.tick().speed_error == 0.0
    back = Flown(motion(thrusters=ThrusterConfig(reversible=True)))
    back.velocity = (-0.2, 0.0)
    assert back.tick().surge < 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_velocity_that_is_no_number_is_rejected_and_is_no_proof_of_life(bad):
    planar = motion()
    assert "velocity" in planar.set_velocity(bad, 0.0, 1.0)
    assert "velocity" in planar.set_velocity(0.0, bad, 1.0)
    assert not planar.tick(1.0, TICK).active


def test_after_a_clock_jump_back_everything_is_stale():
    flown = Flown(motion())
    flown.tick()
    assert not flown.planar.tick(flown.now - 5.0, TICK).active


def test_small_commands_do_not_tilt_the_shaft():
    flown = Flown(motion(dead_zone=0.3))
    flown.velocity, flown.attitude = (0.005, 0.0), (0.0, 0.01, 0.0)
    demand = flown.tick()
    assert 0.0 < abs(demand.u_surge) < 0.3
    assert 0.0 < abs(demand.u_yaw) < 0.3
    assert demand.surge == demand.yaw == 0.0


def test_pitch_damping_pushes_against_the_swing():
    nodding = (0.0, 0.0, 0.2)
    demands = []
    for gain in (0.0, 0.1):
        flown = Flown(motion(pitch_damping=gain))
        flown.velocity, flown.attitude = (0.0, 0.0), nodding
        demands.append(flown.tick())
    # Forward thrust below the hull's centre turns the nose up, against a nose-down rate.
    assert demands[1].surge - demands[0].surge == pytest.approx(0.02)
