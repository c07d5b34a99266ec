"""Images to features and depth logits: a spiking trunk that sees each image for T steps.

The trunk repeats an image as the same input of every step. Its maps at 1/16 stay spikes through
the pyramid heads; its map at 1/8 enters the last convolutions as a firing rate.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_ros.planning.paper.blocks import (
    PerStep,
    batch_norm,
    conv3x3,
    head_cell,
    per_step,
    trunk_cell,
)

STEPS = 4
EXPANSION = 4  # of the hidden layer of a trunk block
DILATIONS = (12, 24, 36)
DROPOUT = 0.5


class TrunkBlock(nn.Module):
    """Two membrane shortcuts: around one convolution, then around two with a wide middle."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = EXPANSION * channels
        self.neuron1 = trunk_cell()
        self.conv1 = nn.Sequential(_convolution(channels, channels))
        self.neuron2 = trunk_cell()
        self.conv2 = nn.Sequential(_convolution(channels, hidden))
        self.neuron3 = trunk_cell()
        self.conv3 = nn.Sequential(_convolution(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Membranes (T, B, C, H, W) to membranes of the same size."""
        x = x + self.conv1(self.neuron1(x))
        return x + self.conv3(self.neuron3(self.conv2(self.neuron2(x))))


class Down(nn.Module):
    """Half the resolution; spikes are fed except to the first, which sees the image."""

    def __init__(self, in_channels: int, channels: int, kernel: int, *, first: bool) -> None:
        super().__init__()
        self.encode_conv = nn.Conv2d(
            in_channels, channels, kernel, stride=2, padding=kernel // 2, bias=True
        )
        self.encode_bn = batch_norm(channels)
        self.encode_lif = nn.Identity() if first else trunk_cell()

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, C, H, W) to membranes (T, B, channels, H/2, W/2)."""
        return per_step(lambda maps: self.encode_bn(self.encode_conv(maps)), self.encode_lif(x))


class Trunk(nn.Module):
    """Four resolutions; the second block at 1/8 feeds the skip map alone."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        eighth, quarter, half = channels // 8, channels // 4, channels // 2
        self.downsample1_1 = Down(3, eighth, 7, first=True)
        self.ConvBlock1_1 = nn.Sequential(TrunkBlock(eighth))
        self.downsample1_2 = Down(eighth, quarter, 3, first=False)
        self.ConvBlock1_2 = nn.Sequential(TrunkBlock(quarter))
        self.downsample2 = Down(quarter, half, 3, first=False)
        self.ConvBlock2_1 = nn.Sequential(TrunkBlock(half))
        self.ConvBlock2_2 = nn.Sequential(TrunkBlock(half))
        self.downsample3 = Down(half, channels, 3, first=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (T, B, 3, H, W) to membranes at 1/8 and at 1/16."""
        x = self.ConvBlock1_1(self.downsample1_1(x))
        x = self.ConvBlock1_2(self.downsample1_2(x))
        x = self.ConvBlock2_1(self.downsample2(x))
        return self.ConvBlock2_2(x), self.downsample3(x)


class Pyramid(nn.Module):
    """Spikes seen at five scales at once: one pixel, three dilations, and the whole map."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        pointwise = nn.Conv2d(in_channels, channels, 1, bias=False)
        dilated = [
            nn.Conv2d(in_channels, channels, 3, padding=rate, dilation=rate, bias=False)
            for rate in DILATIONS
        ]
        pooled = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.convs = nn.ModuleList(_fired(layer, channels) for layer in (pointwise, *dilated))
        pool = PerStep(nn.AdaptiveAvgPool2d(1))
        self.convs.append(nn.Sequential(pool, *_fired(pooled, channels)))
        merging = nn.Conv2d(len(self.convs) * channels, channels, 1, bias=False)
        self.project = nn.Sequential(*_fired(merging, channels), nn.Dropout(DROPOUT))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (T, B, in_channels, H, W) to spikes (T, B, channels, H, W)."""
        size = x.shape[-2:]
        scales = [branch(x) for branch in self.convs]
        # one pixel of the pooled branch becomes a constant map
        scales[-1] = scales[-1].expand(*scales[-1].shape[:-2], *size)
        return self.project(torch.cat(scales, dim=2))


class HeadTail(nn.Module):
    """Real maps at 1/8 from the deep map and the skip map; no activation."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            conv3x3(in_channels, out_channels),
            batch_norm(out_channels),
            conv3x3(out_channels, out_channels),
            batch_norm(out_channels),
        )

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """(B, out_channels, H, W) of maps at half and at this resolution."""
        deep = functional.interpolate(deep, scale_factor=2, mode="bilinear", align_corners=False)
        return self.conv(torch.cat([skip, deep], dim=1))


class Encoded(NamedTuple):
    """What the encoder makes of images (B, 3, H, W).

    Attributes:
        skip_rate: (B, C/2, H/8, W/8) firing rates.
        deep_spikes: (T, B, C, H/16, W/16).
        feature: (B, F, H/8, W/8).
        depth_logits: (B, D, H/8, W/8).
    """

    skip_rate: Tensor
    deep_spikes: Tensor
    feature: Tensor
    depth_logits: Tensor


class Encoder(nn.Module):
    """Trunk and two heads."""

    def __init__(self, channels: int, pyramid: int, out_channels: int, depth_bins: int) -> None:
        """Choose sizes.

        Args:
            channels: of the trunk at 1/16; twice as many as at 1/8.
            pyramid: channels of each scale of the heads.
            out_channels: of the features.
            depth_bins: of the depth logits.
        """
        super().__init__()
        self.depth_layer_1 = _pyramid_head(channels, pyramid)
        self.depth_layer_2 = HeadTail(channels + channels // 2, depth_bins)
        self.feature_layer_1 = _pyramid_head(channels, pyramid)
        self.feature_layer_2 = HeadTail(channels + channels // 2, out_channels)
        self.patch_embed = Trunk(channels)
        self.head_lif = trunk_cell()
        self.head_lif_2 = trunk_cell()

    def forward(self, images: Tensor) -> Encoded:
        """Images (B, 3, H, W), normalised; H and W multiples of 16."""
        skip, deep = self.patch_embed(images.expand(STEPS, *images.shape))
        rate, spikes = self.head_lif(skip).mean(0), self.head_lif_2(deep)
        feature = self.feature_layer_2(self.feature_layer_1(spikes).mean(0), rate)
        depth = self.depth_layer_2(self.depth_layer_1(spikes).mean(0), rate)
        return Encoded(rate, spikes, feature, depth)


def _convolution(in_channels: int, channels: int) -> PerStep:
    return PerStep(conv3x3(in_channels, channels, bias=True), batch_norm(channels))


def _fired(layer: nn.Conv2d, channels: int) -> nn.Sequential:
    return nn.Sequential(PerStep(layer), PerStep(batch_norm(channels)), head_cell())


def _pyramid_head(channels: int, pyramid: int) -> nn.Sequential:
    return nn.Sequential(
        Pyramid(channels, pyramid),
        *_fired(conv3x3(pyramid, pyramid), pyramid),
        PerStep(nn.Conv2d(pyramid, channels, 1, bias=True)),
    )
