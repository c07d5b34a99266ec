"""Fly a simulated blimp, watch a simulated street and know it again, all over DDS.

Starts launch/blimp.launch.xml (controller, motor watchdog, 6-DoF simulation in lock step) once with
the spiking network and once with the PID, and records both flights. Then records a short drive and
replays it to launch/lidar_detection.launch.xml. Then teaches a street in summer to
launch/place_recognition.launch.xml and drives it again in winter. Prints tables and writes
report.html, report.json and flight.png.

Example:
  snn-ros demo --output build/demo
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from snn_ros import machine
from snn_ros.blimp_control import flight_scores
from snn_ros.cli.flight_report import CONTROLLERS, altitude_figure, score
from snn_ros.cli.own_domain import use_own_domain
from snn_ros.cli.place_demo import drive_route, write_route
from snn_ros.cli.place_demo import figures_of as figures_of_route
from snn_ros.cli.street_demo import figures_of, watch_street, write_street
from snn_ros.nodes.flight_recorder import FlightLog, fly
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.report import Report
from snn_ros.simulation.flight import Flight
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.scenario import Scenario, load_scenario
from snn_ros.simulation.scenario_files import find_scenario

COLUMNS = (
    "controller", "RMSE [cm]", "overshoot [cm]", "|e| last 10 s [cm]", "spikes/s",
    "step p50 [µs]", "step p99 [µs]",
)  # fmt: skip
_TIMEOUT = 300.0  # s of wall time for one flight


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a 50 s flight, a 1 s drive and a route of 90 m instead of 280 s, 4 s and 200 m",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("build/demo"), help="folder of the report"
    )


def run(arguments: argparse.Namespace) -> int:
    """Fly, score, watch the street, drive the route, report."""
    use_own_domain()
    began = time.monotonic()
    name = "blimp_quick" if arguments.quick else "blimp_four_setpoints"
    scenario = load_scenario(
        find_scenario(name, share_directory(OWN_PACKAGE) / "config" / "scenarios")
    )
    logs = {}
    for controller, title in CONTROLLERS.items():
        print(f"flying {scenario.duration:.0f} s with the {title}: {scenario.description}")
        logs[controller] = fly(
            {"scenario": name, "controller": controller, "pace": "0.0"}, timeout=_TIMEOUT
        )
    scores = {controller: score(log) for controller, log in logs.items()}
    rows = [_row(controller, values) for controller, values in scores.items()]
    _print_table(rows)
    arguments.output.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {
        "system": "blimp_control",
        "profile": "edge",
        "input": name,
        "scores": {f"{c}_{n}": v for c, values in scores.items() for n, v in values.items()},
        "latency_ms": {
            "p50": scores["snn"]["step_p50_us"] * 1e-3,
            "p99": scores["snn"]["step_p99_us"] * 1e-3,
        },
        "machine": machine.describe(),
    }
    report = _flight_report(arguments.output, scenario, logs, rows)
    street = watch_street(arguments.output, quick=arguments.quick)
    if street is not None:
        figures["lidar_detection"] = figures_of(street)
        write_street(report, street)
    route = drive_route(arguments.output, quick=arguments.quick)
    if route is not None:
        figures["place_recognition"] = figures_of_route(route)
        write_route(report, route)
    (arguments.output / "report.json").write_text(json.dumps(figures, indent=1))
    report.write(arguments.output / "report.html")
    print(f"{arguments.output / 'report.html'} after {time.monotonic() - began:.0f} s")
    return 0


def _row(controller: str, scores: dict[str, float]) -> list[str]:
    centimetres = [f"{100 * scores[n]:.1f}" for n in ("rmse_m", "overshoot_m", "settled_error_m")]
    spikes = f"{scores['spikes_per_s']:.0f}" if controller == "snn" else "none"
    times = [f"{scores[n]:.0f}" for n in ("step_p50_us", "step_p99_us")]
    return [CONTROLLERS[controller], *centimetres, spikes, *times]


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for cells in (COLUMNS, *rows):
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


def _flight_report(
    folder: Path, scenario: Scenario, logs: dict[str, FlightLog], rows: list[list[str]]
) -> Report:
    report = Report("Spiking neurons at work", machine.describe())
    report.text(
        f"{scenario.description}. Simulation, controller and motor watchdog are ROS 2 nodes and "
        "exchange every value over DDS; the clock waits for the controller (lock step)."
    )
    report.table("Both controllers on the same flight", COLUMNS, rows)
    report.text(
        "Overshoot and remaining error are the worst of all steps. Network and PID run in both "
        "flights, one of them drives; the step time is that of filter, network, PID and limits "
        "together, on a machine that runs the simulation too."
    )
    figure = altitude_figure(scenario, logs, _picture(scenario))
    figure.savefig(folder / "flight.png", dpi=110)
    report.figure("Altitude", figure)
    report.figure("Terms of the spiking controller", _terms_figure(logs["snn"]))
    return report


def _picture(scenario: Scenario) -> np.ndarray | None:
    world = Flight(scenario).world
    try:
        with Renderer(world.model, width=800, height=640) as renderer:
            return renderer.frame(world.data)
    except RendererError as err:
        print(f"no picture of the room: {err}")
        return None


def _terms_figure(log: FlightLog) -> Figure:
    figure, (terms, spikes) = plt.subplots(
        2, 1, figsize=(12, 5.5), sharex=True, layout="constrained", height_ratios=(2, 1)
    )
    for name, label, colour in (
        ("u_pd", "PD term (LIF)", "#c2410c"),
        ("u_i", "I term (adaptive threshold)", "#15803d"),
        ("u_pid", "shadow PID", "#1d4ed8"),
    ):
        means = flight_scores.moving_means(log.values[name])
        start = (log.time.size - means.size) // 2
        terms.plot(log.time[start : start + means.size], means, label=label, color=colour, lw=1.4)
    terms.set_ylabel("u, 3 s means")
    terms.legend(frameon=False, ncols=3)
    spikes.plot(log.time, log.values["spikes"], color="#475569", lw=0.6)
    spikes.set_ylabel("spikes per tick")
    spikes.set_xlabel("time [s]")
    for axis in (terms, spikes):
        axis.grid(alpha=0.3)
    return figure
