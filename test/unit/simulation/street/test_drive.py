"""Drives: events, control, collisions, route."""

import numpy as np
import pytest

from snn_ros.simulation.street.drive import StreetDrive
from snn_ros.simulation.street.ego import EgoCommand, Trajectory
from snn_ros.simulation.street.scenario import street_scenario
from snn_ros.simulation.street.spawn import EGO


def drive_of(**values: object) -> StreetDrive:
    return StreetDrive(street_scenario({"duration": 20.0, **values}, "test"))


def events(*items: dict[str, object], **values: object) -> StreetDrive:
    return drive_of(events=list(items), **values)


TWO_LANES = {"layout": {"lanes": 2}, "ego": {"position": 30.0, "speed": 9.0}}


def test_the_first_frame_is_the_start() -> None:
    drive = drive_of(ego={"position": 30.0, "speed": 6.0})
    assert drive.frame.time == 0.0
    assert drive.frame.route_position == pytest.approx(30.0 - 1.3, abs=0.01)
    assert drive.frame.ego.speed == 6.0


def test_an_open_loop_ego_keeps_to_its_route() -> None:
    drive = drive_of(layout={"kind": "route"}, duration=60.0)
    offsets = []
    while not drive.finished:
        offsets.append(abs(drive.advance().route_offset))
    assert max(offsets) < 0.25
    assert drive.frame.route_position > 300.0


def test_a_shifted_viewpoint() -> None:
    ego = {"lateral_offset": 0.6, "position": 30.0, "speed": 8.0}
    shifted, plain = drive_of(ego=ego), drive_of(ego=ego | {"lateral_offset": 0.0})
    for _ in range(50):
        a, b = shifted.advance(), plain.advance()
    assert a.ego.y - b.ego.y == pytest.approx(0.6, abs=0.02)
    assert a.ego.x == pytest.approx(b.ego.x, abs=0.2)


def test_the_ego_stops_at_the_end_of_its_route() -> None:
    drive = drive_of(layout={"length": 100.0})
    while not drive.finished:
        drive.advance()
    assert drive.frame.ego.speed < 0.1
    assert 85.0 < drive.frame.route_position < 98.0


def test_a_cut_in_takes_the_egos_lane() -> None:
    event = {"kind": "cut_in", "time": 3.0, "distance": 14.0, "side": "right", "speed": 6.0}
    drive = events(event, **TWO_LANES)
    frames = []
    while not drive.finished:
        frames.append(drive.advance())
    at = {round(frame.time, 1): frame.actors[0] for frame in frames}
    ego = {round(frame.time, 1): frame.ego for frame in frames}
    assert at[2.9].x - ego[2.9].x - 1.3 == pytest.approx(14.0, abs=1.0)
    assert at[2.9].y == pytest.approx(-5.25, abs=0.05)
    assert at[7.0].y == pytest.approx(-1.75, abs=0.05)
    assert at[4.5].yaw > 0.05
    assert ego[15.0].speed < 7.0
    assert not any(frame.collisions for frame in frames)


def test_a_stop_stops_and_goes_on() -> None:
    drive = events({"kind": "stop", "time": 2.0, "distance": 20.0, "duration": 5.0}, **TWO_LANES)
    speeds = {}
    while not drive.finished:
        frame = drive.advance()
        speeds[round(frame.time, 1)] = (frame.actors[0].speed, frame.ego.speed)
        assert frame.collisions == ()
    assert speeds[6.5][0] == 0.0
    assert speeds[7.0][1] < 2.0
    assert speeds[12.0][0] > 4.0


def test_a_pedestrian_crosses_and_the_ego_yields() -> None:
    event = {"kind": "crossing_pedestrian", "time": 1.0, "distance": 40.0, "side": "right"}
    drive = events(event, ego={"position": 30.0, "speed": 8.0})
    sides, slowest = [], np.inf
    while not drive.finished:
        frame = drive.advance()
        assert frame.collisions == ()
        sides.append(frame.actors[0].y)
        slowest = min(slowest, frame.ego.speed)
    assert sides[0] < -7.0
    assert sides[-1] > 7.0
    assert slowest < 3.0


