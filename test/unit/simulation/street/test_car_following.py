"""The Intelligent Driver Model against its closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.street.car_following import HARDEST_BRAKING, Drivers, follow

DRIVERS = Drivers(*(np.array([value]) for value in (1.5, 2.0, 1.2, 2.0)))


def acceleration(speed: float, desired: float, gap: float, leader: float) -> float:
    arguments = (np.array([value]) for value in (speed, desired, gap, leader))
    return float(follow(*arguments, DRIVERS)[0])


def test_free_road() -> None:
    assert acceleration(0.0, 10.0, np.inf, 0.0) == pytest.approx(1.5)
    assert acceleration(10.0, 10.0, np.inf, 0.0) == pytest.approx(0.0)
    assert acceleration(5.0, 10.0, np.inf, 0.0) == pytest.approx(1.5 * (1 - 0.5**4))


@given(st.floats(0.5, 9.5))
def test_equilibrium_gap(speed: float) -> None:
    gap = (2.0 + 1.2 * speed) / np.sqrt(1.0 - (speed / 10.0) ** 4)
    assert acceleration(speed, 10.0, gap, speed) == pytest.approx(0.0, abs=1e-9)


@given(st.floats(0, 40), st.floats(0, 40), st.floats(0, 200), st.floats(0, 40))
def test_never_harder_than_brakes_can(v: float, desired: float, gap: float, leader: float) -> None:
    assert -HARDEST_BRAKING <= acceleration(v, desired, gap, leader) <= 1.5


def test_a_follower_stops_behind_a_standing_one_and_keeps_the_standstill_gap() -> None:
    gap, speed, smallest = 80.0, 14.0, np.inf
    for _ in range(2000):
        speed = max(speed + 0.05 * acceleration(speed, 15.0, gap, 0.0), 0.0)
        gap -= 0.05 * speed
        smallest = min(smallest, gap)
    assert smallest > 2.0 - 0.05
    assert gap == pytest.approx(2.0, abs=0.3)
