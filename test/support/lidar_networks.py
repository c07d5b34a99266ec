"""Small published networks with weights that make them fire, and a cloud for them."""

import torch

from snn_ros.lidar_detection.paper.blocks import SPIKING
from snn_ros.lidar_detection.paper.suppression import Suppression
from snn_ros.lidar_detection.paper.voxel_rcnn import VoxelRcnn
from snn_ros.sparse.voxels import VoxelGrid

SMALL_GRID = VoxelGrid((0.0, -3.2, -3.0), (6.4, 3.2, 1.0), (0.05, 0.05, 0.1))


FEW = Suppression(overlap=0.7, most_before=256, most_after=12)


def lively(network, seed=0):
    """Weights and statistics with which most layers fire, and boxes come out."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if tensor.dim() > 1:
            fan_in = tensor.numel() / max(tensor.shape[0], 1)
            tensor.normal_(0, 1.5 / fan_in**0.5, generator=generator)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.1, generator=generator)
    return network.eval()


def cloud(points=1500, seed=0):
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.tensor(SMALL_GRID.minimum), torch.tensor(SMALL_GRID.maximum)
    xyz = low + (high - low) * torch.rand(points, 3, generator=generator) ** 2
    return torch.cat([xyz, torch.rand(points, 1, generator=generator)], 1)


def small_detector(cells=SPIKING):
    return lively(VoxelRcnn(cells, grid=SMALL_GRID, roi_width=16, proposal_suppression=FEW))
