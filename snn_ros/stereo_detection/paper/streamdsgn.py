"""StreamDSGN: two stereo pairs, one now and one before, to boxes at the next frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.spiking.parameters import outside, refuse
from snn_ros.stereo_detection.paper.bev_backbone import BevBackbone
from snn_ros.stereo_detection.paper.blocks import normalised_3d, rectified
from snn_ros.stereo_detection.paper.depth_head import (
    depth_logits,
    frustum_cells,
    frustum_coordinates,
)
from snn_ros.stereo_detection.paper.flow_fusion import FlowFusion
from snn_ros.stereo_detection.paper.head import DetectionHead, Predictions, anchors_on
from snn_ros.stereo_detection.paper.image_backbone import ImageBackbone
from snn_ros.stereo_detection.paper.neck import Neck
from snn_ros.stereo_detection.paper.plane_sweep import STEP, WINDOW, cost_volume, depth_planes
from snn_ros.stereo_detection.paper.volume import VOLUME_CHANNELS, Hourglass3d, birds_eye_view
from snn_ros.stereo_detection.paper.voxels import Placement, place_voxels, sample_voxels

BEV_CHANNELS = 96
RELEASED_GRID = VoxelGrid((2.0, -28.8, -3.0), (53.2, 28.8, 1.0), (0.2, 0.2, 0.4))


@dataclass(frozen=True)
class StreamDsgnConfig:
    """Sizes and quirks; the weights have the same shapes for all sizes.

    Attributes:
        grid: of voxels; its x range is that of depths.
        planes: of the sweep.
        pools: side and step of the neck's pooling windows, in the order of the channels.
        kernel: side of the large kernel of the backbone seen from above.
        separable: whether that kernel is made of rows and columns.
        constant_skips: published quirk of ``Hourglass3d``.
        stretched_warp: published quirk of ``flow_fusion.warp``.
        depth_head: whether the layers are there that training supervises depth by.
    """

    grid: VoxelGrid = RELEASED_GRID
    planes: int = 64
    pools: tuple[int, ...] = (64, 32, 16, 8)
    kernel: int = 7
    separable: bool = False
    constant_skips: bool = True
    stretched_warp: bool = True
    depth_head: bool = False

    def __post_init__(self) -> None:
        problems = outside("planes", self.planes, 2)
        if not self.pools or min(self.pools) < 1:
            problems.append(f"pools = {self.pools!r}: must be one or more windows of at least 1")
        refuse(self, problems)

    @property
    def depths(self) -> Tensor:
        """(planes,) depths of the sweep in m."""
        return depth_planes(self.grid.minimum[0], self.grid.maximum[0], self.planes)


class Rig(NamedTuple):
    """What one calibration and one image size decide; the same for all frames.

    Attributes:
        disparities: (planes,) float32 in pixels.
        placement: of the voxels.
    """

    disparities: Tensor
    placement: Placement


def disparities_of(left: Tensor, right: Tensor, depths: Tensor) -> Tensor:
    """(planes,) shifts in pixels of depths in m, of projections (3, 4)."""
    return (left[0, 3] - right[0, 3]).abs() / depths


class StereoBackbone(nn.Module):
    """A stereo pair to a map seen from above."""

    def __init__(self, config: StreamDsgnConfig) -> None:
        super().__init__()
        self.config = config
        width = VOLUME_CHANNELS
        self.feature_backbone = ImageBackbone()
        self.feature_neck = Neck(config.pools)
        self.dres0 = rectified(normalised_3d(2 * WINDOW, width, 1))
        self.dres1 = nn.Sequential(normalised_3d(width, width, 3, padding=1))
        if config.depth_head:
            layers = nn.Sequential(
                normalised_3d(width, width, 3, padding=1),
                nn.ReLU(),
                nn.Conv3d(width, 1, 3, padding=1),
            )
            self.pred_stereo = nn.ModuleList([layers])
        self.rpn3d_convs = nn.Sequential(rectified(normalised_3d(width, width, 1)))
        self.rpn3d_hgs = nn.ModuleList([Hourglass3d(width, constant_skips=config.constant_skips)])

    def forward(self, pair: Tensor, rig: Rig) -> Tensor:
        """Left and right image (2, 3, H, W) to a map (1, 96, y, x)."""
        return birds_eye_view(self.volume(self.frustum(pair, rig), rig.placement))

    def frustum(self, pair: Tensor, rig: Rig) -> Tensor:
        """Left and right image (2, 3, H, W) to (1, 32, planes, H / 4, W / 4)."""
        x = self.feature_neck.upsampled(pair, self.feature_backbone(pair))
        left = self.feature_neck.project(x[:1], (STEP, STEP))
        right = self.feature_neck.project(x[1:], (STEP, 1))
        return self.compared(cost_volume(left, right, rig.disparities))

    def compared(self, costs: Tensor) -> Tensor:
        """(batch, 64, planes, rows, columns) to 32 channels."""
        x = self.dres0(costs)
        return self.dres1(x) + x

    def volume(self, frustum: Tensor, placement: Placement) -> Tensor:
        """(batch, 32, planes, rows, columns) to voxels (batch, 32, z, y, x)."""
        return self.rpn3d_hgs[0](self.rpn3d_convs(sample_voxels(frustum, placement)))

    def depth(self, voxels: Tensor, projection: Tensor, padded: tuple[int, int]) -> Tensor:
        """Depth logits (batch, 4 * planes, H, W) of voxels, for training; needs ``depth_head``."""
        config = self.config
        cells = frustum_cells(config.depths, padded)
        places = frustum_coordinates(config.grid, projection, cells)
        return depth_logits(self.pred_stereo[0], voxels, places)


class Frame(NamedTuple):
    """What one stereo pair gave.

    Attributes:
        history: (1, 96, y, x) map before fusion, for the next frame.
        predictions: of the head, for the next frame's moment.
    """

    history: Tensor
    predictions: Predictions


class StreamDsgn(nn.Module):
    """The whole network; ``load_state_dict`` takes the published names.

    3 604 008 parameters; 3 632 585 with the depth head.
    """

    def __init__(self, config: StreamDsgnConfig | None = None) -> None:
        super().__init__()
        self.config = config or StreamDsgnConfig()
        self.backbone_3d = StereoBackbone(self.config)
        self.spatial_feature_fusion_module = FlowFusion(
            BEV_CHANNELS, stretched=self.config.stretched_warp
        )
        self.backbone_2d = BevBackbone(
            BEV_CHANNELS, self.config.kernel, separable=self.config.separable
        )
        self.dense_head = DetectionHead()

    def rig(
        self, left: Tensor, right: Tensor, padded: tuple[int, int], image: tuple[int, int]
    ) -> Rig:
        """What is the same for all frames of a stereo camera.

        Args:
            left: (3, 4) projection of the left camera, float32.
            right: likewise.
            padded: rows and columns of the images with padding.
            image: rows and columns without.
        """
        disparities = disparities_of(left, right, self.config.depths)
        return Rig(disparities, place_voxels(self.config.grid, left, padded, image))

    def anchors(self) -> Tensor:
        """(anchors, 7) boxes that the predictions are residuals to."""
        return anchors_on(self.config.grid)

    def forward(self, pair: Tensor, rig: Rig, history: Tensor | None = None) -> Frame:
        """Left and right image (2, 3, H, W), and the map before, if there is one."""
        current = self.backbone_3d(pair, rig)
        fused = current
        if history is not None:
            fused = self.spatial_feature_fusion_module(current, history).features
        return Frame(current, self.dense_head(self.backbone_2d(fused)))


def without_depth_head(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A published state dict less what inference has no use for."""
    return {
        name: value
        for name, value in state.items()
        if name != "global_step" and not name.startswith("backbone_3d.pred_stereo.")
    }
