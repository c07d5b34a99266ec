"""Published checkpoints: their names are ours, their layouts are turned into ours.

Weights of sparse convolutions come in two layouts. spconv 2.x stores (Cout, *kernel, Cin), as we
do, but reads the memory of a 1x1 kernel as (Cin, Cout) (its issue 450): a re-reading of the stored
memory, not a transposition. spconv 1.x stores (*kernel, Cin, Cout).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from snn_ros.errors import SnnRosError
from snn_ros.sparse.convolution import SparseConvolution

STATES = ("model_state", "state_dict")
"""Under which the state dict lies in checkpoints of OpenPCDet and of Pointcept."""
WRAPPER = "module."  # what distributed training puts before each name
TRAINING_ONLY = {"global_step"}
_SHOWN = 3  # names in a refusal before it only counts


class CheckpointError(SnnRosError):
    """A checkpoint cannot be read or does not fit; the text names what is missing or differs."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The state dict of a published checkpoint, with plain names, as it is stored.

    Only tensors and plain containers are unpickled, never code.

    Raises:
        CheckpointError: naming the file.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as err:
        raise CheckpointError(f"{path}: cannot be read: {err.strerror or err}") from err
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as err:
        first_line = str(err).partition("\n")[0]
        raise CheckpointError(f"{path}: not a checkpoint of weights alone: {first_line}") from err
    for name in STATES:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not content:
        raise CheckpointError(f"{path}: holds {type(content).__name__}, not a state dict")
    state = {str(name).removeprefix(WRAPPER): value for name, value in content.items()}
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise CheckpointError(f"{path}: {_some(others)} not tensors")
    return {name: value for name, value in state.items() if name not in TRAINING_ONLY}


@dataclass(frozen=True)
class Differences:
    """What keeps a state dict from fitting a network.

    Attributes:
        missing: entries that the network has and the state dict has not.
        unexpected: entries that the state dict has and the network has not.
        shapes: entries of a wrong shape, each with both shapes.
        not_finite: entries with NaN or infinity.
    """

    missing: list[str]
    unexpected: list[str]
    shapes: list[str]
    not_finite: list[str]

    @property
    def number(self) -> int:
        """How many entries do not fit."""
        return sum(map(len, vars(self).values()))

    def __str__(self) -> str:
        labels = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "shapes": self.shapes,
            "NaN or infinite": self.not_finite,
        }
        return "; ".join(f"{label}: {_some(names)}" for label, names in labels.items() if names)


def differences(network: nn.Module, state: Mapping[str, Tensor]) -> Differences:
    """Compare a state dict, in either layout, with a network; its weights may be on ``meta``."""
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if is_first_layout(network, state):
        layers = _sparse_weights(network)
        shapes |= {name: _first_layout(layer) for name, layer in layers.items()}
    return Differences(
        missing=[name for name in shapes if name not in state],
        unexpected=[name for name in state if name not in shapes],
        shapes=[
            f"{name} is {tuple(state[name].shape)}, must be {shape}"
            for name, shape in shapes.items()
            if name in state and tuple(state[name].shape) != shape
        ],
        not_finite=[name for name, value in state.items() if not value.isfinite().all()],
    )


def is_first_layout(network: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """Whether the sparse weights of a state dict are those of spconv 1.x."""
    return any(
        tuple(state[name].shape) == _first_layout(layer) != tuple(layer.weight.shape)
        for name, layer in _sparse_weights(network).items()
        if name in state
    )


def load_published(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put a published state dict, in either layout, into a network.

    Raises:
        CheckpointError: naming missing and unexpected entries and wrong shapes.
    """
    found = differences(network, state)
    if found.number:
        raise CheckpointError(str(found))
    ours = dict(state)
    first = is_first_layout(network, state)
    for name, layer in _sparse_weights(network).items():
        ours[name] = _from_first(state[name]) if first else _from_second(state[name], layer)
    network.load_state_dict(ours)


def _sparse_weights(network: nn.Module) -> dict[str, SparseConvolution]:
    return {
        f"{name}.weight": layer
        for name, layer in network.named_modules()
        if isinstance(layer, SparseConvolution)
    }


def _first_layout(layer: SparseConvolution) -> tuple[int, ...]:
    return (*layer.kernel_size, layer.in_channels, layer.out_channels)


def _from_first(weight: Tensor) -> Tensor:
    return weight.movedim(-1, 0)


def _from_second(weight: Tensor, layer: SparseConvolution) -> Tensor:
    if set(layer.kernel_size) != {1}:
        return weight
    return weight.reshape(layer.in_channels, layer.out_channels).T.reshape(weight.shape)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
