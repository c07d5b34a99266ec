"""What the detector promises whatever its network says: bounded work, boxes where points are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.lidar_scenes import SENSOR_HEIGHT, scene
from support.lidar_weights import LOW_THRESHOLD, untrained

from snn_ros.lidar_detection import Detections, DetectorConfig, LidarDetector
from snn_ros.lidar_detection.edge_decoding import DecodingConfig


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained(tmp_path_factory.mktemp("weights"))


def _detector(weights: Path, **settings: object) -> LidarDetector:
    config = DetectorConfig(
        sensor_height=SENSOR_HEIGHT,
        decoding=DecodingConfig(score_threshold=LOW_THRESHOLD),
        **settings,  # type: ignore[arg-type]
    )
    return LidarDetector.from_config(device="cpu", weights=weights, config=config)


def test_voxels_over_the_cap_are_those_farthest_away(weights: Path) -> None:
    points = scene().points
    everything = _detector(weights).detect(points)
    capped = _detector(weights, max_voxels=1000).detect(points)
    assert everything.voxels_left_out == 0
    assert capped.voxels == everything.voxels > 1000
    assert capped.voxels_left_out == everything.voxels - 1000
    away = np.hypot(*points[:, :2].T)
    near = points[away < np.sort(away)[len(points) // 4]]
    alone = _detector(weights).detect(near)
    assert 0 < alone.voxels < 1000
    within = [np.hypot(*r.detections.boxes[:, :2].T).max() for r in (capped, everything)]
    assert within[0] < within[1]
    shuffled = np.random.default_rng(0).permutation(points)
    np.testing.assert_array_equal(
        _detector(weights, max_voxels=1000).detect(shuffled).detections.boxes,
        capped.detections.boxes,
    )


def test_one_scan_is_metered_on_demand_and_says_the_same(weights: Path) -> None:
    detector, points = _detector(weights), scene().points
    plain, metered = detector.detect(points), detector.detect(points, meter=True)
    always = _detector(weights, meter=True).detect(points)
    assert plain.activity is None
    assert metered.activity == always.activity
    assert metered.activity is not None
    assert metered.activity.firing_rate > 0
    np.testing.assert_array_equal(plain.detections.boxes, metered.detections.boxes)
    assert detector.device == torch.device("cpu")


BOXES = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 6), st.just(7)),
    elements=st.floats(-60, 60) | st.sampled_from([np.nan, np.inf, 1e9, 0.0]),
)
POINTS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 9), st.just(4)),
    elements=st.floats(-30, 30, width=32) | st.sampled_from([np.nan, np.inf]),
)


@given(BOXES, POINTS)
def test_boxes_that_reach_no_point_are_left_out(boxes: np.ndarray, points: np.ndarray) -> None:
    boxes[:, 3:6] = np.abs(boxes[:, 3:6])
    scores, labels = np.linspace(1, 0, len(boxes)), np.arange(len(boxes))
    kept = Detections(boxes, scores, labels).touching(points)
    finite = [point for point in points.tolist() if np.isfinite(point).all()]
    for row, box in enumerate(boxes.tolist()):
        radius = np.hypot(box[3], box[4]) / 2
        reaches = bool(finite) and np.isfinite(box).all() and min(box[3:6]) > 0
        for axis, half in enumerate((radius, radius, box[5] / 2)):
            extent = [point[axis] for point in finite]
            reaches = reaches and min(extent) - box[axis] <= half >= box[axis] - max(extent)
        assert (row in kept.labels) == reaches
    np.testing.assert_array_equal(kept.boxes, boxes[kept.labels])
    np.testing.assert_array_equal(kept.scores, scores[kept.labels])


def test_nobody_stands_where_the_sensor_is() -> None:
    car = [4.0, 2.0, 1.5]
    boxes = np.array([[0.5, 0.5, 0, *car, 0.0], [0.9, 1.2, 0, *car, 0.0], [0.9, 1.2, 0, *car, 1.0]])
    kept = Detections(boxes, np.ones(3), np.arange(3)).beside_sensor()
    assert kept.labels.tolist() == [1]
