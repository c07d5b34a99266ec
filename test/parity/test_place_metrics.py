"""Recall at N and the curves of precision and recall against the authors' metrics."""

from dataclasses import replace

import numpy as np
import pytest
from support.place_vectors import below, cases, read, sets

from snn_ros.metrics.precision_recall import precision_recall
from snn_ros.metrics.retrieval import best_match_curve, every_pair_curve, recall_at, widened

BEST = (1, 5, 10, 15, 20, 25)
TOLERANCE = {"rtol": 0, "atol": 1e-12}


@pytest.fixture(scope="module")
def score_sets(parity_dir):
    return {
        f"{path.stem}/{name}": below(read(path), name)
        for path in cases(parity_dir, "metrics")
        for name in sets(read(path))
    }


def right_matches(scores, truth):
    return int(truth[scores.argmax(axis=0), np.arange(scores.shape[1])].sum())


def assert_curve(curve, precision, recall, name):
    """The authors' curves begin with precision 1 at recall 0."""
    np.testing.assert_allclose(
        np.append(1.0, curve.precision), precision, **TOLERANCE, err_msg=name
    )
    np.testing.assert_allclose(np.append(0.0, curve.recall), recall, **TOLERANCE, err_msg=name)


@pytest.mark.parametrize("tolerance", [0, 1, 2])
def test_curves_of_the_fast_network(score_sets, tolerance):
    for name, case in score_sets.items():
        scores, expected = case["S"], below(case, f"tol{tolerance}")
        truth = expected["ground_truth"]
        np.testing.assert_array_equal(truth, widened(case["tol0/ground_truth"], tolerance), name)
        np.testing.assert_allclose(
            recall_at(scores, truth, BEST), expected["recall_at_1_5_10_15_20_25"], **TOLERANCE
        )
        curve = best_match_curve(scores, truth, relevant=right_matches(scores, truth))
        assert_curve(curve, expected["tempo_precision"], expected["tempo_recall"], name)
        assert curve.area == pytest.approx(float(expected["tempo_auc_trapezoid"]), abs=1e-12)
        assert curve.precision[-1] == expected["tempo_precision_at_full_acceptance"]
        assert curve.recall_at_full_precision == pytest.approx(
            float(expected["tempo_recall_at_100_precision"]), abs=1e-12
        )
        pairs = every_pair_curve(scores, truth)
        assert_curve(pairs, expected["tempo_multi_precision"], expected["tempo_multi_recall"], name)


def test_curves_of_the_spiking_network(score_sets):
    """There a rejected match counts as one that was to be found, be it right or wrong."""
    with_curves = {n: case for n, case in score_sets.items() if "snn_precision" in case}
    assert with_curves
    for name, case in with_curves.items():
        scores, truth = case["S"], case["tol0/ground_truth"]
        correct = truth[scores.argmax(axis=0), np.arange(scores.shape[1])]
        thresholds = np.linspace(scores.min(), scores.max(), 99)
        curve = precision_recall(scores.max(axis=0), correct, scores.shape[1], thresholds)
        right = curve.recall * scores.shape[1]
        rejected = scores.shape[1] - np.rint(right / curve.precision)
        recall = right / (right + rejected)
        of_authors = replace(curve, recall=recall)
        assert_curve(of_authors, case["snn_precision"], case["snn_recall"], name)
        f1 = 2 * curve.precision * recall / (curve.precision + recall)
        np.testing.assert_allclose(f1, case["snn_f1"], **TOLERANCE)
        assert of_authors.area == pytest.approx(float(case["snn_auc"]), abs=1e-12)
        assert of_authors.recall_at_full_precision == case["snn_recall_at_100_precision"]
        assert curve.precision[-1] == case["snn_precision_at_full_acceptance"]
        np.testing.assert_allclose(
            recall_at(scores, truth, BEST), case["snn_recall_at_1_5_10_15_20_25"], **TOLERANCE
        )
