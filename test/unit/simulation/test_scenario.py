"""Scenario files: what is shipped loads, and what is wrong is named."""

from pathlib import Path

import pytest

from snn_ros.configuration import ConfigurationError
from snn_ros.simulation.blimp_world import BlimpWorld
from snn_ros.simulation.scenario import load_scenario
from snn_ros.simulation.scenario_files import ScenarioError, find_scenario

SHIPPED = sorted(
    (Path(__file__).resolve().parents[3] / "config" / "scenarios").glob("blimp_*.yaml")
)

MINIMAL = """
duration: 10.0
setpoints: [{start: 0.0, altitude: 1.0}]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_scenario(written(folder, text))
    assert "scenario.yaml" in str(caught.value)
    return caught.value.problems


def test_scenarios_are_shipped() -> None:
    assert {"blimp_four_setpoints", "blimp_quick", "blimp_clock_back"} <= {p.stem for p in SHIPPED}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_scenarios_load_and_start_free(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.description
    BlimpWorld(scenario.vehicle, scenario.world, start=scenario.start)


def test_the_demo_flight() -> None:
    scenario = load_scenario(next(p for p in SHIPPED if p.stem == "blimp_four_setpoints"))
    steps = [s.altitude for s in scenario.setpoints]
    assert steps == [0.5, 1.5, 0.5, 1.0, 0.5]
    assert [change.grams for change in scenario.ballast] == [4.5]
    assert scenario.duration == 280.0


def test_absent_keys_take_their_defaults(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, MINIMAL))
    assert scenario.world.length == 8.0
    assert scenario.control_period == 0.1
    assert scenario.faults == ()


def test_setpoint_schedule(tmp_path: Path) -> None:
    text = "duration: 10.0\nsetpoints: [{start: 0.0, altitude: 1.0}, {start: 5.0, altitude: 0.6}]\n"
    scenario = load_scenario(written(tmp_path, text))
    assert [scenario.setpoint(t) for t in (0.0, 4.9, 5.0, 9.0)] == [1.0, 1.0, 0.6, 0.6]


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    problems = refused(
        tmp_path,
        """
duration: "long"
seed: -1
setpoints: [{start: 0.0, altitud: 1.0}]
vehicle: {plant: C, battery: 0.0, colour: red}
sensors: {range_finder: {noise: -1.0, outlier_size: [0.1]}}
wind: {pulses: [{start: 1.0, duration: 2.0, velocity: [0.0, 0.1]}]}
faults: [{kind: range_lost, start: 1.0}]
gravity: 9.81
""",
    )
    text = "\n".join(problems)
    for piece in (
        "duration = 'long'",
        "seed = -1",
        "setpoints[0].altitud: unknown",
        "vehicle.plant = 'C'",
        "vehicle.battery = 0.0",
        "vehicle.colour: unknown",
        "sensors.range_finder.noise = -1.0",
        "sensors.range_finder.outlier_size = [0.1]",
        "wind.pulses[0].velocity = [0.0, 0.1]",
        "faults[0].kind = 'range_lost'",
        "gravity: unknown",
    ):
        assert piece in text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "setpoints: [{start: 1.0, altitude: 1.0}]",
            "setpoints = [1.0]: the first must start at 0",
        ),
        ("setpoints: [{start: 0.0, altitude: 2.6}]", "setpoints[0].altitude = 2.6: the hull meets"),
        ("ballast: [{start: 1.0, grams: -30.0}]", "ballast[0].grams = -30.0: only 10.4 g"),
        ("ballast: [{start: 11.0, grams: 1.0}]", "ballast[0].start = 11.0: the flight ends"),
        ("control_period: 0.125", "control_period = 0.125: must be a multiple"),
        ("vehicle: {radius: 0.8}", "vehicle.radius = 0.8: must be at most"),
        ("vehicle: {gondola_mass: 0.3}", "vehicle.gondola_mass = 0.3: the hull lifts only"),
        ("faults: [{kind: clock_jump, start: 1.0}]", "faults[0].size = 0.0: must not be 0"),
        ("faults: [{kind: hold, start: 1.0, size: 2.0}]", "faults[0].size = 2.0: has no meaning"),
        (
            "faults: [{kind: clock_jump, start: 1.0, size: -5.0}]",
            "faults[0].size = -5.0: the clock",
        ),
        ("sensors: {range_finder: {minimum: 13.0}}", "sensors.range_finder.minimum = 13.0"),
    ],
)
def test_impossible_values_are_refused(tmp_path: Path, change: str, problem: str) -> None:
    key = change.split(":")[0]
    kept = "\n".join(line for line in MINIMAL.splitlines() if not line.startswith(key))
    assert any(found.startswith(problem) for found in refused(tmp_path, f"{kept}\n{change}\n"))


def test_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"scenario\.yaml: not YAML"):
        load_scenario(written(tmp_path, "duration: [1, 2"))


def test_scenarios_are_found_by_name_or_file() -> None:
    folder = SHIPPED[0].parent
    assert find_scenario("blimp_quick", folder) == folder / "blimp_quick.yaml"
    assert find_scenario("some/where.yaml", folder) == Path("some/where.yaml")
    for wrong in ("blimp_quik", "../scenarios/blimp_quick"):
        with pytest.raises(ScenarioError, match=r"no such scenario.*blimp_quick"):
            find_scenario(wrong, folder)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.yaml: No such file"):
        load_scenario(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["", "- 1\n", "just words\n"])
def test_a_file_without_keys(tmp_path: Path, text: str) -> None:
    assert "must be a mapping" in refused(tmp_path, text)[0]


def test_velocities_hold_from_their_start(tmp_path: Path) -> None:
    text = MINIMAL + "velocities: [{start: 2.0, speed: 0.2}, {start: 4.0, yaw_rate: 0.1}]\n"
    scenario = load_scenario(written(tmp_path, text))
    assert scenario.velocity(1.9) is None
    assert scenario.velocity(2.0).speed == 0.2
    assert (scenario.velocity(5.0).speed, scenario.velocity(5.0).yaw_rate) == (0.0, 0.1)
    assert load_scenario(written(tmp_path, MINIMAL)).velocity(5.0) is None


def test_velocities_must_come_one_after_the_other_within_the_flight(tmp_path: Path) -> None:
    text = MINIMAL + "velocities: [{start: 4.0}, {start: 2.0}, {start: 99.0}]\n"
    problems = refused(tmp_path, text)
    assert any(p.startswith("velocities = [4.0, 2.0, 99.0]") for p in problems)
    assert any(p.startswith("velocities[2].start = 99.0") for p in problems)
