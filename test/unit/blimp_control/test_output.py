"""Output chain and PWM map: properties that hold for every command."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.blimp_control.motors import pwm_duty, tilt_angle
from snn_ros.blimp_control.safety import (
    COMPENSATE,
    GovernorState,
    OutputChain,
    OutputLimits,
    compensated,
    governed,
    rate_limited,
)

PERIOD = 0.1
commands = st.floats(-12.0, 12.0)
anything = st.floats(allow_nan=True, allow_infinity=True)


def test_pwm_map_has_31_levels_and_a_dead_zone():
    levels = sorted({pwm_duty(0.01 * step) for step in range(1200)} - {0.0})
    assert (len(levels), levels[0], levels[-1]) == (31, 9 / 45, 39 / 45)
    assert pwm_duty(0.29) == 0.0
    assert pwm_duty(-0.3) == 9 / 45
    assert pwm_duty(50.0) == pwm_duty(10.0)


def test_tilt_knows_up_and_down():
    assert (tilt_angle(1.0), tilt_angle(-1.0)) == (0.0, math.pi)


def test_rate_limit_steps():
    assert rate_limited(0.0, 10.0, PERIOD, 20.0, 60.0) == 2.0
    assert rate_limited(5.0, 1.0, PERIOD, 20.0, 60.0) == 1.0
    assert rate_limited(8.0, -8.0, PERIOD, 20.0, 60.0) == 2.0
    # 5 to 0 takes 5/60 s, what remains of the tick goes away from zero at 20 u/s
    assert rate_limited(5.0, -8.0, PERIOD, 20.0, 60.0) == pytest.approx(-20.0 * (0.1 - 5 / 60))


@given(commands, commands)
def test_rate_limit_stays_between_and_within_its_rates(previous, wanted):
    limited = rate_limited(previous, wanted, PERIOD, 20.0, 60.0)
    assert min(previous, wanted) - 1e-9 <= limited <= max(previous, wanted) + 1e-9
    assert abs(limited) - abs(previous) <= 2.0 + 1e-9
    assert abs(limited - previous) <= 6.0 + 1e-9


@given(st.lists(commands, min_size=1, max_size=100))
def test_the_shaft_turns_at_most_once_per_interval_and_pushes_nothing_meanwhile(wanted):
    state, since = GovernorState(), math.inf
    for command in wanted:
        before = state.direction
        state, allowed = governed(state, command, PERIOD, 0.3, 0.3, 0.6)
        since += PERIOD
        if state.direction != before:
            assert since >= 0.6 - 1e-9
            since = 0.0
        if since < 0.3 - 1e-9:
            assert allowed == 0.0
        assert allowed in (0.0, command)
        assert allowed * state.direction >= 0.0


def test_compensation_has_hysteresis():
    assert compensated(0.10, False, 0.3, 0.15) == 0.0
    assert compensated(0.10, True, 0.3, 0.15) == pytest.approx(0.4)
    assert compensated(-0.15, False, 0.3, 0.15) == pytest.approx(-0.45)
    assert compensated(0.05, True, 0.3, 0.15) == 0.0


@given(st.lists(anything, min_size=1, max_size=60), st.sampled_from(["passthrough", COMPENSATE]))
def test_whatever_comes_in_a_sane_command_goes_out(wanted, policy):
    chain = OutputChain(OutputLimits(dead_zone_policy=policy))
    for command in wanted:
        output = chain.apply(command, PERIOD)
        assert math.isfinite(output.command)
        assert abs(output.command) <= 10.0
        assert output.direction in (-1.0, 1.0)
        assert output.command * output.direction >= 0.0
        assert output.finite == math.isfinite(command)
        assert 0.0 <= pwm_duty(output.command) <= 39 / 45


def test_clipping_is_reported():
    chain = OutputChain()
    assert not chain.apply(10.0, PERIOD).saturated
    assert chain.apply(10.1, PERIOD).saturated


def test_reset_keeps_the_shaft_where_it_is():
    chain = OutputChain()
    for _ in range(20):
        chain.apply(-5.0, PERIOD)
    chain.reset()
    assert chain.direction == -1.0
    assert chain.apply(-5.0, PERIOD).command == -2.0  # from zero again, and no flip to wait for
