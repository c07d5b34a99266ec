import numpy as np
import pytest

from snn_ros.metrics.calibration import calibration_curve


def test_honest_probabilities_have_no_error():
    random = np.random.default_rng(0)
    stated = random.random(20000)
    curve = calibration_curve(stated, random.random(20000) < stated)
    np.testing.assert_allclose(curve.observed, curve.stated, atol=0.03)
    assert curve.error < 0.02


def test_error_is_the_mean_distance_over_all_answers():
    stated = np.array([0.95, 0.95, 0.95, 0.95, 0.15])
    correct = np.array([True, True, False, False, False])
    curve = calibration_curve(stated, correct)
    np.testing.assert_array_equal(curve.amount, [1, 4])
    assert curve.error == pytest.approx((4 * 0.45 + 0.15) / 5)


def test_certainty_belongs_to_the_last_class_and_nothing_is_no_error():
    assert calibration_curve(np.array([1.0]), np.array([True])).error == 0.0
    assert calibration_curve(np.zeros(0), np.zeros(0, dtype=bool)).error == 0.0
