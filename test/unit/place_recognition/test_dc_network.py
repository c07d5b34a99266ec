import numpy as np
import pytest

from snn_ros.place_recognition.dc_kernel import Timing
from snn_ros.place_recognition.dc_network import COLUMN_SUM, build_networks, side_by_side
from snn_ros.place_recognition.input_spikes import poisson_spikes, stream

LINES, CELLS, STIMULUS, STEPS = 64, 10, 3500, 5000


@pytest.fixture
def networks():
    random = np.random.default_rng(0)
    weights = random.random((3, LINES, CELLS)).astype(np.float32) * 0.3
    delays = random.integers(0, 101, weights.shape)
    return build_networks(weights, delays)


def spikes(k):
    picture = np.full(LINES, 255, dtype=np.uint8)
    return poisson_spikes(picture, STIMULUS, STEPS, 0.1, stream(0, 0, "input", k))


def test_normalised_and_bounded_while_learning(networks):
    for k in range(4):
        networks.normalise()
        np.testing.assert_allclose(networks.weights().sum(axis=1), COLUMN_SUM, rtol=1e-5)
        before = networks.theta.copy()
        out = networks.present([spikes(k)], learns=True, counted_steps=STIMULUS)
        assert (networks.weights() >= 0).all()
        assert (networks.weights() <= max(1, COLUMN_SUM / LINES * 2)).all()
        assert out.counts.max() <= 7
        assert out.counts.sum() > 0
        assert (networks.theta - before).sum() > 0


def test_nothing_is_learnt_at_a_query(networks):
    networks.normalise()
    weights, theta = networks.weights(), networks.theta.copy()
    networks.present([spikes(0)])
    np.testing.assert_array_equal(networks.weights(), weights)
    np.testing.assert_array_equal(networks.theta, theta)


def test_networks_side_by_side_do_what_they_do_alone(networks):
    networks.normalise()
    weights, delays = networks.weights(), np.zeros(networks.weights().shape, dtype=int)
    together = build_networks(weights, delays, timing=Timing(dt=0.25))
    counts = together.present([spikes(k) for k in range(3)]).counts
    for k in range(3):
        alone = build_networks(weights[k : k + 1], delays[k : k + 1], timing=Timing(dt=0.25))
        np.testing.assert_array_equal(alone.present([spikes(k)]).counts[0], counts[k])


def test_networks_that_were_built_apart_go_on_side_by_side(networks):
    networks.normalise()
    weights = networks.weights()
    delays = np.random.default_rng(1).integers(0, 30, weights.shape) // np.array(
        [[[1]], [[3]], [[9]]]
    )
    apart = [
        build_networks(weights[k : k + 1], delays[k : k + 1], timing=Timing(dt=0.25), learns=False)
        for k in range(3)
    ]
    together = side_by_side(apart).present([spikes(0)])
    for k, alone in enumerate(apart):
        np.testing.assert_array_equal(alone.present([spikes(0)]).counts[0], together.counts[k])
    assert together.counts.any(axis=1).all()


def test_settled_networks_repeat_themselves(networks):
    networks.normalise()
    answers = []
    for _ in range(2):
        networks.settle()
        answers.append(networks.present([spikes(0)]).counts)
    np.testing.assert_array_equal(*answers)
