"""Where points and boxes come to lie in pictures."""

import numpy as np

from snn_ros.drawing import draw_from_above, draw_in_camera, top_view, write_text

WHITE, BRIGHT = (255, 255, 255), 127
REACH, SIZE = 20.0, 400  # 10 pixels a metre
INTRINSICS = np.array([[100.0, 0.0, 50.0], [0.0, 100.0, 50.0], [0.0, 0.0, 1.0]])
CAMERA = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])  # looks along x


def lit(picture: np.ndarray) -> np.ndarray:
    """(N, 2) rows and columns of pixels that are rather white than not; lines are smooth."""
    return np.argwhere((picture > BRIGHT).all(axis=-1))


def test_points_ahead_are_above_and_those_at_the_left_are_left() -> None:
    empty = top_view(np.zeros((0, 3)), SIZE, REACH)
    points = np.array([[15.0, 0.0, 0.5], [0.0, 12.5, 0.5], [0.0, 90.0, 0.5]])
    changed = np.argwhere((top_view(points, SIZE, REACH) != empty).any(axis=-1))
    assert changed.tolist() == [[50, 200], [200, 75]]


def test_higher_points_are_drawn_over_lower_ones() -> None:
    low, high = [5.0, 5.0, 0.0], [5.0, 5.0, 2.5]
    views = [top_view(np.array(points), SIZE, REACH) for points in ([low, high], [high, low])]
    np.testing.assert_array_equal(*views)
    np.testing.assert_array_equal(views[0], top_view(np.array([high]), SIZE, REACH))


def test_a_box_from_above_is_outlined_and_says_where_its_front_is() -> None:
    view = top_view(np.zeros((0, 3)), SIZE, REACH)
    draw_from_above(view, np.array([[10.0, 0.0, 0.0, 4.0, 2.0, 1.5, 0.0]]), REACH, WHITE)
    rows, columns = lit(view).T
    assert (rows.min(), rows.max()) == (80, 120)
    assert (columns.min(), columns.max()) == (190, 210)
    assert (view[81:100, 200] > BRIGHT).all()  # from the middle to the front
    assert (view[102:119, 200] < BRIGHT).all()


def test_a_box_in_a_camera_is_drawn_where_it_is_seen() -> None:
    picture = np.zeros((101, 101, 3), dtype=np.uint8)
    box = np.array([[11.0, 0.0, 0.0, 2.0, 2.0, 1.0, 0.0], [-9.0, 0.0, 0.0, 2.0, 2.0, 1.0, 0.0]])
    draw_in_camera(picture, box, CAMERA, INTRINSICS, WHITE)
    rows, columns = lit(picture).T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 55, 40, 60)
    draw_in_camera(picture, np.array([[1.0, 0, 0, 4.0, 2, 1, 0]]), CAMERA, INTRINSICS, WHITE)


def test_text_beyond_the_border_stays_in_the_picture() -> None:
    picture = np.zeros((40, 60, 3), dtype=np.uint8)
    write_text(picture, "0.93", -20, -20, WHITE)
    assert len(lit(picture)) > 10
