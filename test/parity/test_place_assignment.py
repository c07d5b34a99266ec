"""From spike counts to scores of places, modules and ensembles against the authors' programs."""

import numpy as np
import pytest
from support.place_vectors import below, cases, read, sets

from snn_ros.metrics.retrieval import recall_at
from snn_ros.place_recognition.assignment import (
    NOBODY,
    assign,
    best_place,
    hyperactivity,
    probability,
    route_order,
    without_hyperactive,
)

TOLERANCE = {"rtol": 1e-12, "atol": 1e-15}
BEST = (1, 5, 10, 15, 20, 25)


@pytest.mark.parametrize("scheme", ["standard", "weighted", "sum"])
def test_schemes(parity_dir, scheme):
    for path in cases(parity_dir, "assignment"):
        vectors = read(path)
        for name in sets(vectors):
            case, expected = below(vectors, name), below(vectors, f"{name}/{scheme}")
            if not expected:
                continue  # the authors' program fails there
            places = case["counts_per_label"].shape[1]
            assignment = assign(case["train_counts"], case["train_labels"], places)
            np.testing.assert_array_equal(assignment.spikes, case["counts_per_label"])
            np.testing.assert_array_equal(assignment.place, expected["assignments"])
            scores = assignment.score(case["query_counts"], scheme)
            rows = expected["row_labels"]
            taught = rows != NOBODY
            np.testing.assert_allclose(
                scores[rows[taught]], expected["scores"][taught], **TOLERANCE
            )
            assert not scores[np.setdiff1d(np.arange(places), rows)].any()
            best = best_place(scores, case["query_counts"])
            unique = (scores == scores.max(axis=0)).sum(axis=0) == 1
            compared = unique | (best == NOBODY)
            np.testing.assert_array_equal(best[compared], expected["first_rank"][compared], name)
            if "probability" in expected:
                known = np.isfinite(expected["probability"]).all(axis=0)
                np.testing.assert_allclose(
                    probability(scores)[:, known], expected["probability"][:, known], **TOLERANCE
                )


def test_modules_and_ensembles(parity_dir):
    for path in cases(parity_dir, "modular_ensemble"):
        vectors = read(path)
        config = dict(
            pair.split("=")
            for pair in str(vectors["config"]).split()
            if "[" not in pair and "=" in pair
        )
        modules, calibration = int(config["modules"]), int(config["calibration_places"])
        labels = int(config["labels"])
        truth = np.eye(modules * labels, dtype=bool)
        members = [name for name in sets(vectors) if name != "ensemble"]
        for threshold in map(int, config["thresholds"].split(",")):
            total = np.zeros(truth.shape)
            for member in members:
                case = below(vectors, member)
                rows = []
                for k in range(modules):
                    module = below(case, f"module{k}")
                    activity = hyperactivity(module["record_counts"])
                    np.testing.assert_array_equal(activity, module["hyperactivity"])
                    first = calibration + labels * k
                    assignment = assign(
                        module["train_counts"], module["train_labels"] - first, labels
                    )
                    query = without_hyperactive(module["query_counts"], activity, threshold)
                    rows.append(assignment.score(query))
                expected = below(case, f"T{threshold}")
                shuffled = np.concatenate(rows)
                np.testing.assert_allclose(shuffled, expected["scores_shuffled_order"], **TOLERANCE)
                order = np.argsort(np.argsort(case["shuffled_indices"][calibration:]))
                scores = route_order(shuffled, order)
                np.testing.assert_allclose(scores, expected["scores"], **TOLERANCE)
                ties = ((scores == scores.max(axis=0)).sum(axis=0) > 1).mean()
                recall = expected["recall_at_1_5_10_15_20_25"][0]
                assert abs(recall_at(scores, truth)[0] - recall) <= ties + 1e-12
                total += scores
            expected = below(vectors, f"ensemble/T{threshold}")
            np.testing.assert_allclose(total, expected["scores"], **TOLERANCE)
            np.testing.assert_allclose(total.max() - total, expected["distance"], **TOLERANCE)
            recall = expected["recall_at_1_5_10_15_20_25"][0]
            assert recall_at(total, truth)[0] == pytest.approx(recall, abs=1e-12)


@pytest.mark.parametrize("name", ["snn_module", "snn_small"])
def test_scores_of_trained_networks(parity_dir, name):
    for path in cases(parity_dir, name):
        vectors = read(path)
        places = len(vectors["query_u8"])
        assignment = assign(vectors["train_counts"], vectors["train_labels"], places)
        np.testing.assert_array_equal(assignment.place, vectors["assignments"])
        for scheme in ("standard", "weighted"):
            scores = assignment.score(vectors["query_counts"], scheme)
            np.testing.assert_allclose(scores, vectors[f"{scheme}/scores"], **TOLERANCE)
            unique = (scores == scores.max(axis=0)).sum(axis=0) == 1
            best = best_place(scores, vectors["query_counts"])
            np.testing.assert_array_equal(best[unique], vectors[f"{scheme}/match"][unique])
