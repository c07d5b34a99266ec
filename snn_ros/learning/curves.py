"""The log of a training run: a line of JSON per step, and its curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

_SMOOTHING = 50  # steps in the moving mean of a curve


class Log:
    """Appends to a file; what lies behind the step at which the run goes on is cut off."""

    def __init__(self, path: Path, step: int) -> None:
        """Open a log.

        Args:
            path: of the file.
            step: at which the run begins or goes on.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [entry for entry in read_log(path) if entry["step"] <= step] if path.exists() else []
        path.write_text("".join(json.dumps(entry) + "\n" for entry in kept))
        self._file = path.open("a", buffering=1)

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Write the figures of one step."""
        self._file.write(json.dumps({"step": step, **figures}) + "\n")

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """The entries of a log; a last line that was cut short by a kill is left out."""
    entries = []
    for line in path.read_text().splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return entries


def curves(entries: list[dict[str, Any]], names: list[str]) -> Figure:
    """Curves over the steps, each in its own panel: faint as logged, strong as moving mean.

    Args:
        entries: of a log.
        names: of figures; entries that lack one are left out of its curve.
    """
    figure = Figure(figsize=(10, 2.2 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axis, name in zip(axes, names, strict=True):
        points = np.array([(e["step"], e[name]) for e in entries if name in e]).reshape(-1, 2)
        axis.plot(*points.T, color="#94a3b8", lw=0.6, marker="." if len(points) < 50 else "")
        width = min(_SMOOTHING, len(points) // 4)
        if width > 1:
            mean = np.convolve(points[:, 1], np.full(width, 1.0 / width), mode="valid")
            axis.plot(points[width - 1 :, 0], mean, color="#1d4ed8", lw=1.6)
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("step")
    return figure
