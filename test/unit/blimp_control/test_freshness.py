"""States and their times."""

import math

import pytest

from snn_ros.blimp_control.freshness import (
    DEGRADED,
    FAILSAFE,
    HOLD,
    OFF,
    RUNNING,
    STARTING,
    Freshness,
    FreshnessConfig,
)


def airborne():
    freshness = Freshness()
    freshness.activate(0.0)
    freshness.update(0.0, 0.0, 5)
    freshness.update(1.0, 0.0, 50)
    return freshness


def test_off_until_activated():
    freshness = Freshness()
    assert freshness.update(5.0, 0.0, 100) == OFF
    assert freshness.ramp(5.0) == 0.0


def test_starting_waits_for_fresh_samples_then_ramps():
    freshness = Freshness()
    freshness.activate(0.0)
    assert freshness.update(10.0, 0.0, 4) == STARTING
    assert not freshness.flying
    assert freshness.update(10.1, 0.2, 9) == STARTING  # enough, but the newest is too old
    assert not freshness.flying
    assert freshness.update(10.2, 0.02, 10) == STARTING
    assert freshness.flying
    assert freshness.ramp(10.7) == pytest.approx(0.5)
    assert freshness.update(11.1, 0.0, 20) == STARTING
    assert freshness.update(11.2, 0.0, 20) == RUNNING


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (0.15, RUNNING),
        (0.16, HOLD),
        (0.5, HOLD),
        (0.51, DEGRADED),
        (2.0, DEGRADED),
        (2.1, FAILSAFE),
    ],
)
def test_age_decides(age, state):
    assert airborne().update(2.0, age, 50) == state


def test_fresh_altitudes_bring_hold_and_degraded_back_at_once():
    freshness = airborne()
    freshness.update(2.0, 0.3, 50)
    assert freshness.update(2.1, 0.0, 51) == RUNNING
    freshness.update(3.0, 0.9, 51)
    assert freshness.update(3.1, 0.0, 52) == RUNNING


def test_failsafe_ends_in_off_and_a_fresh_start_needs_samples():
    freshness = airborne()
    assert freshness.update(4.0, 2.1, 50) == FAILSAFE
    assert freshness.update(6.9, math.inf, 0) == FAILSAFE
    assert freshness.update(7.0, math.inf, 0) == OFF
    assert freshness.update(8.0, 0.0, 4) == OFF
    assert freshness.update(8.1, 0.0, 5) == STARTING
    assert freshness.ramp(8.1) == 0.0
    assert freshness.update(9.2, 0.0, 20) == RUNNING


def test_deactivate_is_off_whatever_comes():
    freshness = airborne()
    freshness.deactivate(2.0)
    assert freshness.update(2.1, 0.0, 60) == OFF
    assert not freshness.active


def test_ages_must_rise():
    assert FreshnessConfig().problems() == []
    (problem,) = FreshnessConfig(hold_after=0.6).problems()
    assert "0.6, 0.5, 2.0" in problem
