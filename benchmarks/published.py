"""The published networks as benchmarks run them: weights that fire, sums that are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.sparse import GRID
from snn_ros.lidar_detection.paper.anchor_head import AnchorHead
from snn_ros.lidar_detection.paper.backbone3d import ResidualBackbone
from snn_ros.lidar_detection.paper.bev_backbone import BevBackbone
from snn_ros.sparse.backends.grid import GridChain, counts_from_above
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.rulebook import Size
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.sparse.voxels import voxelise
from snn_ros.spiking.folding import fold_network

WEIGHT_STEP = 2.0**-10
FEATURE_STEP = 2.0**-6
"""Sums of such products are exact in float32 in whatever order, so all libraries spike alike. Only
the flattening convolution, which takes membranes, may round."""


def firing(network: nn.Module, scan: Callable[[], SparseTensor | Tensor]) -> nn.Module:
    """`network` in evaluation mode, every membrane normalised on the scan."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = 1.0
    network.train()(scan())
    return network.eval()


def exact_scan(points: NDArray[np.float32]) -> SparseTensor:
    """The voxels of the published grid, features in whole steps."""
    voxels = voxelise(torch.from_numpy(points), GRID)
    z, y, x = GRID.shape
    features = (voxels.features / FEATURE_STEP).round() * FEATURE_STEP
    return sparse_tensor(features, voxels.coordinates, (z + 1, y, x), 1)


@torch.no_grad()
def exact_backbone(scan: Callable[[], SparseTensor]) -> ResidualBackbone:
    """The published 3D backbone with drawn weights in whole steps, normalisation folded in."""
    network = fold_network(firing(ResidualBackbone(), scan))
    for parameter in network.parameters():
        parameter.copy_((parameter / WEIGHT_STEP).round() * WEIGHT_STEP)
    return cast(ResidualBackbone, network)


class IntegerBev:
    """The dense backbone in int8 by the sparse kernels, the head's 1x1 layers in float32."""

    def __init__(
        self, backbone: BevBackbone, head: AnchorHead, shape: Size, execution: Execution
    ) -> None:
        """Pack the weights.

        Args:
            backbone: in evaluation mode.
            head: behind it.
            shape: rows and columns of the input.
            execution: threads and kernels.
        """
        self._chains = []
        for block, upper in zip(backbone.blocks, backbone.deblocks, strict=True):
            chain = GridChain(cast(nn.Sequential, block), shape, execution=execution)
            shape = chain.shape
            up = GridChain(cast(nn.Sequential, upper), shape, execution=execution)
            self._chains.append((chain, up))
        layers = head.conv_cls, head.conv_box, head.conv_dir_cls
        weight = torch.cat([layer.weight.detach().flatten(1) for layer in layers])
        self._weights = weight.chunk(len(self._chains), dim=1)
        self._bias = torch.cat([cast(Tensor, layer.bias).detach() for layer in layers])

    def __call__(self, flat: SparseTensor) -> Tensor:
        """(rows * columns, 20) class, box and direction of each cell, of one sample's spikes."""
        counts, active = counts_from_above(flat)
        result = self._bias
        for (chain, upper), weight in zip(self._chains, self._weights, strict=True):
            outputs = chain(counts, active)
            assert outputs.counts is not None
            assert outputs.active is not None
            counts, active = outputs.counts, outputs.active
            membrane = upper(counts, active).membrane
            assert membrane is not None
            result = result + torch.from_numpy(membrane) @ weight.T
        return result
