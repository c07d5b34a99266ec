"""The whole network: images to maps of past, present and future."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.planning.paper.blocks import constant
from snn_ros.planning.paper.cameras import frustum_of, points_of
from snn_ros.planning.paper.decoder import (
    CENTER,
    COST,
    FLOW,
    HDMAP,
    OFFSET,
    PEDESTRIAN,
    SEGMENTATION,
    Decoder,
)
from snn_ros.planning.paper.distribution import Distribution, Latent
from snn_ros.planning.paper.egomotion import with_motion_planes
from snn_ros.planning.paper.encoder import Encoded, Encoder
from snn_ros.planning.paper.grid import Bound, Grid
from snn_ros.planning.paper.lift_splat import moved_to_present, seen_from_above
from snn_ros.planning.paper.planner import PaperPlanner
from snn_ros.planning.paper.predictor import Predictor
from snn_ros.planning.paper.quirks import PUBLISHED, Quirks

CAMERAS = ("FRONT_LEFT", "FRONT", "FRONT_RIGHT", "BACK_LEFT", "BACK", "BACK_RIGHT")
FRONT = CAMERAS.index("FRONT")
MOTION_PLANES = 6


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a network; the defaults are the published ones of the planning stage.

    Attributes:
        past: frames up to the present.
        future: frames to predict; 0 leaves out latent and predictor.
        outputs: names in `snn_ros.planning.paper.decoder.OUTPUTS`.
        planner: whether candidates are rated and refined.
        image_size: height and width in pixels.
        depth: first, end (excluded) and step of the depth bins in m.
        grid: seen from above.
        encoder_channels: of the trunk at 1/16.
        pyramid_channels: of each scale of the encoder's heads.
        feature_channels: of the features that are lifted.
        latent: numbers of the latent.
        prediction_hidden: channels inside the wide residual stages.
        decoder_widths: from 1/2 to 1/8.
        gru_hidden: of the planner's recurrent unit.
    """

    past: int = 3
    future: int = 6
    outputs: tuple[str, ...] = (SEGMENTATION, PEDESTRIAN, HDMAP, COST)
    planner: bool = True
    image_size: tuple[int, int] = (224, 480)
    depth: Bound = (2.0, 50.0, 1.0)
    grid: Grid = field(default_factory=Grid)
    encoder_channels: int = 384
    pyramid_channels: int = 64
    feature_channels: int = 64
    latent: int = 32
    prediction_hidden: int = 384
    decoder_widths: tuple[int, int, int] = (64, 128, 256)
    gru_hidden: int = 256

    @property
    def map_channels(self) -> int:
        """Channels of a map with the planes of the ego motion."""
        return self.feature_channels + MOTION_PLANES


PERCEPTION = NetworkConfig(future=0, outputs=(SEGMENTATION, PEDESTRIAN, HDMAP), planner=False)
PREDICTION = NetworkConfig(future=4, outputs=(SEGMENTATION, OFFSET, CENTER, FLOW), planner=False)
PLANNING = NetworkConfig()


class Perceived(NamedTuple):
    """Maps of past and present.

    Attributes:
        encoded: of the images (B S N, ...).
        maps: (B, S, C, X, Y) seen from above, in the coordinates of the present frame.
        states: (B, S, C + 6, X, Y) the same with the planes of the ego motion.
        front: (B, C, H/8, W/8) feature of the front camera in the present frame.
    """

    encoded: Encoded
    maps: Tensor
    states: Tensor
    front: Tensor


class DrivingNetwork(nn.Module):
    """The published network, of one of its three stages."""

    def __init__(self, config: NetworkConfig = PLANNING, quirks: Quirks = PUBLISHED) -> None:
        super().__init__()
        self.config = config
        self.quirks = quirks
        # stored with the weights by the published code, and counted as parameters
        self.bev_resolution = constant(config.grid.cell_size)
        self.bev_start_position = constant(config.grid.first_centre)
        self.bev_dimension = constant(list(config.grid.shape), torch.int64)
        self.frustum = constant(frustum_of(config.image_size, config.depth))
        self.encoder = Encoder(
            config.encoder_channels,
            config.pyramid_channels,
            config.feature_channels,
            len(self.frustum),
        )
        channels = config.map_channels
        if config.future:
            self.present_distribution = Distribution(channels, config.latent)
            self.future_prediction = Predictor(
                channels, config.latent, config.prediction_hidden, quirks
            )
        self.decoder = Decoder(
            channels, config.decoder_widths, config.outputs, config.past - 1, quirks
        )
        if config.planner:
            self.planning = PaperPlanner(config.grid, config.feature_channels, config.gru_hidden)

    def perceive(
        self, images: Tensor, intrinsics: Tensor, extrinsics: Tensor, egomotion: Tensor
    ) -> Perceived:
        """Images to maps seen from above.

        Args:
            images: (B, S, N, 3, H, W) RGB, normalised with ImageNet's mean and spread; cameras in
                the order of `CAMERAS`, oldest frame first.
            intrinsics: (B, S, N, 3, 3) of these images.
            extrinsics: (B, S, N, 4, 4) camera's optical frame to flattened ego frame.
            egomotion: (B, S or more, 6); entry t maps coordinates of frame t to frame t + 1.
        """
        encoded = self.encoder(images.flatten(0, 2))
        feature = encoded.feature.unflatten(0, images.shape[:3])
        depth_logits = encoded.depth_logits.unflatten(0, images.shape[:3])
        maps = self.seen_from_above(feature, depth_logits, intrinsics, extrinsics, egomotion)
        states = with_motion_planes(maps, egomotion)
        return Perceived(encoded, maps, states, feature[:, -1, FRONT])

    def seen_from_above(
        self,
        feature: Tensor,
        depth_logits: Tensor,
        intrinsics: Tensor,
        extrinsics: Tensor,
        egomotion: Tensor,
    ) -> Tensor:
        """Features and depth logits (B, S, N, ...) to maps (B, S, C, X, Y)."""
        points = points_of(self.frustum, intrinsics, extrinsics)
        points = moved_to_present(points, egomotion)
        truncate = self.quirks.truncated_cells
        return seen_from_above(feature, depth_logits, points, self.config.grid, truncate=truncate)

    def latent(self, states: Tensor) -> Latent:
        """The latent of the present of maps (B, S, C, X, Y)."""
        return self.present_distribution(states[:, self.config.past - 1])

    def predict(self, states: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Maps (B, S, C, X, Y) to maps (B, S + future, C, X, Y); the same without a future.

        Args:
            states: past and present.
            generator: of the latent's noise in training; in evaluation the latent is its mean.
        """
        if not self.config.future:
            return states
        latent = self.latent(states)
        z = latent.sample(generator) if self.training else latent.mu
        return self.future_prediction(states, z, self.config.future)

    def forward(
        self, images: Tensor, intrinsics: Tensor, extrinsics: Tensor, egomotion: Tensor
    ) -> tuple[dict[str, Tensor], Perceived]:
        """The outputs of `Decoder` for all frames, and what the planner needs beside them."""
        perceived = self.perceive(images, intrinsics, extrinsics, egomotion)
        return self.decoder(self.predict(perceived.states)), perceived
