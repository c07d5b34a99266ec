"""Run a scenario: record it, show it live, or write it in another format.

SCENARIO is a name in config/scenarios (--list shows them), a YAML file, or street-random:SEED. A
folder that is written also gets a picture of what was made, contact_sheet.png. The ego of a drive
follows its route; a blimp is flown by the spiking controller in the same process. --live starts the
launch file of the scenario's world, and its arguments may follow.

Example:
  snn-ros simulate street_quick --bag quick
  snn-ros simulate street-random:7 --set sensors.cameras=stereo --set duration=10 --bag seven
  snn-ros simulate blimp_gust --bag gust
  snn-ros simulate street_crossing_left --export kitti crossing
  snn-ros simulate street_crossing_left --live pace:=0.5
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from snn_ros.bags import BagReader, BagWriter
from snn_ros.cli import DONE, FAILED, WRONG_CALL
from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.cli.launch import launch_argument
from snn_ros.cli.watchers import DriveWatcher, FlightWatcher, Watcher
from snn_ros.errors import SnnRosError
from snn_ros.nodes.piloted_flight import record_flight
from snn_ros.nodes.street_recorder import record_street
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.ros.launcher.errors import LaunchArgumentError
from snn_ros.ros.launcher.run import LaunchSession
from snn_ros.simulation.gazebo.export import write_gazebo_world
from snn_ros.simulation.open_scenario import AnyScenario, changed, open_scenario
from snn_ros.simulation.scenario import Scenario
from snn_ros.simulation.scenario_files import read_scenario
from snn_ros.simulation.street.kitti_export import export_kitti
from snn_ros.simulation.street.scenario import StreetScenario
from snn_ros.simulation.street.simulation import StreetSimulation

CONTACT_SHEET = "contact_sheet.png"
KITTI, GAZEBO = "kitti", "gazebo"
_STARTUP_TIMEOUT = 30.0  # s until a live simulation that is not active is reported


class NotWritten(SnnRosError):
    """The file system refuses."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a name, a file or street-random:SEED")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--bag", metavar="DIR", help="record a rosbag2 (MCAP) in this new folder")
    target.add_argument(
        "--export",
        nargs=2,
        metavar=("KIND", "OUT"),
        help="kitti: a new folder in KITTI's layout; gazebo: a world, as OUT.sdf",
    )
    target.add_argument(
        "--live",
        nargs="*",
        type=launch_argument,
        metavar="name:=value",
        help="publish it over DDS until it is over, with these launch arguments",
    )
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
    """Simulate and say what was made; 1 when it was stopped early, 2 when the call is wrong."""
    scenario = changed(
        open_scenario(arguments.scenario, _scenarios()), dict(arguments.changes), "--set"
    )
    problem = _problem(arguments, scenario)
    if problem:
        print(f"snn-ros simulate: {problem}", file=sys.stderr)
        return WRONG_CALL
    if arguments.live is not None:
        return _show(arguments, scenario)
    if arguments.export and arguments.export[0] == GAZEBO:
        return _write_world(scenario, Path(arguments.export[1]))
    return _record(arguments, scenario)


def _problem(arguments: argparse.Namespace, scenario: AnyScenario) -> str:
    """What is wrong with the call; empty if nothing."""
    if arguments.live is not None and arguments.changes:
        return "--set with --live: put the settings into a scenario file"
    kind = arguments.export[0] if arguments.export else ""
    if kind not in ("", KITTI, GAZEBO):
        return f"--export {kind}: must be {KITTI} or {GAZEBO}"
    if kind == KITTI and not isinstance(scenario, StreetScenario):
        return f"--export kitti: {arguments.scenario} is a flight, not a drive"
    return ""


def _show(arguments: argparse.Namespace, scenario: AnyScenario) -> int:
    """Run it as a node, until it is over."""
    name = "street" if isinstance(scenario, StreetScenario) else "blimp"
    given = {"scenario": arguments.scenario, **dict(arguments.live)}
    try:
        session = LaunchSession(name, given, output=sys.stdout)
    except LaunchArgumentError as err:
        print(f"snn-ros simulate: {err}", file=sys.stderr)
        return WRONG_CALL
    return session.run(_STARTUP_TIMEOUT)


def _write_world(scenario: AnyScenario, file: Path) -> int:
    try:
        write_gazebo_world(scenario, file)
    except OSError as err:
        raise NotWritten(f"{file}: cannot be written: {err.strerror}") from err
    print(f"{file}: a world for Gazebo; see docs/gazebo.md")
    return DONE


def _record(arguments: argparse.Namespace, scenario: AnyScenario) -> int:
    """Simulate into a folder, as fast as it goes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    folder = arguments.bag or arguments.export[1]
    if isinstance(scenario, StreetScenario):
        watcher = _drive(arguments, scenario)
    else:
        watcher = _fly(arguments, scenario)
    figures = watcher.figures | {"stopped": watcher.stopped, "wall_s": time.monotonic() - began}
    if arguments.bag:
        figures["topics"] = _counts(folder)
    if arguments.json != "-":
        _print_table(figures, watcher.remarks, folder)
    if arguments.json:
        write_json({"input": arguments.scenario, "output": folder, **figures}, arguments.json)
    return FAILED if watcher.stopped else DONE


def _drive(arguments: argparse.Namespace, scenario: StreetScenario) -> Watcher:
    with StreetSimulation(scenario) as street:
        watcher = DriveWatcher(f"{arguments.scenario}: {scenario.description}", street)
        with watcher.following():
            if arguments.bag:
                with BagWriter(arguments.bag, compress=arguments.compress) as bag:
                    record_street(street, bag, watcher.watch)
            else:
                export_kitti(street, arguments.export[1], watcher.watch)
        watcher.save_picture(Path(arguments.bag or arguments.export[1]) / CONTACT_SHEET)
    return watcher


def _fly(arguments: argparse.Namespace, scenario: Scenario) -> Watcher:
    watcher = FlightWatcher(scenario)
    with watcher.following(), BagWriter(arguments.bag, compress=arguments.compress) as bag:
        record_flight(scenario, bag, watcher.watch)
    watcher.save_picture(Path(arguments.bag) / CONTACT_SHEET)
    return watcher


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


def _print_table(figures: dict[str, Any], remarks: list[str], folder: str) -> None:
    for name, count in figures.get("topics", {}).items():
        print(f"{count:8}  {name}")
    for remark in remarks:
        print(remark)
    early = " (stopped early)" if figures["stopped"] else ""
    print(f"{figures['simulated_s']:.1f} s{early} in {figures['wall_s']:.1f} s: {folder}")
