"""Weights of an `edge` network as drawn: it says something everywhere, and learnt nothing."""

from pathlib import Path

import torch

from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork
from snn_ros.lidar_detection.edge_grid import deployed
from snn_ros.lidar_detection.edge_weights import save_edge

SMALL = EdgeConfig(reach=12.8, widths=(8, 16), flat_widths=(48, 32))
LOW_THRESHOLD = 0.01
"""Score that many boxes of such a network have."""


def untrained(folder: Path, config: EdgeConfig = SMALL) -> Path:
    """A weight file in a folder."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = deployed(EdgeNetwork(config).eval())
    path = folder / "untrained.safetensors"
    save_edge(path, network)
    return path