def test_a_blocked_lane_is_not_hit() -> None:
    drive = events({"kind": "blocked_lane", "distance": 60.0, "vehicle": "van"})
    while not drive.finished:
        assert drive.advance().collisions == ()
    assert drive.frame.ego.speed < 0.2
    assert drive.frame.actors[0].speed == 0.0


def test_oncoming_traffic_comes() -> None:
    drive = events({"kind": "oncoming", "distance": 100.0, "speed": 10.0, "encroaching": 0.5})
    first = drive.advance().actors[0]
    assert abs(abs(first.yaw) - np.pi) < 0.01
    assert first.y == pytest.approx(1.25, abs=0.01)
    for _ in range(20):
        drive.advance()
    assert drive.frame.actors[0].x < first.x - 15.0


def test_a_blind_ego_collides_once_and_it_is_said_who() -> None:
    drive = events({"kind": "blocked_lane", "distance": 30.0})
    collisions = []
    for _ in range(80):
        collisions += drive.advance(EgoCommand(0.0, 0.0)).collisions
    assert [(c.first, c.second) for c in collisions] == [(EGO, 0)]
    # 8 m/s over the 30 m between the middles less half of both lengths
    spec = drive.specs[0]
    assert collisions[0].time == pytest.approx((30.0 - (4.1 + spec.length) / 2) / 8.0, abs=0.11)


def test_a_trajectory_drives_the_ego_out_of_its_lane() -> None:
    drive = drive_of(**TWO_LANES)
    ego = drive.frame.ego
    times = np.linspace(0.0, 8.0, 41)
    x = ego.x + 9.0 * times
    y = ego.y - 3.5 * np.clip(times / 4.0, 0.0, 1.0)
    yaw = np.arctan2(np.gradient(y), np.gradient(x))
    trajectory = Trajectory(times, np.column_stack([x, y, yaw]), np.full(41, 9.0))
    for _ in range(70):
        frame = drive.advance(trajectory)
    assert frame.route_offset == pytest.approx(-3.5, abs=0.15)
    assert frame.ego.x == pytest.approx(ego.x + 63.0, abs=0.6)


def test_others_brake_for_an_ego_that_stands() -> None:
    behind = {"lane": 0, "position": 20.0, "speed": 8.0}
    drive = drive_of(ego={"lane": 0, "position": 60.0, "speed": 0.0}, actors=[behind])
    while not drive.finished:
        assert drive.advance(EgoCommand(0.0, -1.0)).collisions == ()
    assert drive.frame.actors[0].speed < 0.1


@pytest.mark.parametrize(("turn", "command"), [("left", "LEFT"), ("right", "RIGHT")])
def test_route_commands(turn: str, command: str) -> None:
    drive = drive_of(
        layout={"kind": "crossing"}, ego={"position": 80.0, "speed": 8.0, "route": [turn]}
    )
    commands = [drive.frame.command]
    while not drive.finished:
        commands.append(drive.advance().command)
    changes = [c for i, c in enumerate(commands) if i == 0 or commands[i - 1] != c]
    assert changes[:3] == ["FORWARD", command, "FORWARD"]
    yaw = drive.frame.ego.yaw - drive.route.poses(np.array([0.0]))[0, 2]
    assert yaw == pytest.approx(np.pi / 2 if turn == "left" else -np.pi / 2, abs=0.05)


def test_places_follow_the_metric_position() -> None:
    drive = drive_of(place_spacing=7.0)
    while not drive.finished:
        frame = drive.advance()
        assert frame.place == int(frame.route_position // 7.0)
    assert frame.place > 10


def test_only_those_that_were_placed_are_there() -> None:
    drive = drive_of(traffic={"parked": 0.5, "parked_at_most": 10, "pedestrians": 3})
    kinds = [spec.kind for spec in drive.specs]
    assert [spec.identifier for spec in drive.specs] == list(range(len(kinds)))
    assert kinds.count("pedestrian") == 3
    assert sum(spec.parked for spec in drive.specs) == 10
    frame = drive.advance()
    assert set(frame.actors) == set(range(len(kinds)))
    phases = [frame.actors[spec.identifier].gait_phase for spec in drive.specs if not spec.parked]
    later = drive.advance()
    walked = [later.actors[s.identifier].gait_phase for s in drive.specs if not s.parked]
    assert phases != walked
