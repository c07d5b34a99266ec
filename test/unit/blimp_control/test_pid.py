"""The PID and the published closed-loop table it must reproduce."""

import math

import numpy as np
import pytest

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


# plant, gains, b, overshoot, |e| last 10 s at most, RMSE, mean |u|; cm and u
PUBLISHED = [
    ("A", 0.0, 0.00, (12, 12, 6, 6), 1, 11.2, 0.33),
    ("A", 0.0, -0.05, (-2, 26, -6, 22), 11, 16.0, 1.06),
    ("A", 0.75, 0.00, (28, 30, 16, 16), 2, 12.5, 0.39),
    ("A", 0.75, -0.05, (22, 32, 13, 20), 1, 12.5, 1.05),
    ("A", 0.75, -0.10, (26, 28, 18, 16), 1, 12.3, 2.43),
    ("B", 0.0, 0.00, (12, 12, 10, 10), 1, 11.5, 0.34),
    ("B", 0.0, -0.05, (2, 20, -4, 22), 15, 18.2, 1.43),
    ("B", 0.75, 0.00, (24, 26, 17, 19), 1.5, 11.6, 0.36),
    ("B", 0.75, -0.05, (27, 22, 18, 16), 0.5, 11.9, 1.46),
    ("B", 0.75, -0.10, (27, 19, 18, 12), 1, 11.9, 2.43),
]


@pytest.fixture(scope="module")
def flown():
    rows = {}
    for integral in (0.0, 0.75):
        for row in oracle_rows(None, PidGains(integral=integral), (0.0, -0.05, -0.10)):
            rows[row.plant, integral, row.buoyancy] = row
    return rows


@pytest.mark.parametrize("expected", PUBLISHED, ids=lambda row: f"{row[0]}-{row[1]}-{row[2]}")
def test_the_published_table_is_reproduced(flown, expected):
    plant, integral, buoyancy, overshoot, settled, rmse, command = expected
    row = flown[plant, integral, buoyancy]
    assert row.rmse == pytest.approx(rmse, rel=0.10)
    np.testing.assert_allclose(row.overshoot, overshoot, atol=4.0)
    assert max(row.settled_error) <= settled + 2.0
    assert row.mean_command == pytest.approx(command, rel=0.10)


def test_the_first_rate_is_zero_whatever_the_error():
    _, rate = error_rate(RateState(), 1.3, PERIOD, 2.5)
    assert rate == 0.0
    assert math.isnan(RateState().error)
