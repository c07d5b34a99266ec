"""Street scenario files: what is shipped loads and starts, and what is wrong is named."""

from pathlib import Path

import pytest

from snn_ros.configuration import ConfigurationError
from snn_ros.simulation.scenario_files import ScenarioError
from snn_ros.simulation.street.drive import StreetDrive
from snn_ros.simulation.street.random_scenario import (
    open_street_scenario,
    random_street_scenario,
)
from snn_ros.simulation.street.scenario import load_street_scenario, street_scenario

FOLDER = Path(__file__).resolve().parents[4] / "config" / "scenarios"
SHIPPED = sorted(FOLDER.glob("street_*.yaml"))


def refused(**values: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        StreetDrive(street_scenario({"duration": 5.0, **values}, "here"))
    return caught.value.problems


def test_thirty_scenarios_of_every_kind_are_shipped() -> None:
    assert len(SHIPPED) >= 30
    scenarios = [load_street_scenario(path) for path in SHIPPED]
    kinds = {scenario.layout.kind for scenario in scenarios}
    assert kinds == {"street", "crossing", "highway", "parking", "campus", "route"}
    events = {event.kind for scenario in scenarios for event in scenario.events}
    assert events == {"cut_in", "stop", "crossing_pedestrian", "blocked_lane", "oncoming"}
    assert {scenario.appearance.light for scenario in scenarios} >= {"day", "dusk", "night"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_start_and_drive(path: Path) -> None:
    scenario = load_street_scenario(path)
    assert scenario.description
    drive = StreetDrive(scenario)
    start = drive.frame.route_position
    for _ in range(20):
        assert drive.advance().collisions == ()
    assert drive.frame.route_position > start


@pytest.mark.parametrize("seed", range(12))
def test_random_scenarios_start(seed: int) -> None:
    scenario = open_street_scenario(f"street-random:{seed}", FOLDER)
    assert scenario == random_street_scenario(seed)
    drive = StreetDrive(scenario)
    assert drive.advance().collisions == ()


def test_random_scenarios_differ() -> None:
    scenarios = [random_street_scenario(seed) for seed in range(40)]
    assert len({scenario.layout.kind for scenario in scenarios}) >= 5
    assert len({scenario.appearance.light for scenario in scenarios}) == 4


@pytest.mark.parametrize("name", ["street-random:", "street-random:x", "street-random:-1"])
def test_a_seed_must_be_a_number(name: str) -> None:
    with pytest.raises(ScenarioError, match="street-random:SEED"):
        open_street_scenario(name, FOLDER)


def test_names_are_looked_up() -> None:
    assert open_street_scenario("street_quick", FOLDER).duration == 5.0
    with pytest.raises(ScenarioError, match="street_urban_day"):
        open_street_scenario("street_unknown", FOLDER)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "duration: 0.0\nspeed: 3\nlayout: {kind: moon}\nego: {route: [up], speed: fast}\n"
        "events: [{kind: cut_in, side: above}]\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as caught:
        load_street_scenario(path)
    said = "\n".join(caught.value.problems)
    for name in ("duration = 0.0", "speed: unknown", "'moon'", "ego.speed = 'fast'", "'above'"):
        assert name in said


def test_what_does_not_fit_together_is_reported() -> None:
    problems = refused(
        ego={"route": ["up"]},
        traffic={"vans": 0.7, "trucks": 0.6},
        events=[{"kind": "stop", "time": 9.0}],
    )
    assert [problem.split(" = ")[0] for problem in problems] == [
        "ego.route",
        "traffic.vans + traffic.trucks",
        "events[0].time",
    ]


def test_spawns_in_collision_are_named() -> None:
    problems = refused(
        ego={"lane": 0, "position": 20.0},
        actors=[
            {"lane": 0, "position": 22.0, "name": "too near"},
            {"lane": 1, "position": 50.0, "kind": "truck"},
            {"lane": 1, "position": 54.0},
        ],
    )
    assert problems == [
        "actors[0] (too near): stands in ego at the start",
        "actors[2]: stands in actors[1] at the start",
    ]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"ego": {"lane": 77}}, "ego.lane = 77"),
        ({"ego": {"position": 900.0}}, "ego.position = 900.0"),
        ({"actors": [{"lane": 0, "position": 500.0}]}, r"actors[0].position = 500.0"),
        ({"events": [{"kind": "cut_in"}]}, "events[0] (cut_in).side = 'right'"),
        ({"events": [{"kind": "stop", "distance": 1500.0}]}, "events[0] (stop).distance = 1500.0"),
        (
            {"layout": {"kind": "highway"}, "events": [{"kind": "oncoming"}]},
            "events[0] (oncoming): lane 0 has no oncoming lane",
        ),
    ],
)
def test_impossible_places_are_named(values: dict[str, object], named: str) -> None:
    problems = refused(**values)
    assert len(problems) == 1
    assert problems[0].startswith(named)


def test_absent_files() -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.yaml"):
        load_street_scenario("nowhere.yaml")
