"""Score the altitude controller of the blimp."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from snn_ros.blimp_control import BlimpController, weights
from snn_ros.blimp_control.evaluation import (
    domain_scores,
    log_agreement,
    oracle_rows,
    step_latency,
    trim_rows,
)
from snn_ros.blimp_control.flight_log import read_flight_log
from snn_ros.blimp_control.head_training import head_scores, held_out_trials
from snn_ros.blimp_control.heads import AXES
from snn_ros.blimp_control.parameters import NetworkParameters
from snn_ros.blimp_control.pid import PidGains
from snn_ros.blimp_control.training import held_out_domains
from snn_ros.cli.evaluations.evaluation import Evaluation, latency_ms
from snn_ros.cli.flight_bags import read_flight_bag


def evaluate(arguments: argparse.Namespace) -> Evaluation:
    """Score the altitude controller on one of its inputs."""
    path = arguments.weights or weights.default_path(arguments.profile)
    network, _ = weights.load(path, arguments.profile)
    score = _INPUTS.get(arguments.input)
    table = score(network) if score else _log(network, Path(arguments.input))
    controller = BlimpController.from_config(arguments.profile, weights=path)
    latency = latency_ms(step_latency(controller) * 1e3)
    return Evaluation(table[0], latency, controller.spike_activity().figures(), *table[1:])


_Table = tuple[Mapping[str, float], Sequence[str], Sequence[Sequence[object]]]


def _oracle(network: NetworkParameters) -> _Table:
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


def _domains(network: NetworkParameters) -> _Table:
    found = domain_scores(network, held_out_domains())
    worst = np.argsort(found.ratio)[::-1][:5]
    rows = [
        (i, f"{found.rmse[i]:.1f}", f"{found.pid_rmse[i]:.1f}", f"{found.ratio[i]:.3f}")
        for i in worst
    ]
    return found.figures(), ("worst domains", "SNN RMSE cm", "PID RMSE cm", "ratio"), rows


def _heads(_network: NetworkParameters) -> _Table:
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


def _log(network: NetworkParameters, path: Path) -> _Table:
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


_INPUTS: dict[str, Callable[[NetworkParameters], _Table]] = {
    "oracle": _oracle,
    "domains": _domains,
    "heads": _heads,
}
