"""Other libraries on our networks and our input, each in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from snn_ros.sparse.backends.program import INPUT, Kind, Program, trace
from snn_ros.sparse.convolution import StridedConvolution
from snn_ros.sparse.tensor import SparseTensor

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "build" / "rivals"
SCRIPT = ROOT / "tools" / "rivals_environment.sh"
PROGRAM = Path(__file__).with_name("spconv_rival.py")
MADE = ENVIRONMENT / ".made"


class NoRival(Exception):
    """The library cannot be had here; the text says why."""


@dataclass(frozen=True, eq=False)
class RivalRun:
    """What a library made of a network.

    Attributes:
        features: (V, C) membranes of the last layer.
        coordinates: (V, 4) where.
        wall_ms: the best of ten runs.
        cpu_ms: likewise, of the processor.
    """

    features: NDArray[np.float32]
    coordinates: NDArray[np.int32]
    wall_ms: float
    cpu_ms: float


def spconv_on(network: nn.Module, x: SparseTensor) -> RivalRun:
    """A backbone of sparse 3D convolutions by spconv on one thread.

    Args:
        network: folded, in evaluation mode.
        x: its input.

    Raises:
        NoRival: it cannot be installed or run.
    """
    program = trace(network)
    arrays: dict[str, NDArray[Any]] = {
        "features": x.features.numpy(),
        "coordinates": x.sites.coordinates.numpy(),
        "shape": np.array(x.sites.spatial_shape),
    }
    for place, step in enumerate(program.steps):
        layer = step.layer
        arrays[f"weight_{place}"] = layer.weight.detach().numpy()
        bias = np.zeros(len(layer.weight), np.float32)
        arrays[f"bias_{place}"] = bias if layer.bias is None else layer.bias.detach().numpy()
    with tempfile.TemporaryDirectory() as folder:
        steps, given, made = (Path(folder) / name for name in ("s.json", "in.npz", "out.npz"))
        steps.write_text(json.dumps(_steps(program)))
        np.savez(given, **arrays)  # type: ignore[arg-type]
        _call([_python(), PROGRAM, steps, given, made])
        with np.load(made, allow_pickle=False) as result:
            times = (1e3 * float(result[name]) for name in ("wall", "cpu"))
            return RivalRun(result["features"], result["coordinates"], *times)


def _steps(program: Program) -> list[dict[str, Any]]:
    levels = {INPUT: 0}
    described = []
    for place, step in enumerate(program.steps):
        source, kernel = step.source, None
        if isinstance(step.layer, StridedConvolution):
            kernel = step.layer.kernel
        levels[place] = levels[source.step] + (kernel is not None)
        spikes = source.kind is Kind.SPIKES
        described.append(
            {
                "source": source.step,
                "max_count": program.steps[source.step].max_count if spikes else None,
                "shortcut": None if step.shortcut is None else step.shortcut.step,
                "stride": None if kernel is None else kernel.stride,
                "padding": None if kernel is None else kernel.padding,
                "level": levels[source.step],
            }
        )
    return described


def _python() -> Path:
    if not MADE.exists():
        _call([SCRIPT, ENVIRONMENT, sys.executable])
        MADE.touch()
    return ENVIRONMENT / "bin" / "python"


def _call(command: list[Path | str]) -> None:
    alone = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    # what the wheels of ROS set for themselves does not fit another environment
    kept = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "PYTHONPATH")}
    kept.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", None)
    done = subprocess.run(
        command, env=kept | alone, capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise NoRival(f"{Path(command[-1] if command[0] == SCRIPT else PROGRAM)}: {reason[-1]}")
