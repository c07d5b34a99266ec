import numpy as np
import pytest
from support.place_routes import traverses

from snn_ros.place_recognition.tempo import TempoConfig, quantised_rows
from snn_ros.place_recognition.tempo_learning import learn_module

PLACES, SIDE = 100, 28


@pytest.fixture(scope="module")
def route():
    return traverses(PLACES, SIDE, 3)


@pytest.fixture(scope="module", params=["separate", "merged"])
def module(route, request):
    return learn_module(
        np.concatenate(route[:2]), np.tile(np.arange(PLACES), 2), TempoConfig(rules=request.param)
    )


def recall(scores):
    return (scores.argmax(axis=1) == np.arange(PLACES)).mean()


def test_a_route_in_other_noise(module, route):
    queries = route[2].reshape(PLACES, -1) / np.float32(255)
    assert recall(module.score(queries)) >= 0.93
    assert recall(module.score(queries, clamped=False)) >= 0.75
    active = (module.features.amplitudes(queries) > 0).mean()
    assert 0.35 <= active <= 0.5
    assert module.features.threshold.mean() < 0.01


def test_fused_and_int8_are_the_linear_network(module, route):
    queries = route[2].reshape(PLACES, -1) / np.float32(255)
    without_constant = queries @ module.features.weights.sum(axis=0).T
    linear = without_constant @ module.output.weights.sum(axis=0).T
    fused = module.fused()
    np.testing.assert_allclose(queries @ fused.T, linear, rtol=0, atol=1e-5)
    small = quantised_rows(fused)
    int8 = np.stack([small.score(picture) for picture in route[2]])
    assert abs(recall(int8) - recall(linear)) <= 0.02


def test_the_side_of_a_link_never_changes(module):
    for layer in (module.features, module.output):
        if len(layer.weights) == 2:
            assert (layer.weights[0] >= 0).all()
            assert (layer.weights[1] <= 0).all()
        assert np.isfinite(layer.weights).all()
