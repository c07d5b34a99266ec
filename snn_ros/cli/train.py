"""Train a network of a system on simulated drives, and write its weights.

The run is a function of its configuration and seed. It goes on from the checkpoint in its folder,
so that it can be stopped at any time and started again by the same command. Drives that are not
there yet are simulated first.

Example:
  snn-ros train lidar_detection --steps 3000 --seed 1 --folder build/training/lidar_detection/edge
  snn-ros train lidar_detection --begin build/training/lidar_detection/edge --learning-rate 0.002 \
      --seed 2 --folder build/training/lidar_detection/second --weights weights/mine.safetensors
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tqdm import tqdm

from snn_ros import machine
from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.errors import SnnRosError
from snn_ros.packages import OWN_PACKAGE, share_directory

if TYPE_CHECKING:
    from torch import nn

    from snn_ros.lidar_detection.scans import ScanFolder
    from snn_ros.lidar_detection.training import EdgeTrainingConfig


class UnfinishedRun(SnnRosError):
    """A run to begin with has not been trained to its end."""


WEIGHTS, CURVES, COMMANDS = "weights.safetensors", "curves.png", "commands.json"
_SHOWN = ["loss", "heat_loss", "box_loss", "overlap_loss", "quality_loss", "firing_rate"]
_HELD_OUT_LIDAR = "hdl_64e"
_MEASURED_BATCHES = 120  # for the statistics of normalisation of the network that is written
_MAIN_SCORE = "ap_r40_3d_car_moderate"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("system", choices=sorted(SYSTEMS))
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="default: config/models/SYSTEM_edge.yaml"
    )
    parser.add_argument("--steps", type=int, help="of the whole run; default: of the file")
    parser.add_argument("--seed", type=int, help="default: of the file")
    parser.add_argument("--learning-rate", type=float, help="at its peak; default: of the file")
    parser.add_argument(
        "--begin", type=Path, metavar="DIR", help="folder of a run whose network is trained on"
    )
    parser.add_argument(
        "--activation", choices=("spike", "relu"), help="relu trains the dense twin"
    )
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--workers", type=int, default=1, help="that make batches (default: 1)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="of drives; default: build/training/SYSTEM"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="of the run; default: build/training/SYSTEM/edge"
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FILE",
        help="to write, with manifest (.json) and model card (.md); default: in the folder",
    )  # fmt: skip
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train to the end, then write weights, curves and scores."""
    scores = SYSTEMS[arguments.system](arguments)
    if arguments.json != "-":
        print("\n".join(f"{name:34} {value:.3f}" for name, value in scores.items()))
    if arguments.json:
        figures = {"system": arguments.system, "profile": "edge", "input": "held-out drives"}
        write_json(figures | {"scores": scores, "machine": machine.describe()}, arguments.json)
    return 0


def _lidar_detection(arguments: argparse.Namespace) -> Mapping[str, float]:
    from snn_ros.learning.checkpoint import load_network
    from snn_ros.learning.curves import curves, read_log
    from snn_ros.learning.loop import CHECKPOINT, LOG, train
    from snn_ros.learning.normalisation import measure_normalisation
    from snn_ros.lidar_detection.edge_batches import AugmentedBatches
    from snn_ros.lidar_detection.edge_grid import off_grid
    from snn_ros.lidar_detection.training import EdgeDetection
    from snn_ros.lidar_detection.training import run as run_edge

    config = _edge_config(arguments)
    data = arguments.data or Path("build/training/lidar_detection")
    folder = arguments.folder or data / "edge"
    scans, held_out = _scans(config, data)
    commands = [*_earlier_commands(arguments.begin), _command(arguments)]
    task = EdgeDetection(config, held_out, arguments.device)
    if arguments.begin is not None:
        load_network(arguments.begin / CHECKPOINT, task.model)
    batches = AugmentedBatches(
        scans, config.augmentation, config.training.batch_size, config.training.seed
    )
    steps = config.training.steps
    with tqdm(total=steps, unit="step", disable=None) as bar:

        def watch(step: int, figures: Mapping[str, float]) -> None:
            bar.n = step
            bar.set_postfix(loss=f"{figures['loss']:.3f}")

        network = train(
            task,
            lambda first: batches.from_step(first, steps, arguments.workers),
            config.training,
            folder,
            watch,
            settings=_identity(config),
        )
    again = batches.from_step(0, min(steps, _MEASURED_BATCHES), arguments.workers)
    measure_normalisation(
        network, lambda batch: run_edge(network, config.network, batch, task.device), again
    )
    curves(read_log(folder / LOG), _SHOWN).savefig(folder / CURVES, dpi=110)
    scores = {k: v for k, v in task.evaluate(network).items() if math.isfinite(v)}
    unrounded = task.evaluate(off_grid(network))[_MAIN_SCORE]
    if math.isfinite(unrounded):
        scores[f"{_MAIN_SCORE}_without_int8_grid"] = unrounded
    _write_weights(arguments.weights or folder / WEIGHTS, network, config, commands, scores)
    (folder / COMMANDS).write_text(json.dumps(commands, indent=1))
    return scores


