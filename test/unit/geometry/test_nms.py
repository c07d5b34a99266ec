"""Non-maximum suppression against the plain loop over all pairs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.geometry.nms import rotated_nms
from snn_ros.geometry.rotated_iou import bev_iou


def heap(seed: int, count: int, spread: float = 12.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centres = random.uniform(-spread, spread, (count, 3))
    boxes = np.hstack(
        [centres, random.uniform(1, 5, (count, 3)), random.uniform(-4, 4, (count, 1))]
    )
    return boxes, random.integers(0, 50, count) / 50.0, random.integers(0, 3, count)


def by_brute_force(boxes, scores, threshold, labels=None) -> list[int]:
    overlap = bev_iou(boxes[:, None], boxes[None])
    kept: list[int] = []
    for row in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        rivals = [k for k in kept if labels is None or labels[k] == labels[row]]
        if all(overlap[row, k] <= threshold for k in rivals):
            kept.append(row)
    return kept


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.1, 0.5]), st.booleans())
def test_against_brute_force(seed: int, threshold: float, by_class: bool) -> None:
    boxes, scores, labels = heap(seed, 40)
    chosen = labels if by_class else None
    kept = rotated_nms(boxes, scores, threshold, labels=chosen)
    assert kept.tolist() == by_brute_force(boxes, scores, threshold, chosen)


def test_more_than_a_block() -> None:
    boxes, scores, _ = heap(1, 400, 25.0)
    kept = rotated_nms(boxes, scores, 0.1)
    assert len(kept) > 150
    assert kept.tolist() == by_brute_force(boxes, scores, 0.1)


def test_limits() -> None:
    boxes, scores, _ = heap(2, 400, 100.0)
    every = rotated_nms(boxes, scores, 0.1)
    assert rotated_nms(boxes, scores, 0.1, most_after=7).tolist() == every[:7].tolist()
    best = np.argsort(-scores, kind="stable")[:20]
    among = best[rotated_nms(boxes[best], scores[best], 0.1)]
    assert rotated_nms(boxes, scores, 0.1, most_before=20).tolist() == among.tolist()


def test_of_equal_scores_the_earlier_stays() -> None:
    boxes = np.tile([0.0, 0, 0, 4, 2, 1.5, 0.3], (300, 1))
    assert rotated_nms(boxes, np.full(300, 0.5), 0.1).tolist() == [0]


def test_as_much_as_the_threshold_is_not_more() -> None:
    boxes = np.array([[0.0, 0, 0, 2, 1, 1, 0], [1.0, 0, 0, 2, 1, 1, 0]])  # exactly a third
    assert len(rotated_nms(boxes, np.array([0.9, 0.8]), 1.0 / 3.0)) == 2
    assert len(rotated_nms(boxes, np.array([0.9, 0.8]), 0.333)) == 1


def test_no_boxes() -> None:
    assert len(rotated_nms(np.zeros((0, 7)), np.zeros(0), 0.1)) == 0
