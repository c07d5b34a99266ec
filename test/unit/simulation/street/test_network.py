"""Lanes as arrays, and routes through them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.street.layouts import LayoutParameters, make_layout
from snn_ros.simulation.street.network import LaneNetwork
from snn_ros.simulation.street.planar import inside_any
from snn_ros.simulation.street.route import Route, plan_lanes

STREET = LaneNetwork(make_layout(LayoutParameters(kind="street", bend=50.0)))
CROSSING = LaneNetwork(make_layout(LayoutParameters(kind="crossing")))
PARKING = LaneNetwork(make_layout(LayoutParameters(kind="parking")))


@given(st.floats(1.0, 380.0), st.floats(-0.8, 0.8))
def test_a_body_is_found_in_its_lane(s: float, offset: float) -> None:
    x, y, yaw = STREET.poses(np.array([0]), np.array([s]))[0]
    x, y = x - offset * np.sin(yaw), y + offset * np.cos(yaw)
    position, lane_yaw = STREET.under(float(x), float(y), 0.9)[0]
    assert position.lane == 0
    assert position.s == pytest.approx(s, abs=0.1)
    assert position.offset == pytest.approx(offset, abs=0.05)
    assert lane_yaw == pytest.approx(yaw, abs=0.03)


def test_who_straddles_a_line_is_in_both_lanes() -> None:
    assert [p.lane for p, _ in STREET.under(20.0, -1.75, 0.9)] == [0]
    assert {p.lane for p, _ in STREET.under(20.0, -0.3, 0.9)} == {0, 2}
    assert STREET.under(20.0, 60.0, 0.9) == []


def test_lanes_that_diverge_run_together_for_a_while() -> None:
    incoming = next(lane for lane in CROSSING.lanes if lane.gate)
    for way in incoming.successors:
        others = dict(CROSSING.diverging[way])
        assert set(others) == set(incoming.successors) - {way}
        assert all(3.0 < together < 12.0 for together in others.values())


def test_where_a_crosswalk_meets_the_lanes() -> None:
    found = STREET.crossings_with(np.array([[50.0, -8.0], [50.0, 8.0]]))
    lanes = dict(found)
    assert set(lanes) == {lane.identifier for lane in STREET.lanes if lane.kind != "walk"}
    assert lanes[0] == pytest.approx(50.0)
    assert lanes[2] == pytest.approx(float(STREET.length[2]) - 50.0)


@pytest.mark.parametrize("turn", ["left", "right", "forward"])
def test_a_route_turns_as_told(turn: str) -> None:
    incoming = next(lane.identifier for lane in CROSSING.lanes if lane.gate)
    lanes = plan_lanes(CROSSING, incoming, [turn], 500.0)
    assert len(lanes) == 3
    assert CROSSING.lanes[lanes[1]].turn == turn
    route = Route(CROSSING, lanes)
    assert route.length == pytest.approx(float(CROSSING.length[lanes].sum()), rel=1e-3)


@given(st.floats(5.0, 230.0), st.floats(-2.0, 2.0))
def test_projection_is_the_inverse_of_a_pose(s: float, offset: float) -> None:
    incoming = next(lane.identifier for lane in CROSSING.lanes if lane.gate)
    route = Route(CROSSING, plan_lanes(CROSSING, incoming, ["left"], 500.0))
    x, y, yaw = route.poses(np.array([s]))[0]
    found = route.project(float(x - offset * np.sin(yaw)), float(y + offset * np.cos(yaw)), s)
    np.testing.assert_allclose(found, [s, offset], atol=0.12)


def test_a_route_may_pass_a_place_twice() -> None:
    route = Route(PARKING, plan_lanes(PARKING, 0, [], 400.0))
    lap = float(PARKING.length[0])
    x, y, _ = route.poses(np.array([lap + 10.0]))[0]
    assert route.project(float(x), float(y), near=12.0)[0] == pytest.approx(10.0, abs=0.1)
    assert route.project(float(x), float(y), near=lap)[0] == pytest.approx(lap + 10.0, abs=0.1)


def test_points_in_polygons() -> None:
    square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    points = np.array([[1.0, 1.0], [3.0, 1.0], [6.0, 1.0], [2.0, 2.0]])
    np.testing.assert_array_equal(
        inside_any([square, square + 4.0 * np.array([1.0, 0.0])], points), [True, False, True, True]
    )
