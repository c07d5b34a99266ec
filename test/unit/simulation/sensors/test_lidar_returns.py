"""The LiDAR equation and what follows from it, in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.sensors import lidar_returns as returns


def power(distance: float, cosine: float = 1.0, reflectivity: float = 0.5, **air: float) -> float:
    options = {"roughness": 0.0, "attenuation": 0.0} | air
    arrays = (np.array([x]) for x in (distance, cosine, reflectivity))
    return float(returns.received_power(*arrays, **options)[0])


def test_power_falls_with_the_square_of_distance_and_the_air() -> None:
    assert power(20.0) == pytest.approx(power(10.0) / 4)
    assert power(10.0, attenuation=0.01) == pytest.approx(power(10.0) * np.exp(-0.2))
    assert power(1.0, reflectivity=1e-3) == pytest.approx(1e-3)


def test_matt_surfaces_follow_the_cosine_and_rough_ones_less() -> None:
    assert power(5.0, cosine=0.25) == pytest.approx(0.25 * power(5.0))
    assert power(5.0, cosine=0.25, roughness=0.5) == pytest.approx(0.5 * power(5.0))
    assert power(5.0, cosine=0.25, roughness=1.0) == pytest.approx(power(5.0))


def test_retro_reflectors_do_not_care_about_the_angle() -> None:
    assert power(5.0, cosine=0.1, reflectivity=1.0) == power(5.0, cosine=1.0, reflectivity=1.0)
    assert power(5.0, reflectivity=1.0) > 10 * power(5.0, reflectivity=0.89)


@given(st.floats(1.0, 200.0), st.floats(0.0, 0.01))
def test_the_threshold_is_met_half_the_time_at_the_reach(reach: float, attenuation: float) -> None:
    threshold = returns.threshold_for(reach, attenuation)
    at_reach = np.array([power(reach, reflectivity=0.1, attenuation=attenuation)])
    assert returns.detection_probability(at_reach, threshold, 0.4) == pytest.approx([0.5])


def test_chance_of_detection_is_log_normal() -> None:
    threshold, spread = 2.0, 0.5
    received = threshold * np.exp(spread * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    expected = [0.02275, 0.15866, 0.5, 0.84134, 0.97725]
    chance = returns.detection_probability(received, threshold, spread)
    assert chance == pytest.approx(expected, abs=1e-5)
    hard = returns.detection_probability(received, threshold, 0.0)
    assert hard == pytest.approx([0, 0, 1, 1, 1])
    assert returns.detection_probability(np.zeros(1), threshold, spread) == 0.0


def test_steps() -> None:
    assert returns.quantised(np.array([1.0031]), 0.002) == pytest.approx([1.004])
    assert returns.quantised(np.array([1.0031]), 0.0) == np.array([1.0031])
