"""Fly a simulated blimp over DDS, once with the spiking network and once with the PID.

Starts launch/blimp.launch.xml (controller, motor watchdog, 6-DoF simulation in lock step), records
both flights, prints a table and writes report.html, report.json and flight.png.

Example:
  snn-ros demo --output build/demo
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from snn_ros import machine
from snn_ros.blimp_control import flight_scores
from snn_ros.nodes.flight_recorder import FlightLog, fly
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.report import Report
from snn_ros.ros.main import prepare_environment
from snn_ros.simulation.flight import Flight
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.scenario import Scenario, load_scenario
from snn_ros.simulation.scenario_files import find_scenario

CONTROLLERS = {"snn": "spiking network", "pid": "PID 9/0.75/14"}
COLUMNS = (
    "controller", "RMSE [cm]", "overshoot [cm]", "|e| last 10 s [cm]", "spikes/s",
    "step p50 [µs]", "step p99 [µs]",
)  # fmt: skip
_COLOURS = {"snn": "#c2410c", "pid": "#1d4ed8"}
_DOMAINS = 100  # of the 101 that work on every Linux; 0 is everybody's
_TIMEOUT = 300.0  # s of wall time for one flight


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--quick", action="store_true", help="a 50 s flight instead of 280 s")
    parser.add_argument(
        "--output", type=Path, default=Path("build/demo"), help="folder of the report"
    )


def run(arguments: argparse.Namespace) -> int:
    """Fly, score, report."""
    # The demo talks to itself only, whatever else is on this host and on the network.
    os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % _DOMAINS + 1))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    prepare_environment()
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
    figures = {
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
    (arguments.output / "report.json").write_text(json.dumps(figures, indent=1))
    _write_report(arguments.output, scenario, logs, rows)
    print(f"{arguments.output / 'report.html'} after {time.monotonic() - began:.0f} s")
    return 0


def score(log: FlightLog) -> dict[str, float]:
    """Figures of merit of one flight, against the true altitude.

    Args:
        log: from the first setpoint on.
    """
    setpoint = log.values["setpoint"]
    flown = np.isfinite(setpoint)
    setpoint, altitude = setpoint[flown], log.true_altitude[flown]
    seconds = log.time[-1] - log.time[0]
    p50, p99 = np.percentile(log.values["step_time_us"], (50, 99))
    return {
        "rmse_m": float(flight_scores.rms(setpoint - altitude)),
        "overshoot_m": float(flight_scores.overshoots(altitude, setpoint).max()),
        "settled_error_m": float(flight_scores.settled_errors(altitude, setpoint).max()),
        "spikes_per_s": float(log.values["spikes"].sum() / seconds),
        "step_p50_us": float(p50),
        "step_p99_us": float(p99),
    }


def _row(controller: str, scores: dict[str, float]) -> list[str]:
    centimetres = [f"{100 * scores[n]:.1f}" for n in ("rmse_m", "overshoot_m", "settled_error_m")]
    spikes = f"{scores['spikes_per_s']:.0f}" if controller == "snn" else "none"
    times = [f"{scores[n]:.0f}" for n in ("step_p50_us", "step_p99_us")]
    return [CONTROLLERS[controller], *centimetres, spikes, *times]


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for cells in (COLUMNS, *rows):
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


def _write_report(
    folder: Path, scenario: Scenario, logs: dict[str, FlightLog], rows: list[list[str]]
) -> None:
    report = Report("A blimp flown by spiking neurons", machine.describe())
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
    figure = altitude_figure(scenario, logs)
    figure.savefig(folder / "flight.png", dpi=110)
    report.figure("Altitude", figure)
    report.figure("Terms of the spiking controller", _terms_figure(logs["snn"]))
    report.write(folder / "report.html")


def altitude_figure(scenario: Scenario, logs: dict[str, FlightLog]) -> Figure:
    """Altitudes of both flights, beside a picture of the room where a renderer is there."""
    room = _picture(scenario)
    figure, axes = plt.subplots(
        1, 2 if room is not None else 1, figsize=(12, 4.2), layout="constrained", squeeze=False,
        width_ratios=(1, 1.35) if room is not None else None,
    )  # fmt: skip
    if room is not None:
        axes[0, 0].imshow(room)
        axes[0, 0].set_axis_off()
    axis = axes[0, -1]
    setpoint = logs["snn"].values["setpoint"]
    axis.plot(logs["snn"].time, setpoint, color="#64748b", ls="--", lw=1.2, label="setpoint")
    for controller, log in logs.items():
        axis.plot(
            log.time, log.true_altitude, color=_COLOURS[controller], lw=1.6,
            label=CONTROLLERS[controller],
        )  # fmt: skip
    for change in scenario.ballast:
        axis.axvline(change.start, color="#94a3b8", lw=1)
        axis.annotate(f" {change.grams:+g} g", (change.start, axis.get_ylim()[1]), va="top")
    axis.set_xlabel("time [s]")
    axis.set_ylabel("altitude [m]")
    axis.grid(alpha=0.3)
    axis.legend(loc="upper right", frameon=False, ncols=3, bbox_to_anchor=(1, 1.12))
    return figure


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
