"""What the entries of the suite are made of, cached by content.

``<folder>/<entry>-<hash>`` holds ``scenario.yaml``, the scenario in full, and of a drive the
recording ``bag`` and ``contact_sheet.png``. The hash is of scenario and code, see ``fingerprint``.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import yaml

from snn_ros.bags import BagWriter
from snn_ros.cli.regression.entries import SuiteEntry
from snn_ros.errors import SnnRosError
from snn_ros.nodes.street_recorder import record_street
from snn_ros.simulation.fingerprint import LENGTH, code_fingerprint, fingerprint
from snn_ros.simulation.open_scenario import AnyScenario
from snn_ros.simulation.street.contact_sheet import sheet_of
from snn_ros.simulation.street.scenario import StreetScenario
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation

_RECORDING_CODE = (
    "disk_space.py",
    "bags",
    "msg",
    "nodes/recorder.py",
    "nodes/serialisation.py",
    "nodes/simulated_world.py",
    "nodes/street_recorder.py",
    "nodes/street_topics.py",
    "ros/conversions",
)


class SuiteNotWritten(SnnRosError):
    """The folder of the suite cannot be written."""

    def __init__(self, folder: Path, err: OSError) -> None:
        super().__init__(f"{folder}: cannot be written: {err.strerror or err}")


@dataclass(frozen=True)
class Made:
    """An entry that can be run.

    Attributes:
        entry: as in the suite's file.
        scenario: of the entry, with its changes.
        folder: see above.
    """

    entry: SuiteEntry
    scenario: AnyScenario
    folder: Path

    @property
    def scenario_file(self) -> Path:
        """The scenario in full, for whoever opens scenarios by file."""
        return self.folder / "scenario.yaml"

    @property
    def bag(self) -> Path:
        """The recording; there is none of a flight, which is flown when it is run."""
        return self.folder / "bag"

    @property
    def contact_sheet(self) -> Path:
        """Picture of the middle of the drive."""
        return self.folder / "contact_sheet.png"

    @property
    def done(self) -> bool:
        """Whether it has been made."""
        return self.folder.is_dir()


def planned(entry: SuiteEntry, scenarios: Path, folder: Path) -> Made:
    """Where an entry is or will be.

    Args:
        entry: of the suite.
        scenarios: folder of the named scenarios.
        folder: of the suite.

    Raises:
        ScenarioError: there is no such scenario.
        ConfigurationError: lists what is wrong in the scenario or the entry's changes.
    """
    scenario = entry.opened(scenarios)
    name = fingerprint(scenario, code_fingerprint(_RECORDING_CODE))
    return Made(entry, scenario, folder / f"{entry.name}-{name}")


def make(plan: Made, watch: Callable[[float], object]) -> None:
    """Make an entry, whole or not at all, and remove older ones of its name.

    Args:
        plan: what is not done yet.
        watch: told the simulated seconds of each period.

    Raises:
        SuiteNotWritten: the file system refuses.
        BagNotWritten: the file system refuses.
        RendererError: there are cameras in it, and no renderer on this machine.
    """
    parent, name = plan.folder.parent, plan.entry.name
    unfinished = dataclasses.replace(plan, folder=parent / f".{plan.folder.name}.part")
    try:
        shutil.rmtree(unfinished.folder, ignore_errors=True)
        unfinished.folder.mkdir(parents=True)
        unfinished.scenario_file.write_text(scenario_text(plan.scenario))
        if isinstance(plan.scenario, StreetScenario):
            _record(unfinished, plan.scenario, watch)
        for older in parent.glob(f"{name}-{'[0-9a-f]' * LENGTH}"):
            shutil.rmtree(older)
        unfinished.folder.rename(plan.folder)
    except OSError as err:
        raise SuiteNotWritten(plan.folder, err) from err
    finally:
        shutil.rmtree(unfinished.folder, ignore_errors=True)


def scenario_text(scenario: AnyScenario) -> str:
    """A scenario file that gives the same scenario, defaults written out."""
    return yaml.safe_dump(_plain(dataclasses.asdict(scenario)), sort_keys=False)


def _record(target: Made, scenario: StreetScenario, watch: Callable[[float], object]) -> None:
    with StreetSimulation(scenario) as street, BagWriter(target.bag) as bag:

        def watched(readings: StreetReadings) -> None:
            watch(scenario.period)
            middle = abs(readings.frame.time - scenario.duration / 2)
            if middle <= scenario.period / 2 and not target.contact_sheet.exists():
                title = f"{target.entry.name} at {readings.frame.time:.1f} s"
                sheet = cv2.cvtColor(sheet_of(title, street, readings), cv2.COLOR_RGB2BGR)
                target.contact_sheet.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())

        record_street(street, bag, watched)


def _plain(value: Any) -> Any:
    """Tuples as lists, which YAML has; without infinity, which only a default may be."""
    if isinstance(value, dict):
        finite = {k: v for k, v in value.items() if not isinstance(v, float) or math.isfinite(v)}
        return {key: _plain(member) for key, member in finite.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value
