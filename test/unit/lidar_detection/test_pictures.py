"""Detections beside the truth, in pictures."""

import numpy as np
import pytest
from support.lidar_scenes import BOXES, SENSOR_HEIGHT, scene

from snn_ros.drawing import TRUE_BOX
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.pictures import (
    COLOURS,
    beside,
    birds_eye_picture,
    camera_picture,
    enlarged,
)

LABELS = np.array([0, 0, 1, 2])
TRUTH = BOXES - SENSOR_HEIGHT * np.eye(7)[2]


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Nearly: lines are smooth."""
    return bool((np.abs(picture.astype(int) - colour) <= 12).all(axis=-1).any())


def test_a_wider_picture_shows_points_at_the_same_share_of_it() -> None:
    picture = np.zeros((50, 100, 3), dtype=np.uint8)
    picture[20:30, 40:60] = 255
    K = np.array([[80.0, 0.0, 49.5], [0.0, 80.0, 24.5], [0.0, 0.0, 1.0]])
    wide, wider = enlarged(picture, K, width=400)
    assert wide.shape == (200, 400, 3)
    assert (wide[85:115, 165:235] == 255).all()
    ray = np.array([0.25, -0.1, 1.0])
    np.testing.assert_allclose((wider @ ray)[:2] + 0.5, 4 * ((K @ ray)[:2] + 0.5))
    same, unchanged = enlarged(picture, K, width=60)
    assert same.shape == picture.shape
    np.testing.assert_array_equal(unchanged, K)


@pytest.mark.parametrize(("row", "name"), [(0, "Car"), (2, "Pedestrian")])
def test_found_boxes_are_seen_in_the_colour_of_their_class(row: int, name: str) -> None:
    scan = scene()
    found = Detections(TRUTH[[row]] + 0.3 * np.eye(7)[1], np.array([0.87]), LABELS[[row]])
    width, height = scan.view.size.tolist()
    black = np.zeros((height, width, 3), dtype=np.uint8)
    drawn = camera_picture(black, found, TRUTH, scan.view.pose, scan.view.intrinsics)
    above = birds_eye_picture(scan.points, found, TRUTH, SENSOR_HEIGHT, size=600)
    for picture in (drawn, above[200:400, 200:400]):  # the middle, without the legend
        shown = {other for other, colour in COLOURS.items() if has(picture, colour)}
        assert shown == {name}
        assert has(picture, TRUE_BOX)
    assert not black.any()


def test_pictures_of_any_height_stand_side_by_side() -> None:
    camera, above = np.full((30, 80, 3), 9, np.uint8), np.full((100, 100, 3), 7, np.uint8)
    sheet = beside([camera, camera], above)
    assert sheet.shape == (100, 180, 3)
    assert (sheet[:60, :80] == 9).all()
    assert (sheet[:, 80:] == 7).all()
    assert beside([], above) is above
