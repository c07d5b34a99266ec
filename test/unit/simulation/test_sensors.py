"""Range finder and IMU: exact without flaws, and each flaw of the size that was asked for."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from snn_ros.simulation.sensors.imu import Imu, ImuParameters
from snn_ros.simulation.sensors.range_finder import RangeFinder, RangeFinderParameters

PERIOD = 0.1
PERFECT = {"noise": 0.0, "quantum": 0.0, "latency": 0.0}


def sensor(seed: int = 0, **flaws: object) -> RangeFinder:
    parameters = RangeFinderParameters(**{**PERFECT, **flaws})  # type: ignore[arg-type]
    return RangeFinder(parameters, PERIOD, np.random.default_rng(seed))


def readings(finder: RangeFinder, beam: float, count: int) -> np.ndarray:
    values = [finder.measure(beam) for _ in range(count)]
    return np.array([v for v in values if v is not None])


def test_a_perfect_sensor_tells_the_truth() -> None:
    assert sensor().measure(1.2345) == 1.2345


@pytest.mark.parametrize(
    ("beam", "reading"),
    [(0.05, -math.inf), (0.1, 0.1), (12.0, 12.0), (12.5, math.inf), (math.inf, math.inf)],
)
def test_out_of_range_is_infinite(beam: float, reading: float) -> None:
    assert sensor(quantum=0.01).measure(beam) == pytest.approx(reading)


def test_readings_come_in_steps() -> None:
    assert sensor(quantum=0.01).measure(0.5678) == pytest.approx(0.57)


def test_bias_and_noise() -> None:
    values = readings(sensor(bias=-0.01, noise=0.02), 2.0, 20_000)
    assert values.mean() == pytest.approx(1.99, abs=1e-3)
    assert values.std() == pytest.approx(0.02, rel=0.03)


def test_outliers_have_their_share_size_and_both_signs() -> None:
    errors = readings(sensor(outlier_share=0.1, outlier_size=(0.2, 0.3)), 2.0, 20_000) - 2.0
    outliers = errors[np.abs(errors) > 1e-9]
    assert len(outliers) / 20_000 == pytest.approx(0.1, abs=0.01)
    assert (np.abs(outliers) >= 0.2).all()
    assert (np.abs(outliers) <= 0.3).all()
    assert (outliers > 0).mean() == pytest.approx(0.5, abs=0.05)


def test_drop_outs_have_their_rate_and_length() -> None:
    finder = sensor(drop_out_rate=0.05, drop_out_duration=(0.5, 0.5))
    silent = np.array([finder.measure(1.0) is None for _ in range(100_000)])
    starts = np.flatnonzero(np.diff(silent.astype(int)) == 1)
    ends = np.flatnonzero(np.diff(silent.astype(int)) == -1)
    assert len(starts) / (100_000 * PERIOD) == pytest.approx(0.05, rel=0.15)
    lengths = ends[: len(starts)] - starts[: len(ends)]
    assert np.median(lengths) == 5


@pytest.mark.parametrize(
    ("latency", "old_periods", "lead"), [(0.02, 0, 0.02), (0.1, 1, 0.0), (0.25, 2, 0.05)]
)
def test_latency_is_whole_periods_inside_and_the_rest_outside(
    latency: float, old_periods: int, lead: float
) -> None:
    finder = sensor(latency=latency)
    assert finder.sampling_lead == pytest.approx(lead)
    values = [finder.measure(1.0 + i) for i in range(6)]
    assert values[old_periods:] == [1.0 + i for i in range(6 - old_periods)]


def test_the_same_generator_gives_the_same_readings() -> None:
    first = readings(sensor(7, noise=0.01, drop_out_rate=0.1), 1.0, 200)
    assert np.array_equal(first, readings(sensor(7, noise=0.01, drop_out_rate=0.1), 1.0, 200))
    assert not np.array_equal(first[:100], readings(sensor(8, noise=0.01), 1.0, 100))


def test_contradictory_flaws_are_named() -> None:
    parameters = RangeFinderParameters(minimum=2.0, maximum=1.0, outlier_size=(0.8, 0.1))
    problems = "; ".join(parameters.problems())
    assert "minimum = 2.0" in problems
    assert "outlier_size = (0.8, 0.1)" in problems


def test_imu_bias_is_constant_and_noise_is_white() -> None:
    parameters = ImuParameters()
    biases = []
    for seed in range(200):
        imu = Imu(parameters, np.random.default_rng(seed))
        samples = [imu.measure(np.eye(3), np.array([0, 0, 9.81]), np.zeros(3)) for _ in range(20)]
        rates = np.array([sample.angular_velocity for sample in samples])
        tilts = Rotation.from_quat([sample.orientation for sample in samples]).magnitude()
        assert 0.0 < tilts.max() < 6 * parameters.orientation_noise
        biases.append(rates.mean(axis=0))
        assert rates.std() < 5 * math.hypot(parameters.gyroscope_noise, parameters.gyroscope_bias)
    assert np.std(biases) == pytest.approx(parameters.gyroscope_bias, rel=0.1)


def test_a_perfect_imu_tells_the_truth() -> None:
    imu = Imu(ImuParameters(0.0, 0.0, 0.0, 0.0, 0.0), np.random.default_rng(0))
    rotation = Rotation.from_euler("xyz", [0.1, -0.2, 0.3])
    reading = imu.measure(rotation.as_matrix(), np.arange(1.0, 4.0), np.arange(4.0, 7.0))
    assert reading.orientation == pytest.approx(rotation.as_quat())
    assert reading.specific_force.tolist() == [1.0, 2.0, 3.0]
    assert reading.angular_velocity.tolist() == [4.0, 5.0, 6.0]
