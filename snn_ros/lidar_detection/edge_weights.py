"""Weights of the `edge` network on disk: int8 and scales, and its shape in the manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from snn_ros.configuration import ConfigurationError, from_mapping
from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork
from snn_ros.lidar_detection.edge_grid import LARGEST, deployed
from snn_ros.lidar_detection.weights import Manifest, load, save
from snn_ros.weight_files import WeightsError

_PROFILE = "edge"


def save_edge(
    path: Path,
    network: EdgeNetwork,
    training: Mapping[str, Any] | None = None,
    scores: Mapping[str, float] | None = None,
) -> Manifest:
    """Write a network that ``deployed`` made; its weights are whole numbers and take a byte each.

    Args:
        path: of the safetensors file; the manifest goes beside it.
        network: to be written.
        training: how it was made.
        scores: on data that was kept aside, finite.

    Returns:
        The manifest.

    Raises:
        WeightsError: the files cannot be written.
    """
    tensors = {
        name: value.to(torch.int8) if _is_whole(name) else value
        for name, value in network.state_dict().items()
    }
    manifest = Manifest(
        _PROFILE,
        _PROFILE,
        config=dataclasses.asdict(network.config),
        training=dict(training or {}),
        scores=dict(scores or {}),
    )
    save(path, tensors, manifest)
    return manifest


def load_edge(path: Path) -> EdgeNetwork:
    """A network for inference, in evaluation mode.

    Raises:
        WeightsError: a file is absent, damaged, or of another network.
    """
    tensors, manifest = load(path, _PROFILE)
    try:
        network = deployed_skeleton(from_mapping(EdgeConfig, manifest.config, str(path)))
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
    except (RuntimeError, ConfigurationError) as err:
        raise WeightsError(f"{path}: does not fit: {err}") from err
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
        raise WeightsError(f"{path}: {'; '.join(problems)}")
