"""Plots of a drive: which place was found where, and what it looks like."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snn_ros.metrics.calibration import CalibrationCurve
from snn_ros.place_recognition.preprocessing import Bytes


def confusion_matrix(
    scores: NDArray[np.float64], best: NDArray[np.int64], truth: NDArray[np.bool_]
) -> Figure:
    """Scores of all places for all images, with the best place and the true one.

    Args:
        scores: (P, Q).
        best: (Q,) place that was answered.
        truth: (P, Q).
    """
    figure = Figure(figsize=(6.0, 5.2), layout="constrained")
    axes = figure.add_subplot(xlabel="image", ylabel="place")
    finite = np.where(np.isfinite(scores), scores, np.nan)
    shown = axes.imshow(finite, aspect="auto", origin="lower", cmap="viridis")
    figure.colorbar(shown, label="score")
    place, image = truth.nonzero()
    axes.plot(image, place, ".", ms=2, color="white", label="true")
    axes.plot(np.arange(len(best)), best, ".", ms=3, color="#c2410c", label="found")
    axes.legend(loc="upper left")
    return figure


def calibration_plot(curve: CalibrationCurve) -> Figure:
    """Stated probabilities beside what came true."""
    figure = Figure(figsize=(4.2, 4.0), layout="constrained")
    axes = figure.add_subplot(
        xlabel="stated probability", ylabel="share that was right", xlim=(0, 1), ylim=(0, 1.02)
    )
    axes.plot([0, 1], [0, 1], color="#94a3b8", lw=1)
    axes.plot(curve.stated, curve.observed, "o-")
    axes.grid(alpha=0.3)
    return figure


def beside(query: Bytes, found: Bytes, true: Bytes | None, title: str) -> Figure:
    """A query, the place it was taken for, and its true place where there is one."""
    shown = {"query": query, "found": found} | ({} if true is None else {"true": true})
    figure = Figure(figsize=(3.2 * len(shown), 2.8), layout="constrained")
    figure.suptitle(title)
    for number, (name, picture) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(1, len(shown), number, title=name)
        axes.imshow(picture, cmap="gray")
        axes.set_axis_off()
    return figure
