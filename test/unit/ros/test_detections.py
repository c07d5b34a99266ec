import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vision_msgs.msg import Detection3D
from visualization_msgs.msg import Marker

from snn_ros.ros.conversions.detections import (
    Detections,
    read_detections,
    write_detections,
    write_markers,
)
from snn_ros.ros.conversions.stamps import read_stamp
from snn_ros.ros.conversions.validation import BadFrame, BadValue

BOXES = np.array([[10.0, 2.0, -1.0, 4.0, 1.8, 1.5, 0.3], [20.0, -3.0, -1.0, 0.8, 0.6, 1.7, -3.0]])
FOUND = Detections(
    BOXES, np.array([0.9, 0.4]), ("Car", "Pedestrian"), ("17", ""), np.array([[5.0, 0], [0, 1.0]])
)

box = st.tuples(
    *[st.floats(-200, 200)] * 3, *[st.floats(0.01, 50)] * 3, st.floats(-math.pi, math.pi)
)


@given(st.lists(st.tuples(box, st.floats(0, 1), st.text(min_size=1), st.text()), max_size=4))
def test_detections_survive_the_round_trip(found):
    boxes = np.array([entry[0] for entry in found]).reshape(-1, 7)
    scores = np.array([entry[1] for entry in found])
    names, ids = [entry[2] for entry in found], [entry[3] for entry in found]
    message = write_detections(Detections(boxes, scores, names, ids), 5, "lidar")
    again = read_detections(message)
    assert again.boxes[:, :6].tobytes() == boxes[:, :6].tobytes()
    turns = again.boxes[:, 6] - boxes[:, 6]
    assert np.allclose(np.cos(turns), 1, atol=1e-12)
    assert again.scores.tolist() == scores.tolist()
    assert list(again.class_names) == names
    assert list(again.track_ids) == ids


def test_a_message_says_what_vision_msgs_means():
    message = write_detections(FOUND, 1_500_000_000, "lidar")
    assert read_stamp(message.header.stamp) == 1_500_000_000
    car = message.detections[0]
    assert car.header == message.header
    assert (car.bbox.center.position.x, car.bbox.size.x, car.bbox.size.z) == (10.0, 4.0, 1.5)
    assert car.bbox.center.orientation.z == pytest.approx(math.sin(0.15))
    assert car.results[0].hypothesis.class_id == "Car"
    assert car.results[0].hypothesis.score == 0.9
    assert car.results[0].pose.pose == car.bbox.center
    assert [d.id for d in message.detections] == ["17", ""]


def test_the_best_hypothesis_wins():
    message = write_detections(FOUND, 0, "lidar")
    other = write_detections(FOUND, 0, "lidar").detections[0].results[0]
    other.hypothesis.class_id, other.hypothesis.score = "Van", 0.95
    message.detections[0].results.append(other)
    assert read_detections(message).class_names[0] == "Van"


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda m: setattr(m.header, "frame_id", ""), BadFrame, "header.frame_id"),
        (lambda m: m.detections.append(Detection3D()), BadValue, "detections\\[2\\].results"),
        (lambda m: setattr(m.detections[0].bbox.size, "y", 0.0), BadValue, "bbox.size"),
        (lambda m: setattr(m.detections[0].bbox.size, "y", math.nan), BadValue, "not finite"),
        (
            lambda m: setattr(m.detections[1].bbox.center.orientation, "w", 3.0),
            BadValue,
            "detections\\[1\\].bbox.center.orientation: .*norm",
        ),
        (
            lambda m: setattr(m.detections[0].results[0].hypothesis, "score", math.inf),
            BadValue,
            "score",
        ),
    ],
)
def test_bad_detections_are_refused_by_name(spoil, error, text):
    message = write_detections(FOUND, 0, "lidar")
    spoil(message)
    with pytest.raises(error, match=text):
        read_detections(message)


def test_a_tilted_box_and_a_foreign_frame_are_refused():
    message = write_detections(FOUND, 0, "lidar")
    q = message.detections[0].bbox.center.orientation
    q.x, q.y, q.z, q.w = 0.1, 0.0, 0.0, math.sqrt(0.99)
    with pytest.raises(BadValue, match="tilted"):
        read_detections(message)
    message = write_detections(FOUND, 0, "lidar")
    message.detections[0].header = write_detections(FOUND, 0, "map").header
    with pytest.raises(BadFrame, match="'map': not the array's"):
        read_detections(message)


def test_markers_show_each_box_once_and_replace_the_ones_before():
    message = write_markers(FOUND, 5, "lidar", lifetime_ns=500_000_000)
    first, *rest = message.markers
    assert first.action == Marker.DELETEALL
    assert all(marker.action == Marker.ADD for marker in rest)
    assert len({(marker.ns, marker.id) for marker in rest}) == len(rest) == 6
    assert all(marker.lifetime.nanosec == 500_000_000 for marker in rest)
    cubes = [marker for marker in rest if marker.type == Marker.CUBE]
    assert [cube.pose.position.x for cube in cubes] == [10.0, 20.0]
    assert [cube.scale.x for cube in cubes] == [4.0, 0.8]
    texts = [marker.text for marker in rest if marker.type == Marker.TEXT_VIEW_FACING]
    assert texts == ["Car 17 0.90", "Pedestrian 0.40"]
    arrow = next(marker for marker in rest if marker.type == Marker.ARROW)
    assert (arrow.points[1].x, arrow.points[1].y) == (15.0, 2.0)  # where it is in a second


def test_a_detector_need_not_track_nor_know_velocities():
    still = Detections(BOXES, FOUND.scores, FOUND.class_names)
    assert [d.id for d in write_detections(still, 0, "lidar").detections] == ["", ""]
    markers = write_markers(still, 0, "lidar", 0).markers
    assert [m.text for m in markers if m.text] == ["Car 0.90", "Pedestrian 0.40"]
    assert not [m for m in markers if m.type == Marker.ARROW and m.action == Marker.ADD]


def test_no_detections_still_delete_the_old_markers():
    nothing = Detections(np.zeros((0, 7)), np.zeros(0), ())
    assert [m.action for m in write_markers(nothing, 0, "lidar", 0).markers] == [Marker.DELETEALL]
    assert write_detections(nothing, 0, "lidar").detections == []


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"boxes": BOXES[:1]}, "boxes: \\(1, 7\\): expected \\(2, 7\\)"),
        ({"boxes": BOXES * np.nan}, "boxes: not finite"),
        ({"boxes": BOXES * [1, 1, 1, 0, 1, 1, 1]}, "boxes: size 0.0"),
        ({"scores": np.array([0.1, np.inf])}, "scores: not finite"),
        ({"track_ids": ("1",)}, "track_ids: 1: expected 2"),
        ({"velocities": np.zeros((2, 3))}, "velocities: \\(2, 3\\): expected \\(2, 2\\)"),
    ],
)
def test_no_made_up_detection_can_be_published(values, text):
    good = {"boxes": BOXES, "scores": np.ones(2), "class_names": ("Car", "Car")}
    with pytest.raises(ValueError, match=text):
        Detections(**(good | values))
