"""Kept boxes move to the weighted mean of the boxes of their class that overlap them."""

import numpy as np
import pytest

from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.edge_decoding import voted

CAR, PEDESTRIAN = 0, 1


def cars(*rows, scores, labels=None):
    """Boxes of one size from rows (x, yaw)."""
    boxes = np.array([[x, 0.0, 0.8, 4.0, 1.8, 1.6, yaw] for x, yaw in rows])
    labels = np.full(len(rows), CAR) if labels is None else np.array(labels)
    return Detections(boxes, np.array(scores, dtype=np.float64), labels)


def test_equal_boxes_change_nothing():
    kept = cars((3.0, 0.2), scores=[0.9])
    found = voted(kept, cars((3.0, 0.2), (3.0, 0.2), scores=[0.9, 0.5]))
    np.testing.assert_allclose(found.boxes, kept.boxes, atol=1e-12)


def test_weights_are_score_to_the_fourth_times_overlap():
    kept = cars((0.0, 0.0), scores=[1.0])
    found = voted(kept, cars((0.0, 0.0), (0.8, 0.0), scores=[1.0, 0.8]))
    weight = 0.8**4 * (3.2 / 4.8)
    assert found.boxes[0, 0] == pytest.approx(0.8 * weight / (1.0 + weight))
    assert found.scores.tolist() == [1.0]


def test_the_heading_is_that_of_the_kept_box():
    kept = cars((0.0, 3.1), scores=[0.5])
    found = voted(kept, cars((0.0, 3.1), (0.0, 0.1), scores=[0.5, 0.5]))
    turn = found.boxes[0, 6] - 3.1 + 2 * np.pi * (found.boxes[0, 6] < 0)
    assert 0.05 < turn < 0.1  # towards 0.1 + pi, not towards 0.1; in (-pi, pi] again


@pytest.mark.parametrize(
    "other",
    [
        cars((0.4, 0.3), scores=[0.9], labels=[PEDESTRIAN]),
        cars((0.4, 0.3), scores=[0.05]),
        cars((3.0, 0.0), scores=[0.9]),
        cars((np.nan, 0.0), scores=[0.9]),
        cars((0.4, np.inf), scores=[0.9]),
        Detections.none(),
    ],
    ids=["other class", "low score", "little overlap", "NaN", "infinite yaw", "no box"],
)
def test_no_vote(other):
    kept = cars((0.0, 0.0), scores=[0.9])
    found = voted(kept, Detections.joined([kept, other]))
    np.testing.assert_allclose(found.boxes, kept.boxes, atol=1e-12)


def test_nothing_kept():
    assert len(voted(Detections.none(), cars((0.0, 0.0), scores=[0.9])).boxes) == 0


def test_a_box_of_no_numbers_stays():
    kept = cars((np.nan, 0.0), scores=[0.9])
    np.testing.assert_array_equal(voted(kept, kept).boxes, kept.boxes)
