"""State of a training run on disk: tensors in safetensors, the rest as JSON in their metadata.

One file per checkpoint, written beside the old one and then put in its place, so that a run that is
killed at any time leaves a whole one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from snn_ros.errors import SnnRosError

_MODEL, _OPTIMISER, _AVERAGE, _GENERATOR = "model", "optimiser", "average", "generator"


class CheckpointError(SnnRosError):
    """A checkpoint cannot be read, or belongs to another run."""


@dataclass(frozen=True)
class Run:
    """What a checkpoint holds.

    Attributes:
        model: the network.
        optimiser: its optimiser.
        average: moving average of the network's parameters; None without.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    average: nn.Module | None = None


def save_checkpoint(path: Path, run: Run, step: int, settings: Mapping[str, Any]) -> None:
    """Write the state of a run, torch's random state too.

    Args:
        path: of the file.
        run: what is trained.
        step: the next one.
        settings: of the run; another run's checkpoint is refused by them. Anything JSON holds.
    """
    optimiser = run.optimiser.state_dict()
    tensors = _named(_MODEL, run.model.state_dict())
    if run.average is not None:
        tensors |= _named(_AVERAGE, run.average.state_dict())
    for index, state in optimiser["state"].items():
        tensors |= _named(f"{_OPTIMISER}.{index}", state)
    tensors[_GENERATOR] = torch.get_rng_state()
    document = {"step": step, "settings": settings, "groups": optimiser["param_groups"]}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    save_file(tensors, fresh, metadata={"run": json.dumps(document)})
    fresh.replace(path)


def load_checkpoint(path: Path, run: Run, settings: Mapping[str, Any]) -> int:
    """Put a run into the state of a checkpoint.

    Args:
        path: of the file.
        run: like the one that was saved.
        settings: of the run.

    Returns:
        The next step.

    Raises:
        CheckpointError: the file is damaged, its settings differ, or its tensors do not fit.
    """
    document, tensors = _read(path)
    _refuse_other_settings(path, document["settings"], json.loads(json.dumps(settings)))
    try:
        run.model.load_state_dict(_part(tensors, _MODEL))
        if run.average is not None:
            run.average.load_state_dict(_part(tensors, _AVERAGE))
        run.optimiser.load_state_dict(
            {"state": _optimiser_state(tensors), "param_groups": document["groups"]}
        )
    except (RuntimeError, ValueError) as err:
        raise CheckpointError(f"{path}: does not fit this network: {err}") from err
    torch.set_rng_state(tensors[_GENERATOR])
    return int(document["step"])


def load_network(path: Path, network: nn.Module) -> None:
    """Give a network what another run has learned: the average if it has one.

    Args:
        path: of that run's checkpoint.
        network: of the same shape.

    Raises:
        CheckpointError: the file is damaged, or its tensors do not fit.
    """
    _, tensors = _read(path)
    try:
        network.load_state_dict(_part(tensors, _AVERAGE) or _part(tensors, _MODEL))
    except RuntimeError as err:
        raise CheckpointError(f"{path}: does not fit this network: {err}") from err


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads(file.metadata()["run"])
            return document, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as err:
        raise CheckpointError(f"{path}: no checkpoint of a training run: {err}") from err


def _refuse_other_settings(path: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    names = sorted(saved.keys() | now.keys())
    different = [
        f"{name} = {now.get(name)!r}, there {saved.get(name)!r}"
        for name in names
        if saved.get(name) != now.get(name)
    ]
    if different:
        raise CheckpointError(f"{path}: of another run: {'; '.join(different)}")


def _named(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors under a prefix, as safetensors takes them."""
    return {
        f"{prefix}.{name}": torch.as_tensor(value).detach().cpu().contiguous().clone()
        for name, value in tensors.items()
    }


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}


def _optimiser_state(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _part(tensors, _OPTIMISER).items():
        index, _, field = name.partition(".")
        state.setdefault(int(index), {})[field] = tensor
    return state
