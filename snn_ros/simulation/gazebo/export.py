"""A scenario as an SDF file."""

from __future__ import annotations

from pathlib import Path

from snn_ros.simulation.gazebo.blimp_world import blimp_world
from snn_ros.simulation.gazebo.sdf import document
from snn_ros.simulation.gazebo.street_world import street_world
from snn_ros.simulation.scenario import Scenario
from snn_ros.simulation.street.scenario import StreetScenario


def gazebo_world(scenario: Scenario | StreetScenario, name: str) -> str:
    """The text of an SDF 1.9 world that needs no other file; the same scenario, the same text.

    Args:
        scenario: a flight or a drive.
        name: of the world.

    Raises:
        ConfigurationError: an actor cannot start where the scenario says.
    """
    if isinstance(scenario, StreetScenario):
        return document(street_world(scenario, name))
    return document(blimp_world(scenario, name))


def write_gazebo_world(scenario: Scenario | StreetScenario, path: Path) -> None:
    """Write a scenario as a world named like the file, or nearly so where SDF reserves the name.

    Args:
        scenario: a flight or a drive.
        path: of the file; one that is there is replaced.

    Raises:
        ConfigurationError: an actor cannot start where the scenario says.
        OSError: the file cannot be written.
    """
    reserved = path.stem == "world" or path.stem.startswith("__")
    name = f"snn_ros_{path.stem}" if reserved else path.stem
    path.write_text(gazebo_world(scenario, name))
