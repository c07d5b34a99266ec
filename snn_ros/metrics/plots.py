"""Curves as pictures."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from snn_ros.metrics.precision_recall import PrecisionRecall


def plot_precision_recall(curves: Mapping[str, PrecisionRecall], title: str = "") -> Figure:
    """Curves by name in one picture."""
    figure = Figure(figsize=(5.0, 4.0), layout="constrained")
    axes = figure.add_subplot(
        xlabel="recall", ylabel="precision", xlim=(0.0, 1.0), ylim=(0.0, 1.02), title=title
    )
    for name, curve in curves.items():
        axes.plot(curve.recall, curve.precision, label=name)
    if curves:
        axes.legend(loc="lower left")
    axes.grid(alpha=0.3)
    return figure
