"""The published networks by name."""

from __future__ import annotations

import torch

from snn_ros.errors import SnnRosError
from snn_ros.planning.paper.network import (
    PERCEPTION,
    PLANNING,
    PREDICTION,
    DrivingNetwork,
    NetworkConfig,
)


class UnknownNetworkError(SnnRosError):
    """There is no published network of this name; the text lists those that are."""


NETWORKS: dict[str, NetworkConfig] = {
    "perception": PERCEPTION,
    "prediction": PREDICTION,
    "planning": PLANNING,
}
"""The three training stages; each has the one before it inside, with other heads."""


def build(name: str) -> DrivingNetwork:
    """A published network with freshly drawn weights, in evaluation mode.

    Raises:
        UnknownNetworkError: naming the known ones.
    """
    if name not in NETWORKS:
        raise UnknownNetworkError(f"network {name!r}: must be one of {', '.join(NETWORKS)}")
    return DrivingNetwork(NETWORKS[name]).eval()


def skeleton(name: str) -> DrivingNetwork:
    """The same without memory for its weights: names and shapes alone."""
    with torch.device("meta"):
        return build(name)
