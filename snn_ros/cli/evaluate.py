"""Score a system on an input.

INPUT of blimp_control is one of
  oracle    setpoint steps on the plants A and B beside the PID, and what the I term carries
  domains   512 held-out randomised worlds, RMSE over the PID's
  heads     yaw and surge beside their PD on held-out trials (profile and weights do not matter)
  FILE.csv  a flight log with columns time, z, z_ref (z points down): 3 s means beside the PID
  BAG       the same from a recording with one Range and one PointStamped topic (the setpoint)

Example:
  snn-ros evaluate blimp_control domains --profile edge --json -
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snn_ros import machine
from snn_ros.cli.figures import add_json_option, write_json

if TYPE_CHECKING:
    from snn_ros.blimp_control.parameters import NetworkParameters


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        scores: figures by name.
        latency_ms: ``p50`` and ``p99`` of a step.
        spikes: activity of the network.
        columns: of the table.
        rows: of the table.
    """

    scores: Mapping[str, float]
    latency_ms: Mapping[str, float]
    spikes: Mapping[str, float]
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("system", choices=sorted(SYSTEMS))
    parser.add_argument("input", metavar="INPUT", help="see above")
    parser.add_argument("--profile", default="edge", help="which network (default: edge)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="default: the profile's own")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print a table, or the figures as JSON."""
    found = SYSTEMS[arguments.system](arguments)
    if arguments.json != "-":
        _print_table(found)
    if arguments.json:
        figures = {
            "system": arguments.system,
            "profile": arguments.profile,
            "input": arguments.input,
            "scores": {name: x for name, x in found.scores.items() if math.isfinite(x)},
            "latency_ms": found.latency_ms,
            "spikes": found.spikes,
            "machine": machine.describe(),
        }
        write_json(figures, arguments.json)
    return 0


def _print_table(found: Evaluation) -> None:
    cells = [list(found.columns), *([str(cell) for cell in row] for row in found.rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(found.columns))]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    for name, value in found.scores.items():
        print(f"{name} = {value:.4g}")


def _blimp_control(arguments: argparse.Namespace) -> Evaluation:
    from snn_ros.blimp_control import BlimpController, weights
    from snn_ros.blimp_control.evaluation import step_latency

    path = arguments.weights or weights.default_path(arguments.profile)
    network, _ = weights.load(path, arguments.profile)
    score = _BLIMP_INPUTS.get(arguments.input)
    table = score(network) if score else _blimp_log(network, Path(arguments.input))
    controller = BlimpController.from_config(arguments.profile, weights=path)
    durations = step_latency(controller) * 1e3
    latency = {f"p{p}": float(np.percentile(durations, p)) for p in (50, 99)}
    return Evaluation(table[0], latency, controller.spike_activity().figures(), *table[1:])


_Table = tuple[Mapping[str, float], Sequence[str], Sequence[Sequence[object]]]


def _blimp_oracle(network: NetworkParameters) -> _Table:
    from snn_ros.blimp_control.evaluation import oracle_rows, trim_rows
    from snn_ros.blimp_control.pid import PidGains

    pd_rows = oracle_rows(None, PidGains(integral=0.0), (0.0, -0.05), "PD")
    pid_rows, snn_rows = oracle_rows(None, PidGains()), oracle_rows(network, PidGains(), name="SNN")
    trims = trim_rows(network)
    ratios = [s.rmse / p.rmse for s, p in zip(snn_rows, pid_rows, strict=True)]
    excess = [
        max(np.subtract(s.overshoot, p.overshoot)) for s, p in zip(snn_rows, pid_rows, strict=True)
    ]
    scores = {
        "rmse_ratio_mean": float(np.mean(ratios)),
        "rmse_ratio_worst": max(ratios),
        "overshoot_excess_cm_worst": float(max(excess)),
        "settled_error_cm_worst": max(max(row.settled_error) for row in snn_rows),
        "trim_error_u_worst": max(abs(row.u_i - row.trim) for row in trims),
        "trims_within": float(sum(row.within for row in trims)),
        "trims": float(len(trims)),
    }
    columns = (
        "plant",
        "controller",
        "b or ballast",
        "overshoot cm",
        "|e| last 10 s",
        "RMSE cm",
        "|u|",
    )
    rows: list[Sequence[object]] = [
        (
            row.plant,
            row.controller,
            f"{row.buoyancy:+.2f} m/s2",
            "/".join(f"{x:.0f}" for x in row.overshoot),
            "/".join(f"{x:.1f}" for x in row.settled_error),
            f"{row.rmse:.1f}",
            f"{row.mean_command:.2f}",
        )
        for row in (*pd_rows, *pid_rows, *snn_rows)
    ]
    rows += [
        (row.plant, "SNN", f"{row.ballast:+.1f} g", f"u_i {row.u_i:.2f}", f"trim {row.trim:.2f}",
         f"PID {row.pid_u_i:.2f}", "ok" if row.within else "off")
        for row in trims
    ]  # fmt: skip
    return scores, columns, rows


def _blimp_domains(network: NetworkParameters) -> _Table:
    from snn_ros.blimp_control.evaluation import domain_scores
    from snn_ros.blimp_control.training import held_out_domains

    found = domain_scores(network, held_out_domains())
    worst = np.argsort(found.ratio)[::-1][:5]
    rows = [
        (i, f"{found.rmse[i]:.1f}", f"{found.pid_rmse[i]:.1f}", f"{found.ratio[i]:.3f}")
        for i in worst
    ]
    return found.figures(), ("worst domains", "SNN RMSE cm", "PID RMSE cm", "ratio"), rows


def _blimp_heads(_network: NetworkParameters) -> _Table:
    from snn_ros.blimp_control import weights
    from snn_ros.blimp_control.head_training import head_scores, held_out_trials
    from snn_ros.blimp_control.heads import AXES

    figures = {
        name: head_scores(
            axis, weights.load(weights.default_path(name), name)[0], held_out_trials(axis)
        ).figures()
        for name, axis in AXES.items()
    }
    scores = {f"{name}_{key}": x for name, found in figures.items() for key, x in found.items()}
    rows = [
        (name, *(f"{found[key]:.3f}" for key in ("rmse", "pd_rmse", "rmse_ratio_worst")))
        for name, found in figures.items()
    ]
    return scores, ("head", "SNN RMSE", "PD RMSE", "worst ratio"), rows


def _blimp_log(network: NetworkParameters, path: Path) -> _Table:
    from snn_ros.blimp_control.evaluation import log_agreement
    from snn_ros.blimp_control.flight_log import read_flight_log
    from snn_ros.cli.flight_bags import read_flight_bag

    log = read_flight_log(path) if path.suffix == ".csv" else read_flight_bag(path)
    found = log_agreement(network, log.time, log.altitude, log.setpoint)
    scores = {
        "windows": float(found.windows),
        "large_share": found.large_share,
        "small_share": 1.0 - found.large_share,
        "large_correlation": found.correlation,
        "small_difference_u": found.small_difference,
        "large_difference_u": found.large_difference,
    }
    return scores, ("log", "3 s windows"), [(path.name, found.windows)]


_BLIMP_INPUTS: dict[str, Callable[[NetworkParameters], _Table]] = {
    "oracle": _blimp_oracle,
    "domains": _blimp_domains,
    "heads": _blimp_heads,
}
SYSTEMS: dict[str, Callable[[argparse.Namespace], Evaluation]] = {"blimp_control": _blimp_control}
