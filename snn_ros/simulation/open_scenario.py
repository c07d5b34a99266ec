"""Any scenario by name, whatever world it is of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from snn_ros.configuration import ConfigurationError, overridden
from snn_ros.simulation.scenario import Scenario, load_scenario
from snn_ros.simulation.scenario_files import find_scenario, read_scenario
from snn_ros.simulation.street.random_scenario import RANDOM, open_street_scenario
from snn_ros.simulation.street.scenario import StreetScenario, load_street_scenario

AnyScenario = Scenario | StreetScenario
Chosen = TypeVar("Chosen", bound=AnyScenario)

_ONLY_IN_FLIGHTS = "setpoints"


def open_scenario(name: str, folder: Path) -> AnyScenario:
    """A flight or a drive by ``street-random:SEED``, by a shipped one's name, or by its file.

    Flights are the files with ``setpoints``.

    Args:
        name: see above.
        folder: where the named scenarios are.

    Raises:
        ScenarioError: there is none of that name, the seed is no number, or the file is not YAML.
        ConfigurationError: lists everything that is wrong in the file.
    """
    if name.partition(":")[0] == RANDOM:
        return open_street_scenario(name, folder)
    path = find_scenario(name, folder)
    values = read_scenario(path)
    if isinstance(values, Mapping) and _ONLY_IN_FLIGHTS in values:
        return load_scenario(path)
    return load_street_scenario(path)


def changed(scenario: Chosen, changes: Mapping[str, Any], where: str) -> Chosen:
    """The same scenario with other values for some of its settings.

    Args:
        scenario: what to change.
        changes: by dotted name, e.g. ``{"sensors.lidar": "vlp_16"}``.
        where: for messages.

    Raises:
        ConfigurationError: lists every unknown name and wrong value, or what does not fit together.
    """
    found = overridden(scenario, changes, where)
    if problems := list(found.problems()):
        raise ConfigurationError(where, problems)
    return found
