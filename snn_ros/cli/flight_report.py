"""Scores and pictures of recorded flights, for commands that fly."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snn_ros.blimp_control import flight_scores
from snn_ros.nodes.flight_recorder import FlightLog
from snn_ros.simulation.scenario import Scenario

CONTROLLERS = {"snn": "spiking network", "pid": "PID 9/0.75/14"}
_COLOURS = {"snn": "#c2410c", "pid": "#1d4ed8"}


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


def altitude_figure(
    scenario: Scenario, logs: Mapping[str, FlightLog], room: NDArray[np.uint8] | None = None
) -> Figure:
    """Altitudes of flights by controller, beside a picture of the room where there is one."""
    figure, axes = plt.subplots(
        1, 2 if room is not None else 1, figsize=(12, 4.2), layout="constrained", squeeze=False,
        width_ratios=(1, 1.35) if room is not None else None,
    )  # fmt: skip
    if room is not None:
        axes[0, 0].imshow(room)
        axes[0, 0].set_axis_off()
    axis = axes[0, -1]
    first = next(iter(logs.values()))
    axis.plot(
        first.time, first.values["setpoint"], color="#64748b", ls="--", lw=1.2, label="setpoint"
    )
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
