"""Published checkpoints as weight files of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from snn_ros.lidar_detection.model import NETWORKS, build, skeleton
from snn_ros.lidar_detection.paper.checkpoint import (
    CheckpointError,
    differences,
    is_first_layout,
    load_published,
    read_checkpoint,
)
from snn_ros.lidar_detection.weights import Manifest, load, save
from snn_ros.weight_files import WeightsError

PROFILE = "paper"
UNKNOWN_LICENCE = "that of the imported file; not known to this program"


class Imported(NamedTuple):
    """What became of a checkpoint.

    Attributes:
        network: its name in `NETWORKS`.
        layout: of its sparse weights.
        entries: of its state dict, without those of the training loop.
        parameters: of the network.
    """

    network: str
    layout: str
    entries: int
    parameters: int


def import_checkpoint(source: Path, target: Path, network: str | None = None) -> Imported:
    """Turn a published checkpoint into a weight file and its manifest.

    Args:
        source: the checkpoint.
        target: the safetensors file to write.
        network: its name in `NETWORKS`; None finds out by its entries.

    Raises:
        CheckpointError: naming the entries that do not fit.
        UnknownNetworkError: for a name that is not known.
        WeightsError: if the files cannot be written.
    """
    state = read_checkpoint(source)
    name = _recognised(source, state) if network is None else network
    model = build(name)
    try:
        load_published(model, state)
    except CheckpointError as err:
        raise CheckpointError(f"{source}: does not fit {name!r}: {err}") from err
    layout = "spconv 1.x" if is_first_layout(model, state) else "spconv 2.x"
    manifest = Manifest(
        PROFILE,
        name,
        source={
            "file": source.name,
            "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "layout": layout,
        },
        licence=UNKNOWN_LICENCE,
    )
    save(target, model.state_dict(), manifest)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Imported(name, layout, len(state), parameters)


def load_network(path: Path) -> nn.Module:
    """A published network with the weights of an imported file, in evaluation mode.

    Raises:
        WeightsError: naming what does not fit.
        UnknownNetworkError: if the manifest names a network that is not known.
    """
    state, manifest = load(path, PROFILE)
    network = build(manifest.network)
    found = differences(network, state)
    if found.number:
        raise WeightsError(f"{path}: does not fit {manifest.network!r}: {found}")
    network.load_state_dict(state)
    return network


def _recognised(source: Path, state: dict[str, Tensor]) -> str:
    """Name of the network that a state dict is of."""
    found = {name: differences(skeleton(name), state) for name in NETWORKS}
    closest = min(found, key=lambda name: found[name].number)
    if found[closest].number:
        raise CheckpointError(
            f"{source}: fits no published network; closest is {closest!r}: {found[closest]}"
        )
    return closest
