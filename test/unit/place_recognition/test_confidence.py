import numpy as np
import pytest

from snn_ros.place_recognition.confidence import (
    Calibration,
    CalibrationError,
    calibrate,
    confidence,
)


def test_margin_leaves_out_the_neighbours():
    scores = np.zeros(20)
    scores[[9, 10, 11, 15]] = 2.0, 3.0, 2.5, 1.0
    judged = confidence(scores)
    assert judged.place == 10
    assert judged.margin == pytest.approx(2.0 / scores.std())
    assert confidence(scores, neighbours=0).margin == pytest.approx(0.5 / scores.std())


def test_equal_scores_say_nothing():
    judged = confidence(np.ones(5))
    assert (judged.margin, judged.entropy) == (0.0, 1.0)
    assert confidence(np.full(3, -np.inf)).place == -1


def test_entropy_falls_with_a_clear_winner():
    clear = np.zeros(100)
    clear[3] = 1.0
    unclear = np.random.default_rng(0).random(100)
    assert confidence(clear).entropy < confidence(unclear).entropy < 1.0


def test_calibration_finds_the_probability():
    random = np.random.default_rng(0)
    margins = random.uniform(0, 4, 4000)
    correct = random.random(4000) < margins / 4
    calibration = calibrate(margins, correct)
    assert (np.diff(calibration.probabilities) >= 0).all()
    for margin in (0.5, 2.0, 3.5):
        assert calibration.probability(margin) == pytest.approx(margin / 4, abs=0.07)


def test_an_answer_of_weight_counts_as_so_many():
    random = np.random.default_rng(1)
    margins, correct = random.random(40), random.random(40) < 0.5
    weights = random.integers(1, 4, 40)
    repeated = calibrate(np.repeat(margins, weights), np.repeat(correct, weights))
    weighted = calibrate(margins, correct, weights.astype(np.float64))
    for margin in margins:
        assert weighted.probability(margin) == pytest.approx(repeated.probability(margin))


def test_no_certainty_from_few_answers():
    calibration = calibrate(np.array([1.0, 2.0]), np.array([True, True]))
    assert calibration.probability(9.0) < 1.0
    with pytest.raises(CalibrationError, match="no answers"):
        calibrate(np.zeros(0), np.zeros(0, dtype=bool))


def test_between_the_knots():
    assert Calibration(np.array([0.0, 1.0]), np.array([0.2, 0.6])).probability(0.5) == 0.4
