"""The fast network's updates, training and scores against the authors' program."""

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.place_vectors import cases, read

from snn_ros.metrics.retrieval import best_match_curve, recall_at
from snn_ros.place_recognition.sad import SadPlaces
from snn_ros.place_recognition.tempo import Layer, TempoConfig, TempoModule, quantised_rows
from snn_ros.place_recognition.tempo_learning import (
    learn_module,
    teach,
    teach_features,
    teach_output,
)

BEST = (1, 5, 10, 15, 20, 25)
NETWORKS = ("tempo_net14_nordland", "tempo_net28_nordland", "tempo_net28_gardens_point")
ONE_STEP = TempoConfig(rules="merged", epochs=1)
NO_REDUCTION = np.ones(1, dtype=np.float32)


def layer(weights, threshold, target_rate=None):
    none = np.zeros(len(weights), dtype=np.float32)
    return Layer(
        weights[None], threshold.ravel(), none, none if target_rate is None else target_rate
    )


def assert_step(taught, vectors, step):
    for array, name in ((taught.weights[0], "w_after"), (taught.threshold, "thr_after")):
        expected = vectors[f"{step}/{name}"].reshape(array.shape)
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-6, err_msg=f"{step}/{name}")


def test_updates(parity_dir):
    for path in cases(parity_dir, "tempo_update", ".safetensors"):
        vectors = load_file(path)
        rates = vectors["feature/fire_rate"].ravel()
        order = np.zeros(1, dtype=np.int64)
        for name in ("feature", "output"):
            cells = layer(
                vectors[f"{name}/w_before"], vectors[f"{name}/thr_before"],
                vectors[f"{name}/fire_rate"].ravel(),
            )  # fmt: skip
            np.testing.assert_array_equal(cells.weights[0] > 0, vectors[f"{name}/mask_exc"])
            np.testing.assert_array_equal(cells.weights[0] < 0, vectors[f"{name}/mask_inh"])
            for k, label in enumerate(vectors["labels"]):
                step = f"{name}/step{k}"
                x = vectors[f"{step}/x"]
                np.testing.assert_allclose(cells.drive(x), vectors[f"{step}/a"], rtol=0, atol=1e-6)
                y = cells.amplitudes(x)
                np.testing.assert_allclose(y, vectors[f"{step}/y"], rtol=0, atol=1e-6)
                if name == "feature":
                    cells = teach_features(cells, x, order, NO_REDUCTION, ONE_STEP)
                else:
                    cells = teach_output(
                        cells, x / rates, x, np.array([label]), order, NO_REDUCTION, ONE_STEP
                    )
                assert_step(cells, vectors, step)


def weights_of(path):
    found = path.with_name(f"{path.stem}_weights.npz")
    return read(found) if found.is_file() else None


def trained(weights):
    stage = "trained/0"
    return TempoModule(
        *(
            layer(weights[f"{stage}/{name}.w.weight"], weights[f"{stage}/{name}.thr"])
            for name in ("feature_layer", "output_layer")
        )
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(parity_dir, name):
    for path in cases(parity_dir, name):
        vectors, weights = read(path), weights_of(path)
        similarity, truth = vectors["similarity"], vectors["ground_truth"]
        if weights is not None:
            queries = vectors["query_u8"] / np.float32(255)
            module = trained(weights)
            scores = module.score(queries, clamped=False).T
            np.testing.assert_allclose(
                scores, similarity, rtol=0, atol=1e-5 * abs(similarity).max()
            )
            np.testing.assert_array_equal(scores.argmax(axis=0), similarity.argmax(axis=0))
            fused = module.fused()
            np.testing.assert_allclose(fused @ queries.T, scores, rtol=0, atol=1e-5)
            small = quantised_rows(fused)
            int8 = np.stack([small.score(query) for query in vectors["query_u8"]], axis=1)
            assert abs(recall_at(int8, truth) - recall_at(scores, truth))[0] <= 0.01
        np.testing.assert_allclose(
            recall_at(similarity, truth, BEST), vectors["recall_at_1_5_10_15_20_25"], atol=1e-12
        )
        right = int(truth[similarity.argmax(axis=0), np.arange(truth.shape[1])].sum())
        curve = best_match_curve(similarity, truth, relevant=right)
        np.testing.assert_allclose(np.append(1, curve.precision), vectors["precision"], atol=1e-12)
        np.testing.assert_allclose(np.append(0, curve.recall), vectors["recall"], atol=1e-12)
        sad = SadPlaces(vectors["reference_u8"])
        distances = -np.stack([sad.score(query) for query in vectors["query_u8"]], axis=1)
        np.testing.assert_allclose(distances, vectors["sad_distance"], rtol=0, atol=1e-6)


def test_replayed_training(parity_dir):
    for path in cases(parity_dir, "tempo_net14_nordland"):
        vectors, weights = read(path), weights_of(path)
        first = TempoModule(
            *(
                layer(weights[f"init/0/{name}"], weights[f"init/0/{name}.thr"], rates)
                for name, rates in (("feature_layer", target_rates(392)), ("output_layer", None))
            )
        )
        config = TempoConfig(rules="merged", epochs=2)
        orders = list(vectors["training_order"].astype(np.int64).reshape(2, -1))
        spikes = vectors["reference_u8"] / np.float32(255)
        taught = teach(first, spikes, np.arange(len(spikes)), orders, config)
        expected = trained(weights)
        for ours, theirs in (
            (taught.features, expected.features),
            (taught.output, expected.output),
        ):
            np.testing.assert_allclose(ours.weights, theirs.weights, rtol=0, atol=1e-4)
            np.testing.assert_allclose(ours.threshold, theirs.threshold, rtol=0, atol=1e-4)


def target_rates(cells):
    return (0.2 + 0.7 * np.arange(1, cells + 1) / cells).astype(np.float32)


@pytest.mark.parametrize("name", NETWORKS[1:])
def test_training_from_scratch(parity_dir, name):
    """One seed of the authors against the mean of ours."""
    for path in cases(parity_dir, name):
        vectors = read(path)
        labels = np.arange(len(vectors["reference_u8"]))
        recalls = []
        for seed in range(2):
            config = TempoConfig(rules="merged", seed=seed)
            module = learn_module(vectors["reference_u8"], labels, config)
            scores = module.score(vectors["query_u8"] / np.float32(255), clamped=False).T
            recalls.append(recall_at(scores, vectors["ground_truth"])[0])
        assert np.mean(recalls) == pytest.approx(vectors["recall_at_1_5_10_15_20_25"][0], abs=0.08)
