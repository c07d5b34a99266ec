"""ResNet-18 for both images: no pooling, dilation instead of stride, no ReLU after a sum."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

IMAGE_CHANNELS = 3
STEM_CHANNELS = 64
WIDTHS = (64, 128, 128, 128)
STRIDES = (1, 2, 1, 1)
DILATIONS = (1, 1, 2, 4)
BLOCKS = 2  # of each stage


class ImageFeatures(NamedTuple):
    """Maps of the four stages.

    Attributes:
        layer1: (batch, 64, H / 2, W / 2).
        layer2: (batch, 128, H / 4, W / 4).
        layer3: likewise.
        layer4: likewise.
    """

    layer1: Tensor
    layer2: Tensor
    layer3: Tensor
    layer4: Tensor


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, the first dilated, added to the input; the sum is not rectified."""

    def __init__(self, in_channels: int, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, channels, 3, stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to (batch, channels, y / stride, x / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + shortcut


class ImageBackbone(nn.Module):
    """A 7x7 stem at half the resolution, then four stages."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(IMAGE_CHANNELS, STEM_CHANNELS, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        inputs = (STEM_CHANNELS, *WIDTHS[:-1])
        stages = zip(inputs, WIDTHS, STRIDES, DILATIONS, strict=True)
        self.layer1, self.layer2, self.layer3, self.layer4 = (_stage(*stage) for stage in stages)

    def forward(self, images: Tensor) -> ImageFeatures:
        """(batch, 3, H, W), normalised, H and W multiples of 4."""
        x = self.bn1(self.conv1(images)).relu()
        layer1 = self.layer1(x)
        layer2 = self.layer2(layer1)
        layer3 = self.layer3(layer2)
        return ImageFeatures(layer1, layer2, layer3, self.layer4(layer3))


def _stage(in_channels: int, channels: int, stride: int, dilation: int) -> nn.Sequential:
    first = BasicBlock(in_channels, channels, stride, dilation)
    others = (BasicBlock(channels, channels, 1, dilation) for _ in range(BLOCKS - 1))
    return nn.Sequential(first, *others)
