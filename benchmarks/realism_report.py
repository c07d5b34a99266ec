"""Simulated and real LiDAR scans side by side: a page of plots and the table of ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.scan_statistics import BOUNDS, FEWEST_CARS, LARGEST, Row, Scan, car_points
from snn_ros.machine import describe
from snn_ros.report import Report

_REAL, _SIMULATED = "#2b6cb0", "#dd6b20"


def write(
    path: Path,
    rows: Sequence[Row],
    verdict: Mapping[str, float],
    real: Sequence[Scan],
    simulated: Sequence[Scan],
) -> None:
    """Write the page.

    Args:
        path: of the HTML file.
        rows: what was compared.
        verdict: figures over all rows.
        real: all scans of KITTI.
        simulated: all scans of the simulated LiDAR.
    """
    report = Report("Simulated LiDAR against KITTI's", describe())
    report.text(
        f"{len(real)} real scans, {len(simulated)} simulated. At least 90 % of the ratios shall be "
        f"within {BOUNDS[0]} and {BOUNDS[1]}, none beyond {LARGEST}."
    )
    report.table("Verdict", ("", ""), [(name, f"{x:.3g}") for name, x in verdict.items()])
    report.figure("Ratios of all entries", _ratios(rows))
    report.figure("Counts", _counts(rows))
    report.figure("Cars", _cars(real, simulated))
    cars = sum(len(scan.cars) for scan in real)
    report.text(
        f"The real scans hold {cars} labelled cars. A bin of range with less than {FEWEST_CARS} of "
        "them is not among the ratios."
    )
    report.figure("One scan of each from above", _from_above(real, simulated))
    cells = [
        (r.name, f"{r.real:.4g}", f"{r.simulated:.4g}", f"{r.ratio:.2f}", "" if r.is_close else "✗")
        for r in rows
    ]
    report.table("Table", ("entry", "KITTI", "simulated", "ratio", "outside"), cells)
    report.write(path)


def _ratios(rows: Sequence[Row]) -> Figure:
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.axhspan(*BOUNDS, color="#c6f6d5", label=f"{BOUNDS[0]} to {BOUNDS[1]}")
    axes.plot([row.ratio for row in rows], "o", color=_SIMULATED, markersize=4)
    named = [i for i, row in enumerate(rows) if not row.name.startswith("ring")]
    named += [i for i, row in enumerate(rows) if row.name.startswith("ring") and i % 8 == 0]
    axes.set_xticks(named, [rows[i].name for i in named], rotation=70, fontsize=7)
    axes.set(yscale="log", ylim=(1 / LARGEST, LARGEST), ylabel="simulated / KITTI")
    axes.set_yticks([1 / 3, 0.5, 0.67, 1, 1.5, 2, 3], ["1/3", "0.5", "0.67", "1", "1.5", "2", "3"])
    axes.minorticks_off()
    axes.legend()
    return figure


def _counts(rows: Sequence[Row]) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    for column, (prefix, title) in enumerate(
        (("ring ", "points per ring, lowest first"), ("share ", "share of returns by range"))
    ):
        axes = figure.add_subplot(1, 2, column + 1)
        chosen = [row for row in rows if row.name.startswith(prefix)]
        axes.plot([row.real for row in chosen], "o-", color=_REAL, label="KITTI", markersize=3)
        simulated = [row.simulated for row in chosen]
        axes.plot(simulated, "s-", color=_SIMULATED, label="simulated", markersize=3)
        axes.set(title=title)
        axes.legend()
    axes.set_xticks(
        range(len(chosen)), [row.name.removeprefix(prefix) for row in chosen], fontsize=8
    )
    axes.set_yscale("log")
    return figure


def _cars(real: Sequence[Scan], simulated: Sequence[Scan]) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    axes = figure.add_subplot()
    distances, points = _all_cars(simulated)
    axes.scatter(distances, points, label="simulated", color=_SIMULATED, s=8, alpha=0.5)
    distances, points = _all_cars(real)
    axes.scatter(distances, points, label="KITTI", color=_REAL, s=60, marker="x")
    axes.set(xlabel="distance in m", ylabel="points on a car", yscale="log")
    axes.legend()
    return figure


def _all_cars(scans: Sequence[Scan]) -> NDArray[np.float64]:
    """(2, N) distances and points of the cars of all scans."""
    return np.concatenate([np.empty((0, 2)), *map(car_points, scans)]).T


def _from_above(real: Sequence[Scan], simulated: Sequence[Scan]) -> Figure:
    figure = Figure(figsize=(11, 5), layout="constrained")
    for column, (title, scan) in enumerate((("KITTI", real[-1]), ("simulated", simulated[0]))):
        axes: Any = figure.add_subplot(1, 2, column + 1)
        x, y, z = scan.points.T
        axes.scatter(x, y, s=0.2, c=z, vmin=-2, vmax=2, cmap="viridis")
        axes.set(title=title, xlim=(-40, 60), ylim=(-40, 40), aspect="equal", xlabel="m")
    return figure
