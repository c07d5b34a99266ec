import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.place_recognition.spike_memory import SpikeMemory

SHAPE = (3, 7, 4)


def patterns(amount, seed=0):
    return np.random.default_rng(seed).integers(0, 9, (amount, *SHAPE), dtype=np.uint8)


def memory(taught, places=None, reach=0):
    return SpikeMemory(taught, np.arange(len(taught)) if places is None else places, reach)


def moved(query, step):
    """The query as it stands after a move to the right, and where there is something of it."""
    columns = query.shape[1]
    result, seen = np.zeros_like(query), np.zeros_like(query)
    for column in range(columns):
        if 0 <= column + step < columns:
            result[:, column + step] = query[:, column]
            seen[:, column + step] = 1
    return result, seen


def slow_score(taught, query, reach):
    """The formula of the module, term by term in float64."""
    mean = np.broadcast_to(taught.mean(axis=(0, 2), keepdims=True)[0], taught.shape[1:])
    scores = np.full(len(taught), -np.inf)
    for step in range(-reach, reach + 1):
        there, seen = moved(query.astype(float), step)
        for place, pattern in enumerate(taught):
            overlap = ((there - mean) * seen * (pattern - mean)).sum()
            lengths = np.linalg.norm(query - mean) * np.linalg.norm(pattern - mean)
            scores[place] = max(scores[place], overlap / lengths)
    return scores


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 6), st.integers(0, 3), st.integers(0, 99))
def test_is_the_formula(amount, reach, seed):
    taught, query = patterns(amount, seed), patterns(1, seed + 1000)[0]
    found = memory(taught, reach=reach).score(query)
    np.testing.assert_allclose(found, slow_score(taught, query, reach), rtol=0, atol=1e-6)


def test_a_taught_pattern_scores_1_and_is_found_when_moved():
    taught = patterns(20)
    scores = np.stack([memory(taught).score(pattern) for pattern in taught])
    np.testing.assert_allclose(scores.diagonal(), 1.0, atol=1e-6)
    assert (scores.argmax(axis=1) == np.arange(20)).all()
    aside = np.stack([memory(taught, reach=2).score(moved(p, 2)[0]) for p in taught])
    assert (aside.argmax(axis=1) == np.arange(20)).all()
    unmoved = np.stack([memory(taught).score(moved(p, 2)[0]) for p in taught])
    assert (unmoved.argmax(axis=1) == np.arange(20)).mean() < 0.5


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 8), st.integers(0, 3))
def test_one_by_one_is_all_at_once_to_the_bit(amount, reach):
    taught, query = patterns(amount), patterns(1, 5)[0]
    grown = memory(taught[:0], reach=reach)
    for pattern in taught:
        before = grown
        grown = grown.extended(pattern)
        assert len(grown) == len(before) + 1
    at_once = memory(taught, reach=reach)
    assert grown.score(query).tobytes() == at_once.score(query).tobytes()


def test_a_place_of_several_patterns_has_its_best():
    taught, query = patterns(5), patterns(1, 7)[0]
    each = memory(taught).score(query)
    together = memory(taught, np.array([0, 0, 1, 2, 2])).score(query)
    np.testing.assert_array_equal(together, [each[:2].max(), each[2], each[3:].max()])


def test_a_spike_is_an_addition_for_each_pattern_and_each_move_that_keeps_it():
    query = np.zeros(SHAPE, dtype=np.uint8)
    query[1, 3, 2] = 5
    assert memory(patterns(4), reach=3).operations(query) == 5 * 4 * 7
    query[1, 0, 0] = 1
    assert memory(patterns(4), reach=3).operations(query) == (5 * 7 + 1 * 4) * 4


@pytest.mark.parametrize("amount", [1, 3])
def test_a_silent_query_is_nowhere(amount):
    assert (memory(patterns(amount), reach=1).score(np.zeros(SHAPE, np.uint8)) == 0).all()


def test_counts_of_many_places_do_not_overflow():
    taught = np.full((2000, 14, 14, 16), 127, dtype=np.uint8)
    taught[7, :, ::2] = 0
    scores = memory(taught, reach=3).score(taught[7])
    assert scores.argmax() == 7
    assert scores[7] == pytest.approx(1.0, abs=1e-5)
