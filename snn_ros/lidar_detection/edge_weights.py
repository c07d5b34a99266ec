"""Weights of the `edge` network on disk: int8 and scales in safetensors, its shape beside them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from snn_ros.configuration import ConfigurationError, from_mapping
from snn_ros.errors import SnnRosError
from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork
from snn_ros.lidar_detection.edge_grid import LARGEST, deployed

_SYSTEM = "lidar_detection"
_PROFILE = "edge"


class EdgeWeightsError(SnnRosError):
    """A weight file cannot be used; the text names it and says why."""


def save_edge(path: Path, network: EdgeNetwork) -> None:
    """Write a network that ``deployed`` made; its weights are whole numbers and take a byte each.

    Args:
        path: of the file.
        network: to be written.
    """
    tensors = {
        name: (value.to(torch.int8) if _is_whole(name) else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    document = {
        "system": _SYSTEM, "profile": _PROFILE, "network": dataclasses.asdict(network.config),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"snn_ros": json.dumps(document)})


def load_edge(path: Path) -> EdgeNetwork:
    """A network for inference, in evaluation mode.

    Raises:
        EdgeWeightsError: the file is absent, damaged, or of another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads(file.metadata()["snn_ros"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if (document["system"], document["profile"]) != (_SYSTEM, _PROFILE):
            raise EdgeWeightsError(f"{path}: of {document['system']} {document['profile']}")
        config = from_mapping(EdgeConfig, document["network"], str(path))
        network = deployed_skeleton(config)
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
    except (
        OSError, SafetensorError, TypeError, KeyError, ValueError, RuntimeError, ConfigurationError,
    ) as err:  # fmt: skip
        raise EdgeWeightsError(f"{path}: no weights of {_SYSTEM} {_PROFILE}: {err}") from err
    _refuse_wrong_values(path, network)
    return network


def deployed_skeleton(config: EdgeConfig) -> EdgeNetwork:
    """A network of the shape of a deployed one, with weights that mean nothing."""
    return deployed(EdgeNetwork(config).eval())


def _is_whole(name: str) -> bool:
    return name.endswith(".weight")


def _refuse_wrong_values(path: Path, network: nn.Module) -> None:
    problems = [
        f"{name}: must be {'within int8' if _is_whole(name) else 'finite'}"
        for name, value in network.state_dict().items()
        if not bool(value.isfinite().all()) or (_is_whole(name) and value.abs().max() > LARGEST)
    ]
    if problems:
        raise EdgeWeightsError(f"{path}: {'; '.join(problems)}")
