"""The published networks by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from snn_ros.errors import SnnRosError
from snn_ros.lidar_detection.paper.blocks import SPIKING, Rectifying
from snn_ros.lidar_detection.paper.classifier import SIZES, Classifier
from snn_ros.lidar_detection.paper.segmentation import Segmentation
from snn_ros.lidar_detection.paper.voxel_rcnn import VoxelRcnn
from snn_ros.lidar_detection.paper.voxelnext import VoxelNext


class UnknownNetworkError(SnnRosError):
    """There is no published network of this name; the text lists those that are."""


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "kitti": partial(VoxelRcnn, SPIKING),
    "kitti_single_stage": partial(VoxelRcnn, SPIKING, two_stages=False),
    "kitti_relu": partial(VoxelRcnn, Rectifying()),
    "nuscenes": VoxelNext,
    **{f"modelnet40_{name}": partial(Classifier, size) for name, size in SIZES.items()},
    "semantic_kitti": Segmentation,
}
"""Published sizes. `kitti_relu` is the twin without spikes: what is public as weights for KITTI."""


def build(name: str) -> nn.Module:
    """A published network with freshly drawn weights, in evaluation mode.

    Raises:
        UnknownNetworkError: naming the known ones.
    """
    if name not in NETWORKS:
        raise UnknownNetworkError(f"network {name!r}: must be one of {', '.join(NETWORKS)}")
    return NETWORKS[name]().eval()


def skeleton(name: str) -> nn.Module:
    """The same without memory for its weights: names and shapes alone."""
    with torch.device("meta"):
        return build(name)
