"""What the suite consists of, as a file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snn_ros.configuration import ConfigurationError, from_mapping, setting
from snn_ros.simulation.open_scenario import AnyScenario, changed, open_scenario
from snn_ros.simulation.scenario_files import read_scenario


@dataclass(frozen=True)
class Bound:
    """What a score must keep."""

    score: str = setting(dataclasses.MISSING, "its name")
    minimum: float | None = setting(None, "smallest allowed value")
    maximum: float | None = setting(None, "largest allowed value")

    def broken_by(self, scores: dict[str, float]) -> str | None:
        """Why the scores do not keep it, as one phrase; None if they do."""
        if self.score not in scores:
            return f"{self.score} is missing, there is {', '.join(scores)}"
        value = scores[self.score]
        if self.minimum is not None and not value >= self.minimum:
            return f"{self.score} = {value:.4g} is below {self.minimum:g}"
        if self.maximum is not None and not value <= self.maximum:
            return f"{self.score} = {value:.4g} is above {self.maximum:g}"
        return None

    def __str__(self) -> str:
        low = [] if self.minimum is None else [f"≥ {self.minimum:g}"]
        high = [] if self.maximum is None else [f"≤ {self.maximum:g}"]
        return ", ".join(low + high)


@dataclass(frozen=True)
class SuiteEntry:
    """One scenario, who answers to it, and how good the answers must be."""

    name: str = setting(dataclasses.MISSING, "small letters, digits and _")
    scorer: str = setting(dataclasses.MISSING, "how it is answered and scored")
    scenario: str = setting(dataclasses.MISSING, "a name, a file or street-random:SEED")
    duration: float | None = setting(None, "instead of the scenario's", unit="s", minimum=0.5)
    seed: int | None = setting(None, "instead of the scenario's", minimum=0)
    changes: dict[str, Any] = field(default_factory=dict)
    """Other values for settings of the scenario by dotted name, such as ``sensors.lidar``."""
    launch: str = setting("", "launch file of the nodes that hear the recording")
    arguments: tuple[str, ...] = setting((), "of the launch file, each as name:=value")
    input: str = setting("", "topic of the recording that is answered")
    output: str = setting("", "topic of the answers")
    output_type: str = setting("", "its type, such as vision_msgs/msg/Detection3DArray")
    rate: float = setting(1.0, "speed of the replay", unit="x", minimum=0.01, maximum=100.0)
    timeout: float = setting(300.0, "of a flight or a replay", unit="s", minimum=1.0)
    bounds: tuple[Bound, ...] = ()

    def opened(self, folder: Path) -> AnyScenario:
        """Its scenario with the changes.

        Args:
            folder: where the named scenarios are.

        Raises:
            ScenarioError: there is none.
            ConfigurationError: lists every wrong value in the scenario and in the changes.
        """
        chosen = {"duration": self.duration, "seed": self.seed}
        changes = {name: value for name, value in chosen.items() if value is not None}
        scenario = open_scenario(self.scenario, folder)
        return changed(scenario, changes | self.changes, f"entry {self.name}")

    def problems(self, scorers: Collection[str]) -> Iterator[str]:
        """What is wrong with it, as ``name = value: reason``."""
        if not re.fullmatch(r"[a-z0-9_]+", self.name):
            yield f"name = {self.name!r}: must be small letters, digits and _"
        if self.scorer not in scorers:
            yield f"scorer = {self.scorer!r}: must be one of {', '.join(map(repr, scorers))}"
        for argument in self.arguments:
            if ":=" not in argument:
                yield f"arguments = {argument!r}: must be name:=value"


@dataclass(frozen=True)
class _Suite:
    entries: tuple[SuiteEntry, ...] = ()


def load_suite(path: Path, scorers: Collection[str]) -> tuple[SuiteEntry, ...]:
    """Read the file of a suite.

    Args:
        path: a YAML file with a list ``entries``.
        scorers: the names there are.

    Raises:
        ScenarioError: the file is absent or not YAML.
        ConfigurationError: lists everything that is wrong.
    """
    entries = from_mapping(_Suite, read_scenario(path), str(path)).entries
    names = [entry.name for entry in entries]
    problems = [
        f"entries[{i}].{problem}"
        for i, entry in enumerate(entries)
        for problem in entry.problems(scorers)
    ]
    problems += [f"name = {name!r}: twice" for name in sorted(set(names)) if names.count(name) > 1]
    if problems:
        raise ConfigurationError(str(path), problems)
    return entries


def chosen(entries: Collection[SuiteEntry], names: Collection[str]) -> tuple[SuiteEntry, ...]:
    """The entries of these names; all without any.

    Raises:
        ConfigurationError: names those that do not exist.
    """
    known = [entry.name for entry in entries]
    unknown = [name for name in names if name not in known]
    if unknown:
        reason = f"must be of {', '.join(known)}"
        raise ConfigurationError("suite", [f"entry = {name!r}: {reason}" for name in unknown])
    return tuple(entry for entry in entries if not names or entry.name in names)
