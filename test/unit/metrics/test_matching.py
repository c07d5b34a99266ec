"""Pairs of detections and objects."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.metrics.matching import MISSED, match_by_score


def test_the_better_score_goes_first() -> None:
    overlaps = np.array([[0.9, 0.6], [0.8, 0.0], [0.7, 0.2]])
    assert match_by_score(overlaps, np.array([0.5, 0.6, 0.4]), 0.5).tolist() == [1, 0, MISSED]


def test_equal_scores_go_in_order_and_the_threshold_is_enough() -> None:
    overlaps = np.array([[0.5], [0.9]])
    assert match_by_score(overlaps, np.array([0.3, 0.3]), 0.5).tolist() == [0, MISSED]
    assert match_by_score(overlaps, np.array([0.3, 0.3]), 0.51).tolist() == [MISSED, 0]


def test_nothing_to_match() -> None:
    assert match_by_score(np.zeros((0, 3)), np.zeros(0), 0.5).tolist() == []
    assert match_by_score(np.zeros((2, 0)), np.ones(2), 0.5).tolist() == [MISSED] * 2


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_no_object_twice_and_none_left_for_the_missed(seed: int) -> None:
    random = np.random.default_rng(seed)
    overlaps, scores = random.random((8, 6)), random.random(8)
    partners = match_by_score(overlaps, scores, 0.6)
    taken = partners[partners != MISSED]
    assert len(set(taken.tolist())) == len(taken)
    assert (overlaps[partners != MISSED, taken] >= 0.6).all()
    left = np.setdiff1d(np.arange(6), taken)
    assert not (overlaps[partners == MISSED][:, left] >= 0.6).any()
