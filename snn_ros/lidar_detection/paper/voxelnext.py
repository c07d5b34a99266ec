"""The nuScenes detector: boxes straight from occupied sites, without anchors."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.paper.blocks import SPIKING, Spiking
from snn_ros.lidar_detection.paper.suppression import Suppression
from snn_ros.lidar_detection.paper.voxelnext_backbone import STRIDE, VoxelNextBackbone
from snn_ros.sparse.convolution import SubmanifoldConvolution
from snn_ros.sparse.layers import SparseSequential
from snn_ros.sparse.tensor import Sites, SparseTensor, sparse_tensor
from snn_ros.sparse.voxels import VoxelCaps, VoxelGrid

NUSCENES_GRID = VoxelGrid((-54.0, -54.0, -5.0), (54.0, 54.0, 3.0), (0.075, 0.075, 0.2))
NUSCENES_CAPS = VoxelCaps(points_per_voxel=10, voxels=160_000)
WIDTHS = (16, 32, 64, 128, 128)
OUT_CHANNELS = 128
CLASS_GROUPS = (
    ("car",),
    ("truck", "construction_vehicle"),
    ("bus", "trailer"),
    ("barrier",),
    ("motorcycle", "bicycle"),
    ("pedestrian", "traffic_cone"),
)
BRANCHES = {"center": 2, "center_z": 1, "dim": 3, "rot": 2, "vel": 2}
"""Values of each branch beside the heat map: offset of the centre in sites, its z in m, logarithms
of length, width and height in m, cosine and sine of yaw, velocity in m/s."""
_BRANCH_NAMES = (*BRANCHES, "hm")
SPARE_PLANES = 1
PRIOR = 0.1  # what heat maps begin with
CENTRE_LIMITS = (-61.2, -61.2, -10.0, 61.2, 61.2, 10.0)
SCORE_THRESHOLD = 0.1
SUPPRESSION = Suppression(overlap=0.2, most_before=1000, most_after=83)


class Candidates(NamedTuple):
    """Boxes of one head in one sample, before suppression.

    Attributes:
        boxes: (K, 9) x y z dx dy dz yaw vx vy.
        scores: (K,).
        classes: (K,) index within the head's group.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor


class Head(nn.Module):
    """The branches of one group of classes."""

    def __init__(self, channels: int, classes: int, cells: Spiking) -> None:
        super().__init__()
        for name, width in {**BRANCHES, "hm": classes}.items():
            hidden = SubmanifoldConvolution(channels, channels, 1, dimensions=2, bias=True)
            output = SubmanifoldConvolution(channels, width, 1, dimensions=2, bias=True)
            if name == "hm":
                prior = torch.full((width,), -math.log((1 - PRIOR) / PRIOR))
                output.bias = nn.Parameter(prior)
            unit = SparseSequential(*cells.unit(hidden, nn.BatchNorm1d(channels)))
            self.add_module(name, SparseSequential(unit, output))

    def forward(self, x: SparseTensor) -> dict[str, Tensor]:
        """Values (V, width) of each branch at every site."""
        return {name: branch(x).features for name, branch in self.named_children()}


class HeadList(nn.Module):
    """One head per group of classes."""

    def __init__(self, channels: int, groups: tuple[tuple[str, ...], ...], cells: Spiking) -> None:
        super().__init__()
        self.heads_list = nn.ModuleList(Head(channels, len(group), cells) for group in groups)

    def forward(self, x: SparseTensor) -> list[dict[str, Tensor]]:
        """Values of every head."""
        return [head(x) for head in self.heads_list]


