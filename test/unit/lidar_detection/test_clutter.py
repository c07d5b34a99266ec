"""Clumps that beams end in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.lidar_scenes import scene

from snn_ros.geometry.boxes import count_points
from snn_ros.lidar_detection.augmentation import from_road
from snn_ros.lidar_detection.clutter import with_clumps

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_beams_keep_their_direction_and_end_sooner(seed: int) -> None:
    scan = from_road(scene())
    fuller = with_clumps(scan, 30, np.random.default_rng(seed))
    origin = np.array([0.0, 0.0, scan.sensor_height])
    before, after = (s.points[:, :3] - origin for s in (scan, fuller))
    reach, newer = np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1)
    assert (newer <= reach + 1e-4).all()
    np.testing.assert_allclose(after / newer[:, None], before / reach[:, None], atol=1e-4)
    assert len(fuller.boxes) == len(scan.boxes)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_clump_hides_no_longer_counts(seed: int) -> None:
    scan = from_road(scene())
    scan = replace(scan, points_in_box=count_points(scan.points, scan.boxes, 0.05))
    fuller = with_clumps(scan, 60, np.random.default_rng(seed))
    left = count_points(fuller.points, fuller.boxes, 0.05)
    np.testing.assert_array_equal(fuller.points_in_box, left)


def test_some_beams_meet_some_clump() -> None:
    scan = from_road(scene())
    changed = [
        (with_clumps(scan, 30, np.random.default_rng(seed)).points != scan.points).any()
        for seed in SEEDS
    ]
    assert any(changed)
    same = with_clumps(scan, 0, np.random.default_rng(0))
    np.testing.assert_array_equal(same.points, scan.points)
