"""The PID and the published closed-loop table it must reproduce."""

import math

import numpy as np
import pytest
from support.blimp_oracle import PUBLISHED, differences

from snn_ros.blimp_control.evaluation import oracle_rows
from snn_ros.blimp_control.pid import AltitudePid, PidGains, RateState, error_rate, pid_terms

PERIOD = 0.1


def rates(errors, period=PERIOD):
    state, found = RateState(), []
    for error in errors:
        state, rate = error_rate(state, error, period, 2.5)
        found.append(rate)
    return found


def test_the_rate_of_a_ramp_is_its_slope_after_three_ticks():
    found = rates([0.02 * tick for tick in range(6)])
    np.testing.assert_allclose(found, [0.0, 0.2 / 3, 0.4 / 3, 0.2, 0.2, 0.2])


def test_a_setpoint_step_leaves_no_kick():
    assert rates([0.0, 0.0, 1.0, 1.0, 1.0, 1.0]) == [0.0] * 6
    assert max(rates([0.0, 0.0, 0.24, 0.24])) == pytest.approx(0.8)  # 2.4 m/s still counts


def test_terms_and_integral_are_those_of_the_formula():
    integral = 0.0
    for _ in range(20):
        integral, u_pd, u_i = pid_terms(integral, 0.2, 0.1, PERIOD, PidGains())
    assert u_pd == pytest.approx(9 * 0.2 + 14 * 0.1)
    assert u_i == pytest.approx(0.75 * 0.2 * 2.0)


def test_the_integral_is_clamped_and_conditional_integration_stops_it_earlier():
    free, held = 0.0, 0.0
    for _ in range(2000):
        free, *_ = pid_terms(free, 1.5, 0.0, PERIOD, PidGains())
        held, *_ = pid_terms(held, 1.5, 0.0, PERIOD, PidGains(conditional=True))
    assert (free, held) == (10.0, 0.0)
    held, *_ = pid_terms(held, -0.1, 0.0, PERIOD, PidGains(conditional=True))
    assert held == pytest.approx(-0.01)


def test_reset_goes_on_from_a_given_i_term():
    pid = AltitudePid(PidGains())
    pid.reset(1.5)
    assert pid.step(0.0, 0.0, PERIOD) == (0.0, pytest.approx(1.5))


@pytest.fixture(scope="module")
def flown():
    gains = {"PD": PidGains(integral=0.0), "PID": PidGains()}
    rows = [
        row
        for name, pid_gains in gains.items()
        for row in oracle_rows(None, pid_gains, (0.0, -0.05, -0.10), name)
    ]
    return {(row.plant, row.controller, row.buoyancy): row for row in rows}


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: "-".join(map(str, case)))
def test_the_published_table_is_reproduced(flown, case):
    assert differences(flown[case]) == []


def test_the_first_rate_is_zero_whatever_the_error():
    _, rate = error_rate(RateState(), 1.3, PERIOD, 2.5)
    assert rate == 0.0
    assert math.isnan(RateState().error)
