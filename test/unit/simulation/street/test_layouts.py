"""Places: the same for the same seed, lanes that join, surfaces that hold what stands on them."""

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.configuration import ConfigurationError
from snn_ros.simulation.street.layout import POLE_KINDS, RoadLayout
from snn_ros.simulation.street.layouts import LayoutParameters, make_layout
from snn_ros.simulation.street.layouts.centre_line import CentreLine, Piece, arc
from snn_ros.simulation.street.planar import advance

KINDS = ("street", "crossing", "highway", "parking", "campus", "route")


def digest(layout: RoadLayout) -> str:
    """A hash of every number of a layout."""
    text = hashlib.sha256()

    def feed(value: object) -> None:
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                feed(getattr(value, field.name))
        elif isinstance(value, np.ndarray):
            text.update(value.tobytes())
        elif isinstance(value, tuple):
            for member in value:
                feed(member)
        else:
            text.update(repr(value).encode())

    feed(layout)
    return text.hexdigest()


def signed_distances(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) distance to the nearest edge of a counter-clockwise polygon, positive inside."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    normals = np.stack([-edges[:, 1], edges[:, 0]], axis=1) / np.linalg.norm(edges, axis=1)[:, None]
    return np.einsum("ek,nek->ne", normals, points[:, None] - polygon).min(axis=1)


def inside_any(polygons: tuple[np.ndarray, ...], points: np.ndarray) -> np.ndarray:
    return np.stack([signed_distances(p, points) > -0.05 for p in polygons]).any(axis=0)


@pytest.fixture(params=KINDS)
def layout(request: pytest.FixtureRequest) -> RoadLayout:
    return make_layout(LayoutParameters(kind=request.param), seed=4)


def test_same_seed_same_place(layout: RoadLayout) -> None:
    parameters = LayoutParameters(kind=layout.name.split(":")[0])
    assert digest(make_layout(parameters, seed=4)) == digest(layout)
    assert digest(make_layout(parameters, seed=5)) != digest(layout)


def test_lanes_join_their_successors(layout: RoadLayout) -> None:
    for lane in (*layout.lanes, *layout.footways):
        for successor in lane.successors:
            others = layout.lanes if lane.kind != "walk" else layout.footways
            following = next(other for other in others if other.identifier == successor)
            np.testing.assert_allclose(lane.centre[-1], following.centre[0], atol=1e-9)
            before = lane.centre[-1] - lane.centre[-2]
            after = following.centre[1] - following.centre[0]
            cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
            assert cosine > np.cos(np.radians(20.0))


def test_lanes_lie_on_the_carriageway_with_their_whole_width(layout: RoadLayout) -> None:
    for lane in layout.lanes:
        along = np.diff(lane.centre, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        normal *= lane.width / 2 / np.linalg.norm(normal, axis=1)[:, None]
        middle = lane.centre[1:] - along / 2
        for side in (-0.7, 0.0, 0.7):
            assert inside_any(layout.carriageway, middle + side * normal).all()


def test_polygons_are_convex_and_counter_clockwise(layout: RoadLayout) -> None:
    footprints = tuple(building.footprint for building in layout.buildings)
    for polygon in (*layout.carriageway, *layout.pavements, *footprints):
        edges = np.roll(polygon, -1, axis=0) - polygon
        following = np.roll(edges, -1, axis=0)
        assert (edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0] > -1e-9).all()


def test_nothing_stands_on_the_road(layout: RoadLayout) -> None:
    solid = [np.array([[t.x, t.y] for t in layout.trees]), np.array([p[:2] for p in layout.poles])]
    solid += [building.footprint for building in layout.buildings]
    points = np.concatenate([part for part in solid if len(part)])
    lanes = np.concatenate([lane.centre for lane in layout.lanes])
    widest = max(lane.width for lane in layout.lanes)
    nearest = np.linalg.norm(points[:, None] - lanes[None, :], axis=2).min(axis=1)
    assert nearest.min() > widest / 2
    assert {pole.kind for pole in layout.poles} <= set(POLE_KINDS)


def test_parking_is_beside_the_lanes(layout: RoadLayout) -> None:
    if not layout.parking:
        return  # nobody parks on highways, paths and crossings
    spots = np.array([[spot.x, spot.y] for spot in layout.parking])
    assert inside_any(layout.carriageway, spots).all()
    for lane in layout.lanes:
        distance = np.linalg.norm(spots[:, None] - lane.centre[None], axis=2).min(axis=1)
        assert distance.min() > lane.width / 2 + 0.9


def test_neighbours_run_side_by_side() -> None:
    layout = make_layout(LayoutParameters(kind="highway", bend=30.0))
    for lane in layout.lanes:
        if lane.left is None:
            continue
        other = layout.lane(lane.left)
        assert other.right == lane.identifier
        offset = other.centre - lane.centre
        along = np.gradient(lane.centre, axis=0)
        np.testing.assert_allclose(np.linalg.norm(offset, axis=1), 3.75, atol=1e-6)
        assert (along[:, 0] * offset[:, 1] - along[:, 1] * offset[:, 0] > 0.0).all()


def test_every_turn_is_possible_at_the_crossing() -> None:
    layout = make_layout(LayoutParameters(kind="crossing"))
    entries = [lane for lane in layout.lanes if lane.gate]
    assert len(entries) == 4
    for lane in entries:
        assert {layout.lane(s).turn for s in lane.successors} == {"left", "right", "forward"}


def test_a_route_is_as_long_as_asked() -> None:
    layout = make_layout(LayoutParameters(kind="route"), seed=2)
    lengths = [np.linalg.norm(np.diff(lane.centre, axis=0), axis=1).sum() for lane in layout.lanes]
    assert 950.0 < np.mean(lengths) < 1150.0


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"length = 1\.0.*"):
        make_layout(LayoutParameters(length=1.0))


@given(st.floats(-0.2, 0.2), st.floats(0.1, 80.0))
def test_a_circle_is_exact(curvature: float, distance: float) -> None:
    whole = advance([1.0, 2.0, 0.3], distance, curvature)
    pose = np.array([1.0, 2.0, 0.3])
    for _ in range(7):
        pose = advance(pose, distance / 7, curvature)
    np.testing.assert_allclose(pose, whole, atol=1e-9)


def test_poses_of_a_centre_line() -> None:
    line = CentreLine((0.0, 0.0, 0.0), [Piece(10.0), arc(5.0, np.pi / 2)])
    np.testing.assert_allclose(line.poses([10.0 + 5.0 * np.pi / 2])[0], [15.0, 5.0, np.pi / 2])
    np.testing.assert_allclose(line.points([10.0 + 5.0 * np.pi / 2], 2.0)[0], [13.0, 5.0])
