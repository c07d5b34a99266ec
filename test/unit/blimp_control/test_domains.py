"""Random worlds stay within their ranges and are functions of their generator."""

import numpy as np
import pytest

from snn_ros.blimp_control.domains import random_domains, step_profile
from snn_ros.blimp_control.plant import (
    PLANT_A,
    ballast_acceleration,
    vertical_substep,
)


@pytest.fixture(scope="module")
def domains():
    return random_domains(np.random.default_rng(0), 200, 100.0)


def test_ranges(domains):
    lag, flip, dead_zone = domains.plants[:, 2], domains.plants[:, 4], domains.plants[:, 5]
    assert ((lag >= 0.02) & (lag <= 0.5)).all()
    assert ((flip >= 0.15) & (flip <= 0.6)).all()
    assert ((dead_zone >= 0.2) & (dead_zone <= 0.5)).all()
    assert ((domains.setpoint >= 0.4) & (domains.setpoint <= 1.8)).all()
    assert np.abs(domains.buoyancy).max() <= 0.12 + 0.02 / 60.0 * 100.0
    assert (domains.delay >= 0).all()
    assert (domains.delay <= 15).all()


def test_ticks_jitter_by_20_ms_and_one_in_a_hundred_is_missed(domains):
    normal = domains.substeps[domains.substeps < 20]
    assert normal.min() == 6  # two late ticks differ by up to 40 ms
    assert normal.max() == 14
    assert np.mean(domains.substeps > 20) == pytest.approx(0.01, abs=0.002)
    assert domains.substeps.sum(axis=1).max() // 2 <= domains.sample_error.shape[1]


def test_dropouts_and_outliers_are_there(domains):
    missing = np.isnan(domains.sample_error).mean()
    assert missing == pytest.approx(0.02 * 1.1, rel=0.3)
    assert np.mean(np.abs(np.nan_to_num(domains.sample_error)) > 0.1) == pytest.approx(
        5e-3, rel=0.2
    )


def test_the_same_generator_gives_the_same_worlds(domains):
    again = random_domains(np.random.default_rng(0), 200, 100.0)
    for one, two in zip(domains[:-1], again[:-1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_sluggish_worlds_answer_late():
    worlds = random_domains(np.random.default_rng(0), 100, 20.0, sluggish=40)
    assert worlds.plants[:40, 2].min() >= 0.3
    assert worlds.delay[:40].min() >= 7
    assert worlds.delay[40:].min() < 3


def test_step_profile():
    assert step_profile((0.5, 1.0), 0.3).tolist() == [0.5] * 3 + [1.0] * 3


def test_ballast():
    assert ballast_acceleration(4.5) == pytest.approx(-0.0981)


def test_a_falling_blimp_reaches_its_terminal_speed_and_the_floor_stops_it():
    thrust, velocity, altitude = 0.0, 0.0, 50.0
    for _ in range(5000):
        thrust, velocity, altitude = vertical_substep(
            thrust, velocity, altitude, 0.0, -0.1, 0.0, PLANT_A.thrust_lag, PLANT_A.drag
        )
    assert velocity == pytest.approx(-np.sqrt(0.1 / PLANT_A.drag), rel=1e-3)
    for _ in range(20000):
        thrust, velocity, altitude = vertical_substep(
            thrust, velocity, altitude, 0.0, -0.1, 0.0, PLANT_A.thrust_lag, PLANT_A.drag
        )
    assert (velocity, altitude) == (0.0, 0.0)
