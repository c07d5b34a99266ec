"""Published state dicts: their names are ours, behind a prefix and beside entries of training."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from snn_ros.errors import SnnRosError

WRAPPER = "model."
"""Before the name of everything that is of the network, in checkpoints of the training."""
LOSS_WEIGHTS = {
    f"{task}_weight"
    for task in (
        "segmentation", "pedestrian", "hdmap", "planning", "centerness", "offset", "flow",
    )
}  # fmt: skip
"""Learned weights of the losses, which lie beside the network's entries."""
METRICS = "metric_"
_SHOWN = 3  # names in a refusal before it only counts


class CheckpointError(SnnRosError):
    """A state dict does not fit; the text names what is missing or differs."""


def network_entries(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of a published state dict that are of the network, with plain names."""
    plain = {name.removeprefix(WRAPPER): value for name, value in state.items()}
    return {
        name: value
        for name, value in plain.items()
        if name not in LOSS_WEIGHTS and not name.startswith(METRICS)
    }


def load_published(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put a published state dict into a network.

    Raises:
        CheckpointError: naming missing and unexpected entries, wrong shapes and values.
    """
    entries = network_entries(state)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    wrong = {
        "missing": [name for name in shapes if name not in entries],
        "unexpected": [name for name in entries if name not in shapes],
        "shapes": [
            f"{name} is {tuple(value.shape)}, must be {shapes[name]}"
            for name, value in entries.items()
            if name in shapes and tuple(value.shape) != shapes[name]
        ],
        "NaN or infinite": [name for name, v in entries.items() if not v.isfinite().all()],
    }
    problems = [f"{label}: {_some(names)}" for label, names in wrong.items() if names]
    if problems:
        raise CheckpointError("; ".join(problems))
    network.load_state_dict(entries)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
