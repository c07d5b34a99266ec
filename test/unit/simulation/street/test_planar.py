"""Footprints against brute force."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.street.planar import (
    footprint_corners,
    overlap,
    overlapping_pairs,
)

footprints = st.tuples(
    st.floats(-4, 4), st.floats(-4, 4), st.floats(-4, 4), st.floats(0.5, 6), st.floats(0.5, 3)
)


def holds(footprint: np.ndarray, points: np.ndarray, margin: float) -> np.ndarray:
    offset = points - footprint[:2]
    cosine, sine = np.cos(footprint[2]), np.sin(footprint[2])
    along = np.abs(offset[:, 0] * cosine + offset[:, 1] * sine)
    across = np.abs(offset[:, 1] * cosine - offset[:, 0] * sine)
    return (along < footprint[3] / 2 + margin) & (across < footprint[4] / 2 + margin)


@given(footprints, footprints)
def test_overlap_against_points(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    one, other = np.array(first), np.array(second)
    grid = np.linspace(-0.5, 0.5, 41)
    local = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2) * one[3:5]
    turn = np.array([[np.cos(one[2]), np.sin(one[2])], [-np.sin(one[2]), np.cos(one[2])]])
    points = one[:2] + local @ turn
    said = overlap(one[None], other[None])[0]
    if holds(other, points, -1e-6).any():
        assert said
    if not holds(other, points, 0.2).any():
        assert not said


def test_corners() -> None:
    corners = footprint_corners(np.array([[1.0, 2.0, np.pi / 2, 4.0, 2.0]]))[0]
    np.testing.assert_allclose(corners, [[2, 4], [0, 4], [0, 0], [2, 0]], atol=1e-12)


def test_pairs_of_those_that_move() -> None:
    row = np.array([[0, 0, 0, 4, 2], [1, 0, 0, 4, 2], [2, 0.5, 1, 4, 2], [50, 0, 0, 4, 2.0]])
    assert overlapping_pairs(row) == [(0, 1), (0, 2), (1, 2)]
    moving = np.array([False, False, True, True])
    assert sorted(overlapping_pairs(row, moving)) == [(0, 2), (1, 2)]
    assert overlapping_pairs(row[:1]) == []


def test_touching_is_no_overlap() -> None:
    row = np.array([[0, 0, 0, 4, 2], [4, 0, 0, 4, 2], [0, 2, 0, 4, 2.0]])
    assert overlapping_pairs(row) == []
