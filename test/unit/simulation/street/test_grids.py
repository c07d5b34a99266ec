"""Grids around the ego against brute force."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.simulation.street.grids import MapGrids, cell_centres, occupancy_grid, to_ego
from snn_ros.simulation.street.layouts import LayoutParameters, make_layout
from snn_ros.simulation.street.planar import footprint_corners

EGO = (12.0, -1.5, 0.35)
AT_ORIGIN = (0.0, 0.0, 0.0)


def centres_in_world(ego: tuple[float, float, float]) -> np.ndarray:
    """(200, 200, 2) where the centres of the cells are in the world."""
    x, y = np.meshgrid(cell_centres(), cell_centres(), indexing="ij")
    cosine, sine = np.cos(ego[2]), np.sin(ego[2])
    return np.stack([ego[0] + x * cosine - y * sine, ego[1] + x * sine + y * cosine], axis=-1)


def test_rows_grow_forward_and_columns_to_the_left() -> None:
    grid = occupancy_grid(np.array([[10.0, 5.0, 0.0, 4.0, 2.0]]), AT_ORIGIN)
    rows, columns = np.nonzero(grid)
    # x 8..12 -> (8 + 50) / 0.5 = 116 to 124, y 4..6 -> 108 to 112, both ends included
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (116, 124, 108, 112)
    assert grid.sum() == 9 * 5


def test_a_turned_ego_sees_a_turned_world() -> None:
    row = np.array([[7.0, 20.0, np.pi / 2, 4.0, 2.0]])
    grid = occupancy_grid(row, (7.0, 10.0, np.pi / 2))
    ahead = occupancy_grid(np.array([[10.0, 0.0, 0.0, 4.0, 2.0]]), AT_ORIGIN)
    np.testing.assert_array_equal(grid, ahead)


@settings(max_examples=40, deadline=None)
@given(st.floats(-45, 45), st.floats(-45, 45), st.floats(-4, 4), st.floats(1, 10), st.floats(1, 4))
def test_footprints_against_the_polygon(
    x: float, y: float, yaw: float, length: float, width: float
) -> None:
    footprint = np.array([[x, y, yaw, length, width]])
    grid = occupancy_grid(footprint, AT_ORIGIN)
    rounded = np.round((footprint_corners(footprint)[0] + 50.0) / 0.5).astype(np.float32)
    low, high = np.floor(rounded.min(axis=0)).astype(int) - 2, np.ceil(rounded.max(axis=0)) + 3
    window = np.zeros_like(grid)
    window[max(low[0], 0) : int(high[0]), max(low[1], 0) : int(high[1])] = True
    assert not grid[~window].any()
    for row, column in np.argwhere(window):
        depth = cv2.pointPolygonTest(rounded, (float(row), float(column)), True)
        if abs(depth) > 0.8:
            assert grid[row, column] == (depth > 0.0)


def test_far_bodies_leave_no_trace() -> None:
    assert not occupancy_grid(np.array([[300.0, 0.0, 0.0, 4.0, 2.0]]), AT_ORIGIN).any()
    assert not occupancy_grid(np.zeros((0, 5)), AT_ORIGIN).any()


@pytest.mark.parametrize("kind", ["street", "crossing", "route"])
def test_drivable_cells_are_those_whose_centre_is_on_the_road(kind: str) -> None:
    layout = make_layout(LayoutParameters(kind=kind), seed=3)
    grid = MapGrids(layout).drivable(EGO)
    centres = centres_in_world(EGO)
    polygons = [polygon.astype(np.float32) for polygon in layout.carriageway]
    rng = np.random.default_rng(0)
    for row, column in rng.integers(0, 200, (1500, 2)):
        point = tuple(map(float, centres[row, column]))
        depth = max(cv2.pointPolygonTest(polygon, point, True) for polygon in polygons)
        if abs(depth) > 1e-3:
            assert grid[row, column] == (depth > 0.0)
    assert 0.05 < grid.mean() < 0.6


def test_lane_dividers_are_a_metre_wide() -> None:
    layout = make_layout(LayoutParameters(kind="street", bend=40.0), seed=3)
    grid = MapGrids(layout).lane_dividers(EGO)
    centres = centres_in_world(EGO)
    nearest = np.full((200, 200), np.inf)
    for marking in layout.markings:
        if marking.divider:
            for start, end in zip(marking.points[:-1], marking.points[1:], strict=True):
                share = np.linspace(0.0, 1.0, 1500)[:, None]
                line = start + share * (end - start)
                line = line[np.linalg.norm(line - np.array(EGO[:2]), axis=1) < 75.0]
                for point in line[:: max(1, len(line) // 600)]:
                    nearest = np.minimum(nearest, np.linalg.norm(centres - point, axis=-1))
    assert grid[nearest < 0.45].all()
    assert not grid[nearest > 0.55].any()
    assert grid.any()


def test_the_ego_frame() -> None:
    point = to_ego(np.array([[7.0, 12.0]]), (7.0, 10.0, np.pi / 2))
    np.testing.assert_allclose(point, [[2.0, 0.0]], atol=1e-12)
