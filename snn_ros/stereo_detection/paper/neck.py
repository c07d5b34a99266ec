"""From image features to features for matching: pooled context, two steps up, a projection."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_ros.stereo_detection.paper.blocks import normalised_2d
from snn_ros.stereo_detection.paper.image_backbone import IMAGE_CHANNELS, WIDTHS, ImageFeatures

POOLED_CHANNELS = 32  # of each pooling branch
HALF_CHANNELS = 64  # at half the resolution
FULL_CHANNELS = 32  # at full resolution
HIDDEN_CHANNELS = 128  # of the projection
MATCHING_CHANNELS = 96


class UpConvolution(nn.Module):
    """Two steps up, each added to a map that has been there before: layer 1, then the image."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.ModuleList(
            [
                normalised_2d(in_channels, HALF_CHANNELS, 1),
                normalised_2d(HALF_CHANNELS, FULL_CHANNELS, 3, padding=1),
            ]
        )
        self.redir = nn.ModuleList(
            [
                normalised_2d(WIDTHS[0], HALF_CHANNELS, 3, padding=1),
                normalised_2d(IMAGE_CHANNELS, FULL_CHANNELS, 3, padding=1),
            ]
        )

    def forward(self, x: Tensor, finer: Sequence[Tensor]) -> Tensor:
        """(batch, C, H / 4, W / 4) and the maps at H / 2 and H to (batch, 32, H, W)."""
        for convolution, redirection, other in zip(self.conv, self.redir, finer, strict=True):
            up = functional.interpolate(convolution(x), scale_factor=2, mode="bilinear")
            x = (up + redirection(other)).relu()
        return x


class Neck(nn.Module):
    """Features of one image, for the sweep over planes.

    Args:
        pools: side and step of the pooling windows, in cells of the maps at a quarter; their
            order is that of the channels.
    """

    def __init__(self, pools: Sequence[int]) -> None:
        super().__init__()
        deep = WIDTHS[-1]
        self.spp_branches = nn.ModuleList(
            nn.Sequential(
                nn.AvgPool2d(pool, stride=pool),
                normalised_2d(deep, POOLED_CHANNELS, 1),
                nn.ReLU(),
            )
            for pool in pools
        )
        self.upconv_module = UpConvolution(sum(WIDTHS[1:]) + len(pools) * POOLED_CHANNELS)
        self.lastconv = nn.Sequential(
            normalised_2d(FULL_CHANNELS, HIDDEN_CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN_CHANNELS, MATCHING_CHANNELS, 1, bias=False),
        )

    def upsampled(self, images: Tensor, features: ImageFeatures) -> Tensor:
        """(batch, 32, H, W) of images (batch, 3, H, W) and their features."""
        deep = features.layer4
        pooled = [
            functional.interpolate(
                branch(deep), deep.shape[-2:], mode="bilinear", align_corners=True
            )
            for branch in self.spp_branches
        ]
        quarter = torch.cat([*features[1:], *pooled], dim=1)
        return self.upconv_module(quarter, (features.layer1, images))

    def project(self, x: Tensor, stride: tuple[int, int] = (1, 1)) -> Tensor:
        """Matching features at every so many rows and columns.

        The sweep over planes reads few positions; the others need not be computed. Nothing
        else changes.

        Args:
            x: (batch, 32, H, W).
            stride: of rows and of columns.

        Returns:
            (batch, 96, H / stride, W / stride).
        """
        hidden, activation, last = self.lastconv
        weight = hidden.get_parameter("0.weight")
        x = functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        return last(activation(hidden.get_submodule("1")(x)))
