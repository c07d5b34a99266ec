"""The KITTI detector: sparse 3D backbone, dense bird's-eye view, proposals, refinement."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.paper.anchor_head import CAR_ANCHORS, AnchorHead, Anchors, Proposals
from snn_ros.lidar_detection.paper.backbone3d import (
    OUTPUT_WIDTH,
    BackboneOutput,
    PlainBackbone,
    ResidualBackbone,
)
from snn_ros.lidar_detection.paper.bev_backbone import (
    UPPER_WIDTH,
    WIDTHS,
    BevBackbone,
    birds_eye_view,
)
from snn_ros.lidar_detection.paper.blocks import SPIKING, Cells, Rectifying
from snn_ros.lidar_detection.paper.roi_head import SCALES, RoiHead
from snn_ros.lidar_detection.paper.suppression import Suppression
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.sparse.voxels import VoxelCaps, VoxelGrid, Voxels

KITTI_GRID = VoxelGrid((0.0, -40.0, -3.0), (70.4, 40.0, 1.0), (0.05, 0.05, 0.1))
KITTI_CAPS = VoxelCaps(points_per_voxel=5, voxels=40_000)
FLAT_PLANES = 2  # in z, after the 3D backbone
SPARE_PLANES = 1  # in z, so that strides give 41, 21, 11, 6 (5 in the ReLU twin), 2 planes

Backbone = Callable[[SparseTensor], BackboneOutput]

PROPOSAL_SUPPRESSION = Suppression(overlap=0.7, most_before=2048, most_after=100)
FINAL_SUPPRESSION = Suppression(overlap=0.1, most_before=4096, most_after=500)
SCORE_THRESHOLD = 0.3
_REAL_FIRST_STAGE = (
    "backbone_3d.conv_input.0",
    "backbone_3d.conv_out.0",
    *(f"dense_head.{name}" for name in ("conv_cls", "conv_box", "conv_dir_cls")),
)
_REAL_SECOND_STAGE = (
    *(
        f"roi_head.roi_grid_pool_layers.{i}.{name}.0.0"
        for i in range(len(SCALES))
        for name in ("mlps_in", "mlps_pos")
    ),
    "roi_head.cls_pred_layer",
    "roi_head.reg_pred_layer",
)


class FirstStage(NamedTuple):
    """What the first stage makes of a batch.

    Attributes:
        backbone: membranes of the 3D backbone.
        proposals: maps of the head.
    """

    backbone: BackboneOutput
    proposals: Proposals


class VoxelRcnn(nn.Module):
    """The published detector of cars, in one or in two stages."""

    def __init__(
        self,
        cells: Cells = SPIKING,
        *,
        grid: VoxelGrid = KITTI_GRID,
        anchors: Anchors = CAR_ANCHORS,
        two_stages: bool = True,
        roi_width: int = 256,
        proposal_suppression: Suppression = PROPOSAL_SUPPRESSION,
        score_threshold: float = SCORE_THRESHOLD,
    ) -> None:
        """Choose cells and size.

        Args:
            cells: spiking, or the ReLU twin with the stock backbone.
            grid: voxels of the input.
            anchors: of the class.
            two_stages: whether to have the RoI head.
            roi_width: of its fully connected layers.
            proposal_suppression: which proposals go to the second stage.
            score_threshold: least score of a detection.
        """
        super().__init__()
        self.cells, self.grid, self.anchors = cells, grid, anchors
        self.proposal_suppression = proposal_suppression
        self.score_threshold = score_threshold
        self.backbone_3d: nn.Module = (
            PlainBackbone(cells) if isinstance(cells, Rectifying) else ResidualBackbone(cells=cells)
        )
        self.backbone_2d = BevBackbone(OUTPUT_WIDTH * FLAT_PLANES, cells)
        self.dense_head = AnchorHead(UPPER_WIDTH * len(WIDTHS), len(anchors.yaws))
        self.roi_head = RoiHead(cells, roi_width) if two_stages else None

    @property
    def real_input_layers(self) -> tuple[str, ...]:
        """Names of the spiking detector's layers that multiply real numbers, not add up spikes."""
        names = _REAL_FIRST_STAGE
        return names if self.roi_head is None else names + _REAL_SECOND_STAGE

    def tensor_of(self, voxels: Voxels, batch_size: int) -> SparseTensor:
        """The input of the network."""
        z, y, x = self.grid.shape
        return sparse_tensor(
            voxels.features, voxels.coordinates, (z + SPARE_PLANES, y, x), batch_size
        )

    def first_stage(self, x: SparseTensor, backbone_3d: Backbone | None = None) -> FirstStage:
        """Voxels to proposals; by the network's own 3D backbone, or by it compiled."""
        backbone = (backbone_3d or self.backbone_3d)(x)
        features = self.backbone_2d(birds_eye_view(backbone.flat))
        return FirstStage(backbone, self.dense_head(features))

    def decoded(self, proposals: Proposals) -> Tensor:
        """(batch, anchors, 7) boxes of the proposals."""
        _, rows, columns, _ = proposals.classes.shape
        anchors = self.anchors.on(self.grid, rows, columns)
        return proposals.boxes(anchors.to(proposals.classes.device))

    def propose(self, proposals: Proposals) -> list[tuple[Tensor, Tensor]]:
        """Of each sample the boxes (R, 7) that go to the second stage, and their logits (R,)."""
        chosen = []
        for boxes, logits in zip(self.decoded(proposals), proposals.logits(), strict=True):
            rows = self.proposal_suppression.keep(boxes, logits)
            chosen.append((boxes[rows], logits[rows]))
        return chosen

    def forward(self, x: SparseTensor, backbone_3d: Backbone | None = None) -> list[Detections]:
        """Voxels to the detections of each sample; a sample without voxels has none.

        The dense layers would find boxes in an empty sample too.

        Args:
            x: the voxels.
            backbone_3d: the network's 3D backbone, compiled; None for itself.
        """
        occupied = torch.bincount(x.sites.coordinates[:, 0], minlength=x.sites.batch_size) > 0
        if not occupied.any():
            return [Detections.none()] * x.sites.batch_size
        return [
            found if any_voxel else Detections.none()
            for found, any_voxel in zip(
                self._detect(x, backbone_3d), occupied.tolist(), strict=True
            )
        ]

    def _detect(self, x: SparseTensor, backbone_3d: Backbone | None) -> list[Detections]:
        backbone, proposals = self.first_stage(x, backbone_3d)
        if self.roi_head is None:
            boxes, logits = self.decoded(proposals), proposals.logits()
            return [self._final(*sample) for sample in zip(boxes, logits, strict=True)]
        rois = [boxes for boxes, _ in self.propose(proposals)]
        sizes = [len(boxes) for boxes in rois]
        sample = torch.arange(len(rois), device=x.features.device)
        sample = sample.repeat_interleave(torch.tensor(sizes, device=sample.device))
        refinement = self.roi_head(backbone.stages, torch.cat(rois), sample, self.grid)
        samples = zip(refinement.boxes.split(sizes), refinement.logits.split(sizes), strict=True)
        return [self._final(boxes, logits) for boxes, logits in samples]

    def _final(self, boxes: Tensor, logits: Tensor) -> Detections:
        """Detections of one sample: boxes (N, 7) with logits (N,) that are good enough."""
        scores = logits.sigmoid()
        enough = scores >= self.score_threshold
        boxes, scores = boxes[enough], scores[enough]
        rows = FINAL_SUPPRESSION.keep(boxes, scores)
        return Detections.of(boxes[rows], scores[rows], torch.zeros_like(rows))