def _command(arguments: argparse.Namespace) -> str:
    """What was called, as far as it decides about the weights."""
    names = ("config", "steps", "seed", "learning_rate", "begin", "activation", "folder")
    options = [
        f"--{name.replace('_', '-')} {value}"
        for name in names
        if (value := getattr(arguments, name)) is not None
    ]
    return " ".join(["snn-ros train", arguments.system, *options])


def _earlier_commands(begin: Path | None) -> list[str]:
    if begin is None:
        return []
    try:
        commands: list[str] = json.loads((begin / COMMANDS).read_text())
    except OSError as err:
        raise UnfinishedRun(f"begin = {str(begin)!r}: no finished run: {err.strerror}") from err
    return commands


def _write_weights(
    path: Path,
    network: nn.Module,
    config: EdgeTrainingConfig,
    commands: list[str],
    scores: Mapping[str, float],
) -> None:
    from snn_ros.lidar_detection.edge import EdgeNetwork
    from snn_ros.lidar_detection.edge_grid import deployed
    from snn_ros.lidar_detection.edge_weights import save_edge
    from snn_ros.lidar_detection.model_card import card

    training = {
        "commands": commands,
        "seed": config.training.seed,
        "drives": config.drives,
        "held_out_drives": config.held_out_drives,
        **_identity(config),
    }
    shipped = deployed(cast(EdgeNetwork, network))
    manifest = save_edge(path, shipped, training, scores)
    numbers = sum(tensor.numel() for tensor in shipped.state_dict().values())
    path.with_suffix(".md").write_text(card(path.stem, manifest, numbers))


def _edge_config(arguments: argparse.Namespace) -> EdgeTrainingConfig:
    from snn_ros.configuration import overridden
    from snn_ros.lidar_detection.training import read_edge_config

    path = arguments.config or (
        share_directory(OWN_PACKAGE) / "config" / "models" / "lidar_detection_edge.yaml"
    )
    asked = {
        "training.steps": arguments.steps,
        "training.seed": arguments.seed,
        "training.learning_rate": arguments.learning_rate,
        "network.activation": arguments.activation,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return overridden(read_edge_config(path), given, "snn-ros train")


def _identity(config: EdgeTrainingConfig) -> dict[str, Any]:
    """What else than ``config.training`` makes another run."""
    groups = dataclasses.asdict(config)
    del groups["training"]
    return groups


def _scans(config: EdgeTrainingConfig, data: Path) -> tuple[ScanFolder, ScanFolder]:
    """Scans to learn from and scans to score; drives that are not there are simulated."""
    from snn_ros.cli.simulated_scans import (
        FRAMES_TO_LEARN_FROM,
        HELD_OUT,
        any_lidar,
        ensure_drives,
        one_lidar,
    )
    from snn_ros.lidar_detection.scans import ScanFolder

    total = config.drives + config.held_out_drives
    with tqdm(total=total, unit="drive", desc="drives", disable=None, leave=False) as bar:
        learned = ensure_drives(
            data / "drives",
            range(config.drives),
            any_lidar,
            lambda: bar.update() and None,
            FRAMES_TO_LEARN_FROM,
        )
        scored = ensure_drives(
            data / f"held_out_{_HELD_OUT_LIDAR}",
            range(HELD_OUT, HELD_OUT + config.held_out_drives),
            one_lidar(_HELD_OUT_LIDAR),
            lambda: bar.update() and None,
        )
    return ScanFolder(learned), ScanFolder(scored)


SYSTEMS: dict[str, Callable[[argparse.Namespace], Mapping[str, float]]] = {
    "lidar_detection": _lidar_detection
}
