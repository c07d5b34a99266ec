"""``snn-ros suite`` without a ROS graph: its file, its cache, its verdicts."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from snn_ros.bags import BagReader
from snn_ros.cli import main, suite
from snn_ros.cli.regression import recordings, scorers
from snn_ros.cli.regression.entries import Bound, SuiteEntry, load_suite
from snn_ros.cli.regression.recordings import planned, scenario_text
from snn_ros.cli.regression.scorers import SCORERS, EntryDoesNotFit, Outcome, answers, delivery
from snn_ros.configuration import ConfigurationError
from snn_ros.nodes.flight_recorder import FlightLog
from snn_ros.simulation import fingerprint
from snn_ros.simulation.open_scenario import open_scenario

CONFIG = Path(__file__).resolve().parents[3] / "config"
SCENARIOS = CONFIG / "scenarios"
TINY = {
    "name": "tiny",
    "scorer": "delivery",
    "scenario": "street_quick",
    "duration": 0.5,
    "changes": {"sensors.lidar_columns": 64, "layout.length": 80.0, "traffic.vehicles": 1},
}


def write_suite(folder: Path, *entries: dict) -> str:
    file = folder / "suite.yaml"
    file.write_text(yaml.safe_dump({"entries": list(entries)}))
    return str(file)


@pytest.fixture
def suite_words(tmp_path, monkeypatch) -> list[str]:
    """Options of the command for a suite in a folder of its own."""
    monkeypatch.setattr(suite, "use_own_domain", lambda: None)
    return ["--suite", str(tmp_path / "suite.yaml"), "--output", str(tmp_path / "out")]


def test_the_suite_that_is_shipped(tmp_path) -> None:
    entries = load_suite(CONFIG / "suite.yaml", SCORERS)
    assert {entry.scorer for entry in entries} >= {"blimp_flight", "delivery"}
    for entry in entries:
        assert entry.bounds
        assert planned(entry, SCENARIOS, tmp_path).scenario.seed >= 0


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_scenario_written_in_full_is_the_same(file, tmp_path) -> None:
    scenario = open_scenario(file.stem, SCENARIOS)
    (tmp_path / "again.yaml").write_text(scenario_text(scenario))
    assert open_scenario(str(tmp_path / "again.yaml"), SCENARIOS) == scenario


def test_everything_wrong_with_a_suite_is_told(tmp_path) -> None:
    wrong = TINY | {"name": "Tiny-1", "scorer": "guess", "arguments": ["controller=pid"]}
    with pytest.raises(ConfigurationError) as caught:
        load_suite(Path(write_suite(tmp_path, TINY, wrong, TINY)), SCORERS)
    told = str(caught.value)
    assert "entries[1].name = 'Tiny-1': must be small letters" in told
    assert "entries[1].scorer = 'guess': must be one of 'blimp_flight'" in told
    assert "entries[1].arguments = 'controller=pid': must be name:=value" in told
    assert "name = 'tiny': twice" in told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sensors.lidar": "sonar"}, "sensors.lidar = 'sonar'"),
        ({"sensors.colour": 1}, "sensors.colour: unknown"),
        ({"sensors.truth_images": ["depth"]}, "there are no cameras"),
    ],
)
def test_changes_that_the_scenario_does_not_take(changes, reason) -> None:
    entry = SuiteEntry("tiny", "delivery", "street_quick", changes=changes)
    with pytest.raises(ConfigurationError) as caught:
        entry.opened(SCENARIOS)
    assert str(caught.value).startswith("entry tiny: ")
    assert reason in str(caught.value)


def test_duration_seed_and_changes_are_taken() -> None:
    entry = SuiteEntry("x", "delivery", "street_quick", duration=1.5, seed=9, changes={
        "sensors.lidar": "vlp_16", "traffic.vehicles": 2})  # fmt: skip
    scenario = entry.opened(SCENARIOS)
    assert (scenario.duration, scenario.seed) == (1.5, 9)
    assert (scenario.sensors.lidar, scenario.traffic.vehicles) == ("vlp_16", 2)


@pytest.mark.parametrize(
    ("bound", "value", "reason"),
    [
        (Bound("x", minimum=1.0), 1.0, None),
        (Bound("x", maximum=1.0), 1.0, None),
        (Bound("x", minimum=1.0), 0.99, "x = 0.99 is below 1"),
        (Bound("x", maximum=0.0), 2.0, "x = 2 is above 0"),
        (Bound("x", minimum=0.0), math.nan, "x = nan is below 0"),
        (Bound("x", maximum=0.0), math.nan, "x = nan is above 0"),
        (Bound("y", maximum=0.0), 0.0, "y is missing, there is x"),
    ],
)
def test_bounds(bound, value, reason) -> None:
    assert bound.broken_by({"x": value}) == reason


def made_folders(capsys, words: list[str]) -> dict:
    assert main(["suite", "make", *words, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_there_is_kept_and_what_changes_is_made_anew(tmp_path, capsys, suite_words) -> None:
    write_suite(tmp_path, TINY)
    first = made_folders(capsys, suite_words)
    assert first["kept"] == []
    bag = Path(first["folders"]["tiny"]) / "bag"
    with BagReader(bag) as reader:
        assert reader.topics["/lidar/points"].count == 5
    written = next(bag.glob("*.mcap")).stat().st_mtime_ns
    assert (bag.parent / "contact_sheet.png").stat().st_size > 10_000

    assert made_folders(capsys, suite_words) == first | {"kept": ["tiny"]}
    assert next(bag.glob("*.mcap")).stat().st_mtime_ns == written

    write_suite(tmp_path, TINY | {"seed": 2})
    second = made_folders(capsys, suite_words)
    assert second["kept"] == []
    assert second["folders"] != first["folders"]
    assert [str(path) for path in (tmp_path / "out").iterdir()] == [second["folders"]["tiny"]]


def test_what_is_made_depends_on_the_code(tmp_path, monkeypatch) -> None:
    scenario = open_scenario("street_quick", SCENARIOS)
    package = tmp_path / "package"
    (package / "simulation").mkdir(parents=True)
    (package / "simulation" / "world.py").write_text("G = 9.81\n")
    monkeypatch.setattr(fingerprint, "_PACKAGE", package)
    monkeypatch.setattr(fingerprint, "_SOURCES", ("simulation",))

    def name(**options: int) -> str:
        return fingerprint.fingerprint(scenario, fingerprint.code_fingerprint(), options)

    names = [name(), name(stride=2)]
    other = dataclasses.replace(scenario, seed=2)
    names.append(fingerprint.fingerprint(other, fingerprint.code_fingerprint()))
    (package / "simulation" / "world.py").write_text("G = 9.82\n")
    names.append(name())
    (package / "simulation" / "world.py").rename(package / "simulation" / "place.py")
    names.append(name())
    monkeypatch.setattr(fingerprint, "version", lambda _: "0.0")
    names.append(name())
    assert len(set(names)) == len(names)
    assert name() == names[-1]


_HARMLESS = {"snn_ros", "snn_ros.errors", "snn_ros.packages", "snn_ros.nodes", "snn_ros.ros"}
"""What a recording cannot depend on: texts of errors, paths, empty packages."""


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("snn_ros.simulation.training_frames", ()),
        ("snn_ros.nodes.street_recorder", recordings._RECORDING_CODE),
    ],
)
def test_all_code_that_is_used_is_in_the_fingerprint(module, more) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    used = {name for name in found.stdout.split() if name.partition(".")[0] == "snn_ros"}
    names = [f"snn_ros.{source.removesuffix('.py')}".replace("/", ".")
             for source in (*fingerprint._SOURCES, *more)]  # fmt: skip
    covered = tuple(f"{name}." for name in names)
    assert {name for name in used if not f"{name}.".startswith(covered)} <= _HARMLESS


def test_an_entry_is_made_whole_or_not_at_all(tmp_path, monkeypatch, suite_words) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recordings, "record_street", interrupted)
    write_suite(tmp_path, TINY)
    assert main(["suite", "make", *suite_words]) == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path, capsys, suite_words) -> None:
    write_suite(tmp_path, TINY)
    (tmp_path / "out").touch()
    assert main(["suite", "make", *suite_words]) == 1
    assert "cannot be written: Not a directory" in capsys.readouterr().err


def test_a_broken_bound_fails_the_run_and_the_report_is_there(
    tmp_path, capsys, monkeypatch, suite_words
) -> None:
    """Two entries of made-up scorers; a defect of one leaves the other."""

    def broken(_: object) -> Outcome:
        raise EntryDoesNotFit("scenario = 'tiny': must be something else")

    monkeypatch.setitem(SCORERS, "fixed", lambda _: Outcome({"x": 3.0, "y": math.inf}))
    monkeypatch.setitem(SCORERS, "broken", broken)
    flight = {"scenario": "blimp_quick"}
    write_suite(
        tmp_path,
        flight | {"name": "a", "scorer": "fixed", "bounds": [{"score": "x", "maximum": 2.0}]},
        flight | {"name": "b", "scorer": "broken"},
        flight | {"name": "c", "scorer": "fixed", "bounds": [{"score": "x", "minimum": 2.0}]},
    )
    assert main(["suite", "run", *suite_words, "--json", "-"]) == 1
    output = capsys.readouterr()
    assert output.err.splitlines()[-1] == (
        "snn-ros suite: a: x = 3 is above 2; b: scenario = 'tiny': must be something else"
    )
    figures = json.loads(output.out)
    assert figures == json.loads((tmp_path / "out/report.json").read_text())
    assert figures["scores"] == {"a.x": 3.0, "a.y": None, "c.x": 3.0, "c.y": None}
    assert figures["entries"]["c"]["problems"] == []
    page = (tmp_path / "out/report.html").read_text()
    assert "Failed: x = 3 is above 2" in page

    assert main(["suite", "run", "c", *suite_words]) == 0
    assert "\nc  fixed  blimp_quick" in "\n" + capsys.readouterr().out


def test_entries_that_are_not_there(tmp_path, capsys, suite_words) -> None:
    write_suite(tmp_path, TINY)
    assert main(["suite", "run", "tiny", "other", *suite_words]) == 1
    assert "entry = 'other': must be of tiny" in capsys.readouterr().err


def test_scorers_say_what_they_lack(tmp_path) -> None:
    flight = SuiteEntry("x", "delivery", "blimp_quick")
    with pytest.raises(EntryDoesNotFit, match="must be a drive"):
        delivery(planned(flight, SCENARIOS, tmp_path))
    silent = SuiteEntry("x", "answers", "street_quick", launch="stack", input="/lidar/points")
    with pytest.raises(EntryDoesNotFit, match="output, output_type: missing"):
        answers(planned(silent, SCENARIOS, tmp_path))


def flown(errors: np.ndarray, contacts: tuple = ()) -> FlightLog:
    """A flight of one step up by 1 m at half time, so far off its setpoint."""
    count = errors.size
    setpoint = np.where(np.arange(count) < count // 2, 0.5, 1.5)
    values = {"setpoint": setpoint, "step_time_us": np.full(count, 50.0), "spikes": np.ones(count)}
    time = 0.1 * np.arange(count)
    names = ("tracking",) * count
    path = np.column_stack([time, setpoint])
    return FlightLog(time, setpoint + errors, values, names, names, contacts, path)


def test_a_flight_is_scored_beside_the_pid(tmp_path, monkeypatch) -> None:
    ticks = np.arange(400)
    logs = {
        "snn": flown(np.where(ticks % 2, 0.03, -0.03), contacts=((1.0, "floor", 0.1),)),
        "pid": flown(np.where(ticks % 2, 0.02, -0.02)),
    }
    asked = []

    def fly(arguments: dict, **_: object) -> FlightLog:
        asked.append(arguments["scenario"])
        return logs[arguments["controller"]]

    monkeypatch.setattr(scorers, "fly", fly)
    made = planned(SuiteEntry("hop", "blimp_flight", "blimp_quick"), SCENARIOS, tmp_path)
    outcome = SCORERS["blimp_flight"](made)
    assert asked == [str(made.scenario_file)] * 2
    assert outcome.scores["rmse_m"] == pytest.approx(0.03)
    assert outcome.scores["rmse_over_pid"] == pytest.approx(1.5)
    assert outcome.scores["overshoot_beyond_pid_m"] == pytest.approx(0.01)
    assert outcome.scores["contacts"] == 1
    assert outcome.figure is not None


def test_help_has_an_example(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["suite", "--help"])
    assert ended.value.code == 0
    assert "Example:\n  snn-ros suite make" in capsys.readouterr().out