class VoxelNext(nn.Module):
    """The published detector of ten classes."""

    def __init__(
        self,
        cells: Spiking = SPIKING,
        *,
        grid: VoxelGrid = NUSCENES_GRID,
        in_channels: int = 5,
        widths: tuple[int, int, int, int, int] = WIDTHS,
        out_channels: int = OUT_CHANNELS,
        most_candidates: int = 500,
        published_class_ids: bool = False,
    ) -> None:
        """Choose size and behaviour.

        Args:
            cells: of the network.
            grid: voxels of the input.
            in_channels: x, y, z, intensity 0..255, time lag in s.
            widths: of the first five resolutions; the sixth is as wide as the fifth.
            out_channels: of the merged membranes and the heads.
            most_candidates: sites per head and sample that may become boxes.
            published_class_ids: whether to repeat a fault of the published code: the classes of a
                group are confused in samples with fewer sites than `most_candidates`.
        """
        super().__init__()
        self.grid = grid
        self.most_candidates = most_candidates
        self.published_class_ids = published_class_ids
        self.backbone_3d = VoxelNextBackbone(in_channels, widths, out_channels, cells)
        self.dense_head = HeadList(out_channels, CLASS_GROUPS, cells)

    @property
    def real_input_layers(self) -> tuple[str, ...]:
        """Names of the layers that multiply real numbers; all others add up spikes."""
        heads = range(len(CLASS_GROUPS))
        outputs = (f"dense_head.heads_list.{i}.{name}.1" for i in heads for name in _BRANCH_NAMES)
        return ("backbone_3d.conv_input.0", *outputs)

    def tensor_of(self, features: Tensor, coordinates: Tensor, batch_size: int) -> SparseTensor:
        """The input of the network: voxels (V, F) at (V, 4) batch, z, y, x."""
        z, y, x = self.grid.shape
        return sparse_tensor(features, coordinates, (z + SPARE_PLANES, y, x), batch_size)

    def forward(self, x: SparseTensor) -> list[Detections]:
        """Voxels to the detections of each sample; boxes (K, 9) end in vx, vy in m/s."""
        shared = self.backbone_3d(x).shared
        heads = self.dense_head(shared)
        return [self._detections(heads, shared.sites, i) for i in range(x.sites.batch_size)]

    def candidates(self, values: dict[str, Tensor], sites: Sites, sample: int) -> Candidates:
        """The best sites of one head in one sample, decoded."""
        here = sites.coordinates[:, 0] == sample
        values = {name: value[here] for name, value in values.items()}
        heat = values["hm"].sigmoid()
        rows, classes, scores = self._best(heat)
        chosen = {name: value[rows] for name, value in values.items()}
        boxes = self._decoded(chosen, sites.coordinates[here][rows])
        limits = boxes.new_tensor(CENTRE_LIMITS)
        centre = boxes[:, :3]
        kept = ((centre >= limits[:3]) & (centre <= limits[3:])).all(1)
        kept &= scores > SCORE_THRESHOLD
        return Candidates(boxes[kept], scores[kept], classes[kept])

    def _best(self, heat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Row, class and score of the best (site, class) pairs of a heat map (V, classes)."""
        per_class, rows = heat.T.topk(min(self.most_candidates, len(heat)))
        scores, best = per_class.flatten().topk(min(self.most_candidates, per_class.numel()))
        divisor = self.most_candidates if self.published_class_ids else per_class.shape[1]
        return rows.flatten()[best], best // max(divisor, 1), scores

    def _decoded(self, values: dict[str, Tensor], coordinates: Tensor) -> Tensor:
        size = coordinates.new_tensor(self.grid.size[:2], dtype=torch.float32) * STRIDE
        xy = (coordinates[:, 1:].flip(1) + values["center"]) * size
        xy = xy + xy.new_tensor(self.grid.minimum[:2])
        cosine, sine = values["rot"].split(1, dim=1)
        yaw = torch.atan2(sine, cosine)
        return torch.cat([xy, values["center_z"], values["dim"].exp(), yaw, values["vel"]], dim=1)

    def _detections(self, heads: list[dict[str, Tensor]], sites: Sites, sample: int) -> Detections:
        found, first_label = [], 0
        for values, group in zip(heads, CLASS_GROUPS, strict=True):
            boxes, scores, classes = self.candidates(values, sites, sample)
            rows = SUPPRESSION.keep(boxes[:, :7], scores)
            found.append(Detections.of(boxes[rows], scores[rows], classes[rows] + first_label))
            first_label += len(group)
        return Detections.joined(found)
