"""Run a scenario, and keep what its sensors and its ground truth say.

SCENARIO is a name in config/scenarios (--list shows them), a YAML file, or street-random:SEED. The
folder also gets a picture of what was made, contact_sheet.png.

Example:
  snn-ros simulate street_quick --bag quick
  snn-ros simulate street-random:7 --set sensors.cameras=stereo --set duration=10 --bag seven
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import yaml
from tqdm import tqdm

from snn_ros import configuration
from snn_ros.bags import BagReader, BagWriter
from snn_ros.cli import DONE, FAILED
from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.nodes.street_recorder import record_street
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.simulation.scenario_files import read_scenario
from snn_ros.simulation.street.contact_sheet import Image, sheet_of
from snn_ros.simulation.street.random_scenario import open_street_scenario
from snn_ros.simulation.street.scenario import checked
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation

CONTACT_SHEET = "contact_sheet.png"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a name, a file or street-random:SEED")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--bag", metavar="DIR", help="record a rosbag2 (MCAP) in this new folder")
    target.add_argument("--list", action=_List, help="show the scenarios by name and end")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        type=_change,
        default=[],
        dest="changes",
        help="another value for a setting of the scenario, e.g. sensors.lidar=vlp_16",
    )
    parser.add_argument("--compress", action="store_true", help="compress the bag with zstd")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Simulate and say what was made; 1 when it was stopped early."""
    scenario = checked(
        configuration.overridden(
            open_street_scenario(arguments.scenario, _scenarios()), dict(arguments.changes), "--set"
        ),
        "--set",
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    with StreetSimulation(scenario) as street:
        watcher = _Watcher(f"{arguments.scenario}: {scenario.description}", street)
        with watcher.following(), BagWriter(arguments.bag, compress=arguments.compress) as bag:
            record_street(street, bag, watcher.watch)
        watcher.save_sheet(Path(arguments.bag) / CONTACT_SHEET)
    figures = watcher.figures | {
        "wall_s": time.monotonic() - began,
        "topics": _counts(arguments.bag),
    }
    if arguments.json != "-":
        _print_table(figures, arguments.bag)
    if arguments.json:
        write_json(
            {"input": arguments.scenario, "output": arguments.bag, **figures}, arguments.json
        )
    return FAILED if watcher.stopped else DONE


class _Watcher:
    """Follows a drive: progress, collisions, and a contact sheet of its middle."""

    def __init__(self, title: str, street: StreetSimulation) -> None:
        self._title, self._street = title, street
        self._progress = tqdm(total=street.scenario.duration, unit="s", disable=None)
        self._sheet: Image | None = None
        self._newest: StreetReadings | None = None
        self._collisions: list[dict[str, float]] = []
        self.stopped = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Show progress inside; Ctrl-C ends what is inside, and is no error."""
        try:
            with self._progress:
                yield
        except KeyboardInterrupt:
            self.stopped = True

    def watch(self, readings: StreetReadings) -> None:
        """Take note of one period."""
        scenario, frame = self._street.scenario, readings.frame
        self._newest = readings
        self._progress.update(scenario.period)
        self._collisions += [
            {"time_s": hit.time, "first": hit.first, "second": hit.second}
            for hit in frame.collisions
        ]
        if self._sheet is None and frame.time >= scenario.duration / 2:
            self._sheet = self._draw(readings)

    def save_sheet(self, file: Path) -> None:
        """Write the picture; of the newest period if the middle was not reached."""
        if self._sheet is None and self._newest is not None:
            self._sheet = self._draw(self._newest)
        if self._sheet is not None:
            cv2.imwrite(str(file), cv2.cvtColor(self._sheet, cv2.COLOR_RGB2BGR))

    @property
    def figures(self) -> dict[str, Any]:
        """What happened, for people and ``--json``."""
        simulated = self._newest.frame.time if self._newest else 0.0
        return {
            "simulated_s": simulated, "stopped": self.stopped, "collisions": self._collisions
        }  # fmt: skip

    def _draw(self, readings: StreetReadings) -> Image:
        title = f"{self._title} at {readings.frame.time:.1f} s"
        return sheet_of(title, self._street, readings)


class _List(argparse.Action):
    """Prints the scenarios and ends, as ``--help`` does."""

    def __init__(self, option_strings: list[str], dest: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        for file in sorted(_scenarios().glob("*.yaml")):
            print(f"{file.stem:32} {read_scenario(file).get('description', '')}")
        parser.exit()


def _scenarios() -> Path:
    return Path(share_directory(OWN_PACKAGE)) / "config" / "scenarios"


def _change(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as err:
        raise argparse.ArgumentTypeError(f"{text!r}: the value is not YAML") from err


def _counts(bag: str) -> dict[str, int]:
    """Messages by topic, as they are in the file."""
    with BagReader(bag) as reader:
        return {name: topic.count for name, topic in reader.topics.items()}


def _print_table(figures: dict[str, Any], bag: str) -> None:
    for name, count in figures["topics"].items():
        print(f"{count:8}  {name}")
    for hit in figures["collisions"]:
        pair = f"{hit['first']} and {hit['second']}"
        print(f"collision at {hit['time_s']:.1f} s between {pair} (-1 is the ego)")
    early = " (stopped early)" if figures["stopped"] else ""
    print(f"{figures['simulated_s']:.1f} s{early} in {figures['wall_s']:.1f} s: {bag}")
