"""No thrust without fresh, sane commands."""

import math

import pytest

from snn_ros.blimp_control import MotorWatchdog


def test_zero_thrust_before_the_first_command():
    watchdog = MotorWatchdog()
    assert watchdog.expired(0.0)
    assert (watchdog.tick(0.0).thrust_left, watchdog.tick(0.0).fault) == (0.0, "no command yet")


def test_commands_pass_while_they_are_fresh():
    watchdog = MotorWatchdog()
    applied = watchdog.accept(0.4, 0.5, math.pi, 10.0)
    assert (applied.thrust_left, applied.thrust_right, applied.tilt) == (0.4, 0.5, math.pi)
    assert watchdog.tick(10.29) == applied


def test_thrust_stops_after_the_timeout_and_comes_back():
    watchdog = MotorWatchdog()
    watchdog.accept(0.4, 0.4, math.pi, 10.0)
    stopped = watchdog.tick(10.31)
    assert (stopped.thrust_left, stopped.thrust_right) == (0.0, 0.0)
    assert stopped.tilt == math.pi  # the shaft stays where it is
    assert "0.3 s" in stopped.fault
    assert watchdog.accept(0.2, 0.2, 0.0, 20.0).thrust_left == 0.2
    assert watchdog.tick(20.1).fault is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_command_that_is_no_number_is_not_a_sign_of_life(bad):
    watchdog = MotorWatchdog()
    watchdog.accept(0.4, 0.4, 0.0, 0.0)
    assert watchdog.accept(bad, 0.1, 0.0, 0.2).thrust_left == 0.4
    assert watchdog.accept(0.1, 0.1, bad, 0.31).thrust_left == 0.0


def test_thrust_is_clamped():
    applied = MotorWatchdog().accept(1.7, -0.3, 0.0, 0.0)
    assert (applied.thrust_left, applied.thrust_right) == (1.0, 0.0)


def test_a_clock_that_jumps_back_stops_the_motors():
    watchdog = MotorWatchdog()
    watchdog.accept(0.4, 0.4, 0.0, 100.0)
    assert watchdog.tick(95.0).thrust_left == 0.0
    assert watchdog.accept(0.4, 0.4, 0.0, 95.1).thrust_left == 0.4


def test_reset_waits_for_a_new_command():
    watchdog = MotorWatchdog()
    watchdog.accept(0.4, 0.4, 0.0, 0.0)
    watchdog.reset()
    assert watchdog.expired(0.05)
    assert watchdog.tick(0.05).thrust_left == 0.0


@pytest.mark.parametrize(("reversible", "applied"), [(False, 0.0), (True, -0.4)])
def test_negative_duties_pass_only_where_motors_reverse(reversible, applied):
    watchdog = MotorWatchdog(reversible=reversible)
    assert watchdog.accept(-0.4, 0.4, 1.0, 0.0).thrust_left == applied
    assert watchdog.accept(-2.0, 0.4, 1.0, 0.0).thrust_left == (-1.0 if reversible else 0.0)
