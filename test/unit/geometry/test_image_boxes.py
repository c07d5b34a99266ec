"""Boxes in pictures against cases computed by hand."""

import numpy as np
import pytest

from snn_ros.geometry.image_boxes import project_boxes, project_edges

INTRINSICS = np.array([[100.0, 0.0, 50.0], [0.0, 100.0, 50.0], [0.0, 0.0, 1.0]])
WIDTH = HEIGHT = 101  # pixel centres 0..100, the optical axis in the middle
CAMERA = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])  # looks along x


def shown(*box: float) -> tuple[np.ndarray, float, bool]:
    result = project_boxes(np.array([box]), CAMERA, INTRINSICS, WIDTH, HEIGHT)
    return result.boxes[0], float(result.truncation[0]), bool(result.in_view[0])


def test_a_box_in_the_middle() -> None:
    # the front face at 10 m is 2 m wide and 1 m high: 20 x 10 pixels
    box, truncation, in_view = shown(11.0, 0.0, 0.0, 2.0, 2.0, 1.0, 0.0)
    np.testing.assert_allclose(box, [40.0, 45.0, 60.0, 55.0])
    assert truncation == pytest.approx(0.0, abs=1e-12)
    assert in_view


def test_a_quarter_beyond_the_left_border() -> None:
    # a plate at 10 m, 4 m wide (40 pixels), the left border of the image at y = +5 m
    box, truncation, _ = shown(10.0, 4.0, 0.0, 1e-9, 4.0, 1.0, 0.0)
    np.testing.assert_allclose(box, [0.0, 45.0, 30.0, 55.0], atol=1e-6)
    assert truncation == pytest.approx(0.25)


def test_truncation_at_two_borders_is_of_the_area() -> None:
    # right half and lower half beyond the corner
    _, truncation, _ = shown(10.0, -5.0, -5.0, 1e-9, 2.0, 2.0, 0.0)
    assert truncation == pytest.approx(0.75)


@pytest.mark.parametrize("x", [-10.0, 0.0])
def test_behind_the_camera(x: float) -> None:
    box, truncation, in_view = shown(x - 5.0, 0.0, 0.0, 4.0, 2.0, 1.5, 0.3)
    assert not in_view
    assert truncation == 1.0
    np.testing.assert_array_equal(box, 0.0)


def test_beside_the_camera_is_cut_at_the_near_plane() -> None:
    # from 1 m behind to 3 m ahead, left edge at y = 1..3
    box, truncation, in_view = shown(1.0, 2.0, 0.0, 4.0, 2.0, 1.0, 0.0)
    assert in_view
    assert box[0] == 0.0
    assert box[2] == pytest.approx(50.0 - 100.0 * 1.0 / 3.0)
    assert truncation > 0.9


def test_outside_the_image() -> None:
    assert not shown(10.0, 20.0, 0.0, 2.0, 2.0, 1.0, 0.0)[2]


def edges_of(*box: float) -> np.ndarray:
    return project_edges(np.array([box]), CAMERA, INTRINSICS)[0]


def test_edges_span_the_rectangle_of_the_box() -> None:
    edges = edges_of(11.0, 0.3, 0.2, 2.0, 1.0, 1.5, 0.7).reshape(-1, 2)
    rectangle, _, _ = shown(11.0, 0.3, 0.2, 2.0, 1.0, 1.5, 0.7)
    np.testing.assert_allclose([*edges.min(axis=0), *edges.max(axis=0)], rectangle)


def test_edges_end_at_the_near_plane() -> None:
    # 2 m wide about the axis, from 1 m behind to 3 m ahead: at 0.1 m, y = 1 is 1000 pixels aside
    edges = edges_of(1.0, 0.0, 0.0, 4.0, 2.0, 1.0, 0.0)
    behind = np.isnan(edges).any(axis=(1, 2))
    assert behind.sum() == 4
    assert np.nanmin(edges[..., 0]) == pytest.approx(50.0 - 1000.0)
    assert np.nanmax(edges[..., 1]) == pytest.approx(50.0 + 500.0)
    assert np.isnan(edges_of(-5.0, 0.0, 0.0, 4.0, 2.0, 1.0, 0.0)).all()
