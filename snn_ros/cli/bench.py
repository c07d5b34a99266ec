"""Measure a system's speed.

Example:
  snn-ros bench blimp_control --json build/bench/blimp_control.json
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from snn_ros import machine
from snn_ros.cli.figures import add_json_option, write_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("system", choices=sorted(SYSTEMS))
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the figures, or write them as JSON."""
    scores = SYSTEMS[arguments.system]()
    if arguments.json != "-":
        print("\n".join(f"{name} = {value:.4g}" for name, value in scores.items()))
    if arguments.json:
        figures = {"system": arguments.system, "scores": scores, "machine": machine.describe()}
        write_json(figures, arguments.json)
    return 0


def _blimp_control() -> dict[str, float]:
    from snn_ros.blimp_control.speed import measure

    return measure()


def _lidar_detection() -> dict[str, float]:
    from snn_ros.lidar_detection.speed import measure

    return measure()


def _place_recognition() -> dict[str, float]:
    from snn_ros.place_recognition.speed import measure

    return measure()


SYSTEMS: dict[str, Callable[[], dict[str, float]]] = {
    "blimp_control": _blimp_control,
    "lidar_detection": _lidar_detection,
    "place_recognition": _place_recognition,
}
