"""Difficulties at the limits of the development kit."""

import numpy as np
import pytest

from snn_ros.kitti.difficulty import EASY, HARD, MODERATE, NO_DIFFICULTY, difficulties


@pytest.mark.parametrize(
    ("height", "occlusion", "truncation", "difficulty"),
    [
        (41.0, 0, 0.15, EASY),
        (40.0, 0, 0.0, MODERATE),  # the kit wants more than 40 pixels
        (41.0, 1, 0.0, MODERATE),
        (41.0, 0, 0.16, MODERATE),
        (26.0, 1, 0.30, MODERATE),
        (26.0, 2, 0.30, HARD),
        (26.0, 0, 0.31, HARD),
        (26.0, 2, 0.50, HARD),
        (25.0, 0, 0.0, NO_DIFFICULTY),
        (80.0, 3, 0.0, NO_DIFFICULTY),
        (80.0, 0, 0.51, NO_DIFFICULTY),
    ],
)
def test_difficulties(height: float, occlusion: int, truncation: float, difficulty: int) -> None:
    found = difficulties(np.array([height]), np.array([occlusion]), np.array([truncation]))
    assert found[0] == difficulty
