"""Second stage of the KITTI detector: boxes refined by the voxels in and around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.geometry.box_coding import decode_boxes
from snn_ros.lidar_detection.paper.anchor_head import BOX_VALUES
from snn_ros.lidar_detection.paper.blocks import Cells
from snn_ros.lidar_detection.paper.neighbours import Neighbourhood, neighbours, site_centres
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.sparse.voxels import VoxelGrid

GRID_POINTS = 6  # along each axis of a box
POOLED_WIDTH = 32
DROPOUT = 0.3


@dataclass(frozen=True)
class PoolingScale:
    """One stage of the 3D backbone that is pooled.

    Attributes:
        stage: index into the stages of the backbone.
        stride: voxels per site.
        channels: of the stage.
        neighbourhood: voxels that a grid point gathers.
    """

    stage: int
    stride: int
    channels: int
    neighbourhood: Neighbourhood


SCALES = (
    PoolingScale(1, 2, 32, Neighbourhood(0.4)),
    PoolingScale(2, 4, 64, Neighbourhood(0.8)),
    PoolingScale(3, 8, 64, Neighbourhood(1.6)),
)


class VoxelPooling(nn.Module):
    """Features of grid points at one scale."""

    def __init__(self, scale: PoolingScale, cells: Cells) -> None:
        super().__init__()
        self.scale = scale
        width = POOLED_WIDTH
        self.mlps_in = nn.ModuleList(
            [_features_unit(nn.Conv1d(scale.channels, width, 1, bias=False), nn.BatchNorm1d(width))]
        )
        self.mlps_pos = nn.ModuleList(
            [_features_unit(nn.Conv2d(3, width, 1, bias=False), nn.BatchNorm2d(width))]
        )
        self.relu = cells.activation()
        output = cells.unit(nn.Conv1d(width, width, 1, bias=False), nn.BatchNorm1d(width))
        self.mlps_out = nn.ModuleList([nn.Sequential(*output)])

    def forward(
        self, stage: SparseTensor, points: Tensor, sample: Tensor, grid: VoxelGrid
    ) -> Tensor:
        """(M, 32) of points (M, 3) in m, each in its sample (M,).

        A point with nothing around it keeps what the layer of relative positions makes of zero.
        """
        stride = self.scale.stride
        rows, found = neighbours(
            points, sample, stage.sites, stride, grid, self.scale.neighbourhood
        )
        found = found[:, None]
        voxels = self.mlps_in[0](stage.features.T[None])  # (1, 32, V)
        gathered = voxels[..., rows] * found  # (1, 32, M, neighbours)
        centres = site_centres(stage.sites, stride, grid).T  # (3, V)
        relative = (centres[:, rows] - points.T[..., None]) * found  # (3, M, neighbours)
        pooled = self.relu(gathered + self.mlps_pos[0](relative[None])).amax(-1)
        return self.mlps_out[0](pooled)[0].T


class Refinement(NamedTuple):
    """Output of the second stage.

    Attributes:
        logits: (R,).
        boxes: (R, 7).
    """

    logits: Tensor
    boxes: Tensor


class RoiHead(nn.Module):
    """Pools a grid of points in every proposed box, judges it and corrects it."""

    def __init__(self, cells: Cells, width: int = 256) -> None:
        super().__init__()
        self.roi_grid_pool_layers = nn.ModuleList(VoxelPooling(scale, cells) for scale in SCALES)
        pooled = GRID_POINTS**3 * POOLED_WIDTH * len(SCALES)
        self.shared_fc_layer = _fully_connected(pooled, width, cells)
        self.cls_fc_layers = _fully_connected(width, width, cells)
        self.cls_pred_layer = nn.Linear(width, 1)
        self.reg_fc_layers = _fully_connected(width, width, cells)
        self.reg_pred_layer = nn.Linear(width, BOX_VALUES)
        self._draw_weights()

    def forward(
        self, stages: tuple[SparseTensor, ...], rois: Tensor, sample: Tensor, grid: VoxelGrid
    ) -> Refinement:
        """Judge and correct boxes.

        Args:
            stages: membranes of the 3D backbone.
            rois: (R, 7) boxes.
            sample: (R,) the sample each is in.
            grid: voxels of the detector's input.
        """
        shared = self.shared(self.pooled(stages, rois, sample, grid))
        logits = self.classify(shared)[:, 0]
        return Refinement(logits, refined(rois, self.regress(shared)))

    def pooled(
        self, stages: tuple[SparseTensor, ...], rois: Tensor, sample: Tensor, grid: VoxelGrid
    ) -> Tensor:
        """(R, grid points, 96), arguments as of `forward`; points in x, y, z order."""
        points = grid_points(rois).flatten(0, 1)
        sample = sample.repeat_interleave(GRID_POINTS**3)
        scales = [
            layer(stages[scale.stage], points, sample, grid)
            for scale, layer in zip(SCALES, self.roi_grid_pool_layers, strict=True)
        ]
        return torch.cat(scales, dim=1).view(len(rois), GRID_POINTS**3, -1)

    def shared(self, pooled: Tensor) -> Tensor:
        """(boxes, width) membranes that both branches begin with."""
        return self.shared_fc_layer(pooled.flatten(1))

    def classify(self, shared: Tensor) -> Tensor:
        """(boxes, 1) logits."""
        return self.cls_pred_layer(self.cls_fc_layers(shared))

    def regress(self, shared: Tensor) -> Tensor:
        """(boxes, 7) residuals."""
        return self.reg_pred_layer(self.reg_fc_layers(shared))

    def _draw_weights(self) -> None:
        for stack in (self.shared_fc_layer, self.cls_fc_layers, self.reg_fc_layers):
            for layer in stack:
                if isinstance(layer, nn.Linear):
                    nn.init.xavier_normal_(layer.weight)
        for layer, deviation in ((self.cls_pred_layer, 0.01), (self.reg_pred_layer, 0.001)):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)


def grid_points(boxes: Tensor) -> Tensor:
    """(N, 216, 3) x, y, z in m: centres of the cells of a 6x6x6 grid in each box (N, 7)."""
    steps = (torch.arange(GRID_POINTS, device=boxes.device) + 0.5) / GRID_POINTS - 0.5
    unit = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1).view(-1, 3)
    return _turned(unit * boxes[:, None, 3:6], boxes[:, None, 6]) + boxes[:, None, :3]


def refined(rois: Tensor, residuals: Tensor) -> Tensor:
    """Boxes (..., 7) of residuals in the frame of each roi (..., 7)."""
    local = torch.cat([torch.zeros_like(rois[..., :3]), rois[..., 3:]], dim=-1)
    boxes = decode_boxes(residuals, local)
    centre = _turned(boxes[..., :3], rois[..., 6]) + rois[..., :3]
    return torch.cat([centre, boxes[..., 3:]], dim=-1)


def _turned(points: Tensor, yaw: Tensor) -> Tensor:
    x, y, z = points.unbind(-1)
    cosine, sine = yaw.cos(), yaw.sin()
    return torch.stack([x * cosine - y * sine, x * sine + y * cosine, z], dim=-1)


def _features_unit(layer: nn.Module, normalisation: nn.Module) -> nn.Sequential:
    """A layer on real features, without a cell."""
    return nn.Sequential(layer, normalisation)


def _fully_connected(in_features: int, width: int, cells: Cells) -> nn.Sequential:
    return nn.Sequential(
        *cells.unit(nn.Linear(in_features, width, bias=False), nn.BatchNorm1d(width)),
        nn.Dropout(DROPOUT),
        *cells.unit(nn.Linear(width, width, bias=False), nn.BatchNorm1d(width)),
    )
