"""Boxes: corners, other frames, points in them."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.geometry.boxes import box_corners, count_points, transform_boxes


def test_corners_by_hand() -> None:
    corners = box_corners(np.array([[10.0, 5.0, 1.0, 4.0, 2.0, 1.5, math.pi / 2]]))[0]
    np.testing.assert_allclose(corners[0], [11.0, 7.0, 0.25])  # front right of what heads for +y
    np.testing.assert_allclose(corners[6], [9.0, 3.0, 1.75])


@given(st.floats(-4, 4), st.floats(-4, 4))
def test_corners_move_with_the_box(yaw: float, turn: float) -> None:
    box = np.array([[1.0, -2.0, 0.7, 4.0, 1.8, 1.5, yaw]])
    motion = np.eye(4)
    motion[:2, :2] = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    motion[:3, 3] = 3.0, -4.0, 0.5
    moved = transform_boxes(box, motion)
    expected = box_corners(box) @ motion[:3, :3].T + motion[:3, 3]
    np.testing.assert_allclose(box_corners(moved), expected, atol=1e-12)
    assert -math.pi <= moved[0, 6] < math.pi


@given(st.floats(-4, 4), st.floats(-3, 3), st.integers(0, 1000))
def test_points_are_counted_as_by_corners(yaw: float, x: float, seed: int) -> None:
    box = np.array([[x, 1.0, 0.7, 4.0, 1.8, 1.5, yaw]])
    points = np.random.default_rng(seed).uniform(-4, 4, (300, 3))
    corners = box_corners(box)[0]
    axes = [corners[a] - corners[3] for a in (0, 2, 7)]  # length, width, height from rear right
    shares = np.stack([(points - corners[3]) @ axis / (axis @ axis) for axis in axes])
    expected = ((shares >= 0.0) & (shares <= 1.0)).all(axis=0).sum()
    assert count_points(points, box)[0] == expected


def test_a_margin_takes_in_noise() -> None:
    box = np.array([[0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 0.3]])
    points = np.array([[0.0, 0.0, 1.05, 9.0], [0.0, 0.0, 0.99, 9.0]], dtype=np.float32)
    assert count_points(points, box)[0] == 1
    assert count_points(points, box, margin=0.1)[0] == 2
