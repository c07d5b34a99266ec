"""Ordinary traffic: nobody touches anybody, gaps are kept, and everybody gets on."""

import hashlib

import numpy as np
import pytest

from snn_ros.simulation.street.actors import ActorSpec
from snn_ros.simulation.street.agents import EGO_ROW, Agent
from snn_ros.simulation.street.drive import StreetDrive
from snn_ros.simulation.street.layouts import LayoutParameters, make_layout
from snn_ros.simulation.street.network import LaneNetwork
from snn_ros.simulation.street.scenario import StreetScenario, street_scenario
from snn_ros.simulation.street.traffic import Traffic

ORDINARY = {
    "street": {"vehicles": 12, "cyclists": 3, "pedestrians": 8, "crossing": 3, "parked": 0.6},
    "crossing": {"vehicles": 16, "cyclists": 2, "pedestrians": 6, "crossing": 5},
    "highway": {"vehicles": 30, "trucks": 0.2},
    "parking": {"vehicles": 3, "trucks": 0.0, "parked": 0.7, "pedestrians": 4},
    "campus": {"vehicles": 2, "trucks": 0.0, "cyclists": 5, "pedestrians": 16},
    "route": {"vehicles": 16, "cyclists": 4, "pedestrians": 10, "crossing": 4, "parked": 0.6},
}


def scenario(kind: str, seed: int, duration: float = 60.0, **values: object) -> StreetScenario:
    return street_scenario(
        {
            "duration": duration,
            "seed": seed,
            "layout": {"kind": kind},
            "ego": {"position": 25.0, "speed": 3.0},
            "traffic": ORDINARY[kind],
            **values,
        },
        kind,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", ORDINARY)
def test_nobody_touches_anybody_for_a_minute(kind: str, seed: int) -> None:
    drive = StreetDrive(scenario(kind, seed))
    way = dict.fromkeys((spec.identifier for spec in drive.specs if not spec.parked), 0.0)
    while not drive.finished:
        frame = drive.advance()
        assert frame.collisions == ()
        for identifier in way.keys() & frame.actors.keys():
            way[identifier] += frame.actors[identifier].speed * drive.scenario.period
    # nobody is stuck for good: most get on, and the ego does
    assert np.mean([distance > 5.0 for distance in way.values()]) > 0.8
    assert drive.frame.route_position > 60.0


def test_the_crossing_serves_every_arm() -> None:
    drive = StreetDrive(scenario("crossing", 5, duration=150.0))
    incoming = {lane.identifier for lane in drive.layout.lanes if lane.gate}
    passed = set()
    before: dict[int, int] = {}
    while not drive.finished:
        drive.advance()
        traffic = drive._traffic
        for row, lane in enumerate(traffic.lane.tolist()):
            if before.get(row) in incoming and lane != before[row]:
                passed.add(before[row])
            before[row] = lane
    assert passed == incoming


def digest(drive: StreetDrive, steps: int) -> str:
    text = hashlib.sha256()
    for _ in range(steps):
        text.update(repr(drive.advance()).encode())
    return text.hexdigest()


@pytest.mark.parametrize("kind", ["crossing", "highway"])
def test_same_seed_same_drive(kind: str) -> None:
    first = digest(StreetDrive(scenario(kind, 7)), 150)
    assert digest(StreetDrive(scenario(kind, 7)), 150) == first
    assert digest(StreetDrive(scenario(kind, 8)), 150) != first


def platoon(gaps: float, count: int) -> tuple[Traffic, LaneNetwork]:
    """Cars one behind another on a straight lane, and no ego."""
    layout = make_layout(LayoutParameters(kind="highway", lanes=1, length=3000.0))
    network = LaneNetwork(layout)
    agents = [
        Agent(ActorSpec(i, "sedan", 4.5, 1.8, 1.5), 0, 1500.0 - i * gaps, 15.0, 20.0)
        for i in range(count)
    ]
    ego = Agent(ActorSpec(-1, "sedan", 4.1, 1.8, 1.5), 0, 0.0, 0.0, 0.0)
    traffic = Traffic(layout, network, agents, ego, np.random.default_rng(0))
    traffic.place_ego([], 0.0, 0.0, np.inf)
    return traffic, network


@pytest.mark.parametrize("period", [0.02, 0.1])
def test_gaps_stay_above_the_standstill_gap(period: float) -> None:
    traffic, _ = platoon(gaps=25.0, count=8)
    smallest = np.inf
    for step in range(round(40.0 / period)):
        # the first brakes to a standstill and drives on
        stopping = 5.0 < step * period < 20.0
        traffic.forced[1] = -4.0 if stopping else np.nan
        traffic.step(period)
        s = traffic.s[1:]
        smallest = min(smallest, float((s[:-1] - s[1:] - 4.5).min()))
    assert smallest > 2.0 - 0.2
    assert traffic.speed[1:].min() > 5.0


def test_a_platoon_reaches_the_equilibrium_gap() -> None:
    traffic, _ = platoon(gaps=40.0, count=3)
    traffic.desired_speed[1] = 12.0
    for _ in range(600):
        traffic.step(0.1)
    gap = (2.0 + 1.2 * 12.0) / np.sqrt(1.0 - (12.0 / 20.0) ** 4)
    np.testing.assert_allclose(traffic.speed[1:], 12.0, atol=0.1)
    np.testing.assert_allclose(traffic.s[1:3] - traffic.s[2:4] - 4.5, gap, rtol=0.03)


def test_who_leaves_comes_back() -> None:
    drive = StreetDrive(scenario("street", 4, duration=120.0))
    absent = set()
    back = set()
    while not drive.finished:
        actors = drive.advance().actors
        for spec in drive.specs:
            if spec.identifier not in actors:
                absent.add(spec.identifier)
            elif spec.identifier in absent:
                back.add(spec.identifier)
    assert absent
    assert len(back) > len(absent) / 2


def test_faster_drivers_overtake_on_the_highway() -> None:
    drive = StreetDrive(scenario("highway", 1))
    lanes = drive._traffic.lane.copy()
    changed = set()
    while not drive.finished:
        drive.advance()
        now = drive._traffic.lane
        changed |= set(np.flatnonzero(now != lanes).tolist())
        lanes = now.copy()
    assert len(changed - {EGO_ROW}) >= 3
