"""Scans of a moving sensor, laid over each other."""

from __future__ import annotations

import numpy as np
import pytest

from snn_ros.configuration import ConfigurationError
from snn_ros.geometry.rigid import inverse, rigid_transform
from snn_ros.lidar_detection.accumulation import ScanAccumulator

FIXED = np.array([[10.0, 2.0, 0.5, 0.3], [4.0, -3.0, 1.0, 0.8]])
"""Points in the fixed frame."""


def _seen_from(pose: np.ndarray) -> np.ndarray:
    view = inverse(pose)
    points = FIXED[:, :3] @ view[:3, :3].T + view[:3, 3]
    return np.column_stack([points, FIXED[:, 3]]).astype(np.float32)


def test_what_stands_still_coincides() -> None:
    accumulator = ScanAccumulator(3)
    for step in range(5):
        turn = 0.1 * step
        pose = rigid_transform(
            [1.5 * step, 0.2 * step, 1.7], [0.0, 0.0, np.sin(turn / 2), np.cos(turn / 2)]
        )
        points = accumulator.add(_seen_from(pose), pose)
    assert len(points) == 3 * len(FIXED)
    np.testing.assert_allclose(points, np.tile(_seen_from(pose), (3, 1)), atol=1e-5)
    accumulator.clear()
    assert len(accumulator.add(_seen_from(pose), pose)) == len(FIXED)


def test_one_scan_needs_no_pose_and_several_do() -> None:
    points = _seen_from(np.eye(4))
    assert ScanAccumulator(1).add(points, None) is points
    with pytest.raises(ConfigurationError, match="pose = None"):
        ScanAccumulator(2).add(points, None)
