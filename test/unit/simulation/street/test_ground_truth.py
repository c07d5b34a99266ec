"""Labels: boxes, points in them, rays at them."""

import numpy as np

from snn_ros.geometry.boxes import box_corners
from snn_ros.simulation.street.actors import CLASS_OF, KINDS, ActorSpec, ActorState
from snn_ros.simulation.street.ground_truth import (
    ObjectLabels,
    object_labels,
    unobstructed_shares,
)

SPECS = [
    ActorSpec(0, "sedan", 4.0, 1.8, 1.5),
    ActorSpec(1, "pedestrian", 0.5, 0.5, 1.7),
    ActorSpec(2, "van", 5.0, 2.0, 2.2),
]


def labels_of(boxes: list[list[float]]) -> ObjectLabels:
    count = len(boxes)
    return ObjectLabels(np.arange(count), ("Car",) * count, np.array(boxes), np.zeros((count, 3)))


def test_labels_of_those_who_are_there() -> None:
    states = {
        0: ActorState(10.0, 2.0, np.pi / 2, speed=3.0),
        1: ActorState(5.0, -6.0, 7.0, speed=1.0),
    }
    labels = object_labels(SPECS, states, lambda x, y: 0.12 if y < -5.0 else 0.0)
    assert labels.classes == ("Car", "Pedestrian")
    np.testing.assert_array_equal(labels.identifiers, [0, 1])
    np.testing.assert_allclose(labels.boxes[0], [10, 2, 0.75, 4, 1.8, 1.5, np.pi / 2])
    assert labels.boxes[1, 2] == 0.12 + 0.85
    assert labels.boxes[1, 6] == 7.0 - 2 * np.pi
    np.testing.assert_allclose(labels.velocities[0], [0, 3, 0], atol=1e-12)


def test_every_kind_has_a_class() -> None:
    assert set(CLASS_OF) == set(KINDS)


def test_nobody_there() -> None:
    assert len(object_labels(SPECS, {})) == 0


def test_labels_in_another_frame_keep_their_corners() -> None:
    labels = object_labels(SPECS, {2: ActorState(10.0, 2.0, 0.4, speed=3.0)})
    pose = np.eye(4)
    turn = np.array([[np.cos(1.1), -np.sin(1.1)], [np.sin(1.1), np.cos(1.1)]])
    pose[:2, :2], pose[:3, 3] = turn, [3.0, -4.0, 0.5]
    moved = labels.seen_from(pose)
    expected = box_corners(labels.boxes) @ pose[:3, :3].T + pose[:3, 3]
    np.testing.assert_allclose(box_corners(moved.boxes), expected, atol=1e-12)
    np.testing.assert_allclose(moved.velocities[0, :2], turn @ labels.velocities[0, :2])


def test_share_of_a_box_that_nothing_stands_before() -> None:
    far = [10.0, 0.0, 0.0, 2.0, 4.0, 2.0, 0.0]
    near = [5.0, 1.0, 0.0, 0.1, 2.0, 2.0, 0.0]  # hides the far one's left half: y in (0, 2)
    away = [-10.0, 0.0, 0.0, 2.0, 4.0, 2.0, 0.0]
    labels = labels_of([far, near, away])
    azimuth = np.radians(np.linspace(-30.0, 30.0, 601))
    rays = np.stack([np.cos(azimuth), np.sin(azimuth), 0.0 * azimuth], axis=1)
    hit, distance = np.full(len(azimuth), -1), np.full(len(azimuth), 12.0)
    hits_far = np.abs(9.0 * np.tan(azimuth)) <= 1.5  # its body is narrower than its box
    hit[hits_far], distance[hits_far] = 0, 9.0
    y = 4.95 * np.tan(azimuth)
    hits_near = (y >= 0.0) & (y <= 2.0)
    hit[hits_near], distance[hits_near] = 1, 4.95
    same_rays = np.broadcast_to(rays, (3, *rays.shape))
    share = unobstructed_shares(
        np.zeros(3),
        same_rays,
        np.broadcast_to(hit, (3, len(hit))),
        np.broadcast_to(distance, (3, len(hit))),
        labels,
    )
    np.testing.assert_allclose(share[:2], [0.5, 1.0], atol=0.01)
    assert np.isnan(share[2])


def test_who_looks_out_of_a_box_sees_it() -> None:
    around = labels_of([[0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 0.3]])
    ray = np.array([[[1.0, 0.0, 0.0]]])
    wall = unobstructed_shares(np.zeros(3), ray, np.array([[-1]]), np.array([[0.5]]), around)
    assert wall[0] == 1.0
