"""The page that goes with published weights, and the picture of how they were found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from snn_ros.blimp_control.heads import Axis
from snn_ros.blimp_control.training import EvolutionConfig, Progress
from snn_ros.blimp_control.weights import CELLS

_TEXT = """# {name}

Weights of `BlimpController`, profile `{profile}`: {cells} spiking neurons that hold a blimp's
altitude at 10 Hz (`snn_ros/blimp_control`).

- Data: none recorded. Phase 1 imitates a PID (9, 0.75, 14) on synthetic errors of a few
  centimetres; phase 2 flies simulated worlds drawn anew in every generation: plants A and B fitted
  to one published flight, randomised motors, mass, drag, buoyancy, payload steps, gusts, sensor
  noise, outliers, drop-outs, delay and timing.
- Method: CMA-ES from a constructive start; {generations} generations of {population} candidates,
  seed {seed}; of the search's means, the best on a fixed selection set was kept (loss {loss:.3f}).
- Command: `{command}`
- Scores on {domains:.0f} held-out domains that neither search nor selection used
  (`snn-ros evaluate blimp_control domains --profile {profile}`):

| figure | value |
|---|---|
{scores}

- Limits: 10 Hz only; trained for altitudes of 0.4 to 1.8 m, |b| up to 0.16 m/s2 and plants of this
  size. Not flown on hardware by us.
- Licence: Apache-2.0
"""

_HEAD_TEXT = """# {name}

Weights of the `{axis}` head of the blimp (`snn_ros/blimp_control/heads.py`): {cells} spiking
neurons that mimic {target} at 10 Hz, for the mode `full` of the node `blimp_control`.

- Data: none recorded. Phase 1 imitates the conventional controller on the errors of its own
  simulated flights, phase 2 flies randomised ones: inertia, drag, force per command, lag, steady
  push, gusts, noise and delay drawn anew in every generation.
- Method: CMA-ES from a constructive start, seed and sizes as in the command; of the search's means,
  the best on 16 fixed trials was kept (loss {loss:.3f}, the start had {start:.3f}).
- Command: `{command}`
- Scores on held-out trials beside the conventional controller, same simulator, same trials, errors
  in {unit} (`snn-ros evaluate blimp_control heads`):

| figure | value |
|---|---|
{scores}

- Limits: 10 Hz only; trained for the simulated blimp's size. The simulator has one axis: shared
  motors and their limits are not in it. The loss rewards a small error more than likeness, so the
  head may be stiffer than what it mimics. Not flown on hardware by us.
- Licence: Apache-2.0
"""


def head_card(
    name: str,
    axis: Axis,
    cells: int,
    progress: Progress,
    command: str,
    scores: Mapping[str, float],
) -> str:
    """The card of a head as Markdown.

    Args:
        name: of the weights.
        axis: it controls.
        cells: number of spiking neurons.
        progress: at the end of the run.
        command: that made the weights.
        scores: on the held-out trials.
    """
    gains = f"{axis.proportional:g}, {axis.derivative:g}"
    return _HEAD_TEXT.format(
        name=name,
        axis=axis.name,
        cells=cells,
        target=f"a PD ({gains}, u per scaled error)",
        loss=progress.best_loss,
        start=progress.selection[0][1],
        command=command,
        unit="rad" if axis.angular else "m/s",
        scores="\n".join(f"| {key} | {value:.3f} |" for key, value in scores.items()),
    )


def model_card(
    name: str,
    config: EvolutionConfig,
    progress: Progress,
    command: str,
    scores: Mapping[str, float],
) -> str:
    """The card as Markdown.

    Args:
        name: of the weights.
        config: of the run.
        progress: at its end.
        command: that made the weights.
        scores: on the held-out domains.
    """
    rows = "\n".join(f"| {key} | {value:.3f} |" for key, value in scores.items())
    values: dict[str, Any] = {
        "name": name,
        "profile": config.profile,
        "cells": CELLS[config.profile],
        "generations": progress.generation,
        "population": config.population,
        "seed": config.seed,
        "loss": progress.best_loss,
        "command": command,
        "domains": scores["domains"],
        "scores": rows,
    }
    return _TEXT.format(**values)


def fitness_curve(progress: Progress, imitation_generations: int, path: Path) -> None:
    """Draw the losses of a run as PNG."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    generations = range(1, len(progress.losses) + 1)
    best, median, _ = zip(*progress.losses, strict=True)
    axes.plot(generations, median, linewidth=0.7, label="median candidate, new trials each time")
    axes.plot(generations, best, linewidth=0.7, label="best candidate")
    axes.plot(*zip(*progress.selection, strict=True), "k.-", label="mean, fixed selection set")
    axes.axvline(imitation_generations, color="grey", linestyle=":", label="flight begins")
    axes.set(xlabel="generation", ylabel="loss", ylim=(0.0, min(8.0, 1.1 * max(median))))
    axes.legend()
    figure.savefig(path, dpi=110)
