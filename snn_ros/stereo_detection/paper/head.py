"""Anchors at each cell of the map, and their classes, residuals and directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.geometry.box_coding import decode_boxes, with_direction
from snn_ros.geometry.nms import rotated_nms
from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.spiking.parameters import outside, refuse
from snn_ros.stereo_detection.paper.blocks import normalised_2d, rectified

CLASSES = ("Car", "Pedestrian", "Cyclist")
CHANNELS = 64
BOX_VALUES = 7
DIRECTIONS = 2
PRIOR = 0.01  # share of anchors with an object, that the classifier begins with
ANCHOR_YAWS = (0.0, 1.57)  # 1.57 and not pi / 2, as published


class AnchorSize(NamedTuple):
    """The anchors of one class.

    Attributes:
        size: length, width, height in m.
        bottom: z of the lower face in m.
    """

    size: tuple[float, float, float]
    bottom: float


ANCHOR_SIZES = {
    "Car": AnchorSize((3.9, 1.6, 1.56), -1.78),
    "Pedestrian": AnchorSize((0.8, 0.6, 1.73), -0.6),
    "Cyclist": AnchorSize((1.76, 0.6, 1.73), -0.6),
}
ANCHORS_PER_CELL = len(ANCHOR_SIZES) * len(ANCHOR_YAWS)


def anchors_on(grid: VoxelGrid) -> Tensor:
    """(y * x * 6, 7) anchors of all cells; y slowest, then x, class, yaw.

    The outermost anchors stand on the ends of the range, not in the middle of a cell.
    """
    _, rows, columns = grid.shape
    y = torch.linspace(grid.minimum[1], grid.maximum[1], rows, dtype=torch.float64)
    x = torch.linspace(grid.minimum[0], grid.maximum[0], columns, dtype=torch.float64)
    kinds = torch.tensor(
        [
            [bottom + size[2] / 2, *size, yaw]
            for size, bottom in ANCHOR_SIZES.values()
            for yaw in ANCHOR_YAWS
        ],
        dtype=torch.float64,
    )
    centre = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)
    boxes = torch.cat(
        [
            centre[:, :, None].expand(-1, -1, len(kinds), -1),
            kinds.expand(rows, columns, -1, -1),
        ],
        dim=-1,
    )
    return boxes.flatten(0, 2).float()


class Predictions(NamedTuple):
    """Maps of the head, (batch, y, x, channels).

    Attributes:
        classes: three logits per anchor.
        residuals: seven per anchor.
        directions: two logits per anchor.
    """

    classes: Tensor
    residuals: Tensor
    directions: Tensor

    def logits(self) -> Tensor:
        """(batch, anchors, 3)."""
        return self.classes.reshape(len(self.classes), -1, len(CLASSES))

    def boxes(self, anchors: Tensor) -> Tensor:
        """(batch, anchors, 7) decoded; yaw in the half turn that its direction says."""
        batch = len(self.residuals)
        boxes = decode_boxes(self.residuals.reshape(batch, -1, BOX_VALUES), anchors)
        direction = self.directions.reshape(batch, -1, DIRECTIONS).argmax(-1)
        yaw = with_direction(boxes[..., 6], direction)
        return torch.cat([boxes[..., :6], yaw[..., None]], dim=-1)


class DetectionHead(nn.Module):
    """A tower for classes and directions, and one for boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.rpn3d_cls_convs = _tower()
        self.rpn3d_bbox_convs = _tower()
        self.conv_cls = nn.Conv2d(CHANNELS, ANCHORS_PER_CELL * len(CLASSES), 3, padding=1)
        self.conv_box = nn.Conv2d(CHANNELS, ANCHORS_PER_CELL * BOX_VALUES, 3, padding=1)
        self.conv_dir_cls = nn.Conv2d(CHANNELS, ANCHORS_PER_CELL * DIRECTIONS, 1)
        nn.init.normal_(self.conv_cls.weight, std=0.1)
        nn.init.normal_(self.conv_box.weight, std=0.02)
        prior = torch.full((self.conv_cls.out_channels,), -math.log((1 - PRIOR) / PRIOR))
        self.conv_cls.bias = nn.Parameter(prior)

    def forward(self, x: Tensor) -> Predictions:
        """(batch, 64, y, x) to maps."""
        kind, box = self.rpn3d_cls_convs(x), self.rpn3d_bbox_convs(x)
        maps = (self.conv_cls(kind), self.conv_box(box), self.conv_dir_cls(kind))
        return Predictions(*(x.movedim(1, -1) for x in maps))


class Detected(NamedTuple):
    """Boxes of one frame, class by class, best first within one.

    Attributes:
        boxes: (N, 7) in pseudo-LiDAR.
        scores: (N,) in (0, 1).
        labels: (N,) int64, index into ``CLASSES``.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Selection:
    """How boxes are chosen.

    Attributes:
        least_score: boxes below are dropped.
        overlap: bird's-eye intersection over union above which the worse of two boxes of a class
            goes.
        most_before: best boxes of a class that are looked at.
        most_after: boxes of a class that are kept.
    """

    least_score: float = 0.1
    overlap: float = 0.25
    most_before: int = 4096
    most_after: int = 500

    def __post_init__(self) -> None:
        refuse(
            self,
            [
                *outside("least_score", self.least_score, 0, 1),
                *outside("overlap", self.overlap, 0, 1),
                *outside("most_before", self.most_before, 1),
                *outside("most_after", self.most_after, 1),
            ],
        )

    def choose(self, boxes: Tensor, logits: Tensor) -> Detected:
        """Choose among boxes (N, 7) with logits (N, 3); those with NaN or infinity are dropped."""
        finite = boxes.isfinite().all(-1) & logits.isfinite().all(-1)
        boxes, scores = boxes[finite], logits[finite].sigmoid()
        chosen, labels = [], []
        for label in range(len(CLASSES)):
            rows = (scores[:, label] >= self.least_score).nonzero()[:, 0]
            kept = rotated_nms(
                boxes[rows].cpu().numpy(),
                scores[rows, label].cpu().numpy(),
                self.overlap,
                most_before=self.most_before,
                most_after=self.most_after,
            )
            chosen.append(rows[torch.from_numpy(kept).to(rows.device)])
            labels.append(torch.full_like(chosen[-1], label))
        row, kind = torch.cat(chosen), torch.cat(labels)
        return Detected(boxes[row], scores[row, kind], kind)


def _tower() -> nn.Sequential:
    return nn.Sequential(
        *(rectified(normalised_2d(CHANNELS, CHANNELS, 3, padding=1)) for _ in range(2))
    )
