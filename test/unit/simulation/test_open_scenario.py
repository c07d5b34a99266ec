"""Scenarios of all kinds by name, file or seed."""

import re
from pathlib import Path

import pytest

from snn_ros.configuration import ConfigurationError
from snn_ros.simulation.open_scenario import open_scenario
from snn_ros.simulation.scenario import Scenario
from snn_ros.simulation.scenario_files import ScenarioError
from snn_ros.simulation.street.random_scenario import random_street_scenario
from snn_ros.simulation.street.scenario import StreetScenario

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "config" / "scenarios"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_scenario_is_of_the_kind_its_name_says(file):
    kind = {"blimp": Scenario, "street": StreetScenario}[file.stem.partition("_")[0]]
    assert isinstance(open_scenario(file.stem, FOLDER), kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("duration: 5.0", StreetScenario),
        ("{duration: 5.0, setpoints: [{start: 0.0, altitude: 1.0}]}", Scenario),
    ],
)
def test_the_content_of_a_file_says_what_it_is(tmp_path, text, kind):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    assert isinstance(open_scenario(str(file), FOLDER), kind)


def test_the_examples_of_the_page_are_scenarios(tmp_path):
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "simulation.md").read_text(), re.S)
    file = tmp_path / "example.yaml"
    kinds = []
    for text in examples:
        file.write_text(text)
        kinds.append(type(open_scenario(str(file), FOLDER)))
    assert kinds == [StreetScenario, Scenario]


def test_random_streets():
    assert open_scenario("street-random:7", FOLDER) == random_street_scenario(7)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("street-random:x", "must be street-random:SEED with a whole number"),
        ("no_such", "scenario = 'no_such': no such scenario"),
        ("absent.yaml", "absent.yaml: No such file"),
    ],
)
def test_what_there_is_not(name, words):
    with pytest.raises(ScenarioError, match=words):
        open_scenario(name, FOLDER)


@pytest.mark.parametrize("text", ["[1, 2]", "", "duration: 5.0\ncolour: red"])
def test_what_is_no_scenario(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"mine\.yaml: "):
        open_scenario(str(file), FOLDER)
