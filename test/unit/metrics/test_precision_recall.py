"""Curves of precision and recall on answers made by hand."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.metrics.average_precision import average_precision, sampled_thresholds
from snn_ros.metrics.plots import plot_precision_recall
from snn_ros.metrics.precision_recall import precision_recall

SCORES = np.array([0.2, 0.9, 0.5, 0.7])
CORRECT = np.array([True, True, False, True])


def test_a_curve_by_hand() -> None:
    curve = precision_recall(SCORES, CORRECT, relevant=4)
    np.testing.assert_allclose(curve.thresholds, [0.9, 0.7, 0.5, 0.2])
    np.testing.assert_allclose(curve.precision, [1, 1, 2 / 3, 3 / 4])
    np.testing.assert_allclose(curve.recall, [0.25, 0.5, 0.5, 0.75])
    assert curve.recall_at_full_precision == 0.5
    assert curve.area == pytest.approx(0.5 + 0.25 * (2 / 3 + 3 / 4) / 2)


def test_equal_scores_are_accepted_together() -> None:
    curve = precision_recall(np.full(4, 0.5), CORRECT, relevant=3)
    assert curve.precision.tolist() == [0.75]
    assert curve.recall.tolist() == [1.0]


def test_thresholds_of_ones_own() -> None:
    curve = precision_recall(SCORES, CORRECT, 4, thresholds=np.array([0.5, 1.0, 0.6]))
    np.testing.assert_allclose(curve.thresholds, [1.0, 0.6, 0.5])
    np.testing.assert_allclose(curve.precision, [1.0, 1.0, 2 / 3])  # nothing accepted is not wrong
    np.testing.assert_allclose(curve.recall, [0.0, 0.5, 0.5])


def test_no_answers() -> None:
    curve = precision_recall(np.zeros(0), np.zeros(0, dtype=bool), relevant=3)
    assert (len(curve.thresholds), curve.area, curve.recall_at_full_precision) == (0, 0.0, 0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_against_counting(answers: list[tuple[int, bool]]) -> None:
    scores, correct = (np.array(column) for column in zip(*answers, strict=True))
    curve = precision_recall(scores.astype(float), correct, relevant=40)
    for threshold, precision, recall in zip(
        curve.thresholds, curve.precision, curve.recall, strict=True
    ):
        accepted = [right for score, right in answers if score >= threshold]
        assert precision == pytest.approx(sum(accepted) / len(accepted))
        assert recall == pytest.approx(sum(accepted) / 40)


def test_samples_of_recall() -> None:
    scores = np.linspace(1.0, 0.0, 401)[:400]
    thresholds = sampled_thresholds(scores.tolist(), 400)
    assert len(thresholds) == 41
    reached = np.array([(scores >= threshold).mean() for threshold in thresholds])
    np.testing.assert_allclose(reached, np.arange(41) / 40, atol=1 / 400)


def test_precision_is_made_monotone() -> None:
    curve = precision_recall(SCORES, CORRECT, relevant=4)  # its third sample is no better
    result = average_precision(curve, 4)
    assert result.r40 == pytest.approx(100 * (1.0 + 0.75 + 0.75) / 40)
    assert result.r11 == pytest.approx(100 / 11)


def test_plot() -> None:
    curves = {"ours": precision_recall(SCORES, CORRECT, 4)}
    figure = plot_precision_recall(curves, title="cars")
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), curves["ours"].recall)
    np.testing.assert_allclose(line.get_ydata(), curves["ours"].precision)
    figure.savefig(picture := io.BytesIO())
    assert picture.getvalue().startswith(b"\x89PNG")
    plot_precision_recall({})
