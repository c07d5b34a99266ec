"""Backbone on the map seen from above: large depthwise kernels as gates, at two resolutions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.errors import SnnRosError
from snn_ros.stereo_detection.paper.flow_fusion import SharedProjection

CHANNELS = 64  # of the stem and of the result
WIDE_CHANNELS = 128  # of both stages
BLOCKS = 2  # of each stage
EXPANSION = 2  # of the hidden layer of a block
FIRST_SCALE = 0.01  # of both branches of a block


class GateKernels(NamedTuple):
    """How a large kernel is made of two small ones.

    Attributes:
        near: side of the first.
        far: side of the second.
        dilation: of the second.
    """

    near: int
    far: int
    dilation: int


KERNELS = {
    7: GateKernels(3, 3, 2),
    11: GateKernels(3, 5, 2),
    23: GateKernels(5, 7, 3),
    35: GateKernels(5, 11, 3),
    41: GateKernels(5, 13, 3),
    53: GateKernels(5, 17, 3),
}
"""By the side of the large kernel; 7 is the released one."""


class UnknownKernelError(SnnRosError):
    """There is no large kernel of this side; the text lists those that are."""


class LargeKernelGate(nn.Module):
    """The input times what a large depthwise kernel sees of it."""

    def __init__(self, channels: int, kernel: int = 7) -> None:
        super().__init__()
        near, far, dilation = _kernels(kernel)
        self.conv0 = _depthwise(channels, (near, near))
        self.conv_spatial = _depthwise(channels, (far, far), dilation)
        self.conv1 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to the same."""
        return x * self.conv1(self.conv_spatial(self.conv0(x)))


class SeparableKernelGate(nn.Module):
    """The same with each depthwise kernel as a row and then a column."""

    def __init__(self, channels: int, kernel: int = 7) -> None:
        super().__init__()
        near, far, dilation = _kernels(kernel)
        self.conv0h = _depthwise(channels, (1, near))
        self.conv0v = _depthwise(channels, (near, 1))
        self.conv_spatial_h = _depthwise(channels, (1, far), dilation)
        self.conv_spatial_v = _depthwise(channels, (far, 1), dilation)
        self.conv1 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to the same."""
        near = self.conv0v(self.conv0h(x))
        return x * self.conv1(self.conv_spatial_v(self.conv_spatial_h(near)))


GATES = {False: LargeKernelGate, True: SeparableKernelGate}


class GateAttention(nn.Module):
    """A gate between two 1x1 convolutions, added to the input."""

    def __init__(self, channels: int, gate: nn.Module) -> None:
        super().__init__()
        self.proj_1 = nn.Conv2d(channels, channels, 1)
        self.spatial_gating_unit = gate
        self.proj_2 = nn.Conv2d(channels, channels, 1)
        self.activation = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to the same."""
        return x + self.proj_2(self.spatial_gating_unit(self.activation(self.proj_1(x))))


class DepthwiseLayer(nn.Module):
    """A depthwise 3x3 convolution, under the published name."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = _depthwise(channels, (3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to the same."""
        return self.dwconv(x)


class HiddenLayer(nn.Module):
    """A wider layer that looks at neighbours, then back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = EXPANSION * channels
        self.fc1 = nn.Conv2d(channels, wide, 1)
        self.dwconv = DepthwiseLayer(wide)
        self.fc2 = nn.Conv2d(wide, channels, 1)
        self.activation = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to the same."""
        return self.fc2(self.activation(self.dwconv(self.fc1(x))))


class GateBlock(nn.Module):
    """Attention, then a hidden layer, each normalised first, scaled, and added."""

    def __init__(self, channels: int, gate: nn.Module) -> None:
        super().__init__()
        self.layer_scale_1 = nn.Parameter(torch.full((channels,), FIRST_SCALE))
        self.layer_scale_2 = nn.Parameter(torch.full((channels,), FIRST_SCALE))
        self.norm1 = nn.BatchNorm2d(channels)
        self.attn = GateAttention(channels, gate)
        self.norm2 = nn.BatchNorm2d(channels)
        self.mlp = HiddenLayer(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x) to the same."""
        x = x + self.layer_scale_1[:, None, None] * self.attn(self.norm1(x))
        return x + self.layer_scale_2[:, None, None] * self.mlp(self.norm2(x))


class PatchEmbedding(nn.Module):
    """Half the resolution."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, y, x) to (batch, channels, y / 2, x / 2)."""
        return self.norm(self.proj(x))


class BevBackbone(nn.Module):
    """Two stages down and up again.

    Args:
        in_channels: of the map.
        kernel: side of the large kernel, of ``KERNELS``.
        separable: whether the depthwise kernels are rows and columns.
    """

    def __init__(self, in_channels: int, kernel: int = 7, *, separable: bool = False) -> None:
        super().__init__()
        gate = GATES[separable]

        def blocks() -> nn.ModuleList:
            return nn.ModuleList(
                GateBlock(WIDE_CHANNELS, gate(WIDE_CHANNELS, kernel)) for _ in range(BLOCKS)
            )

        self.stem = SharedProjection(in_channels, CHANNELS)
        self.patch_embed1 = PatchEmbedding(CHANNELS, WIDE_CHANNELS)
        self.block1 = blocks()
        self.norm1 = nn.LayerNorm(WIDE_CHANNELS)
        self.up_block1 = _doubled(WIDE_CHANNELS, WIDE_CHANNELS)
        self.patch_embed2 = PatchEmbedding(WIDE_CHANNELS, WIDE_CHANNELS)
        self.block2 = blocks()
        self.norm2 = nn.LayerNorm(WIDE_CHANNELS)
        self.up_block2 = _doubled(WIDE_CHANNELS, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, y, x), y and x multiples of 4, to (batch, 64, y, x)."""
        fine = _stage(self.stem(x), self.patch_embed1, self.block1, self.norm1)
        coarse = _stage(fine, self.patch_embed2, self.block2, self.norm2)
        return self.up_block2(fine + self.up_block1(coarse))


def _stage(x: Tensor, embed: nn.Module, blocks: nn.ModuleList, norm: nn.Module) -> Tensor:
    x = embed(x)
    for block in blocks:
        x = block(x)
    return norm(x.movedim(1, -1)).movedim(-1, 1)


def _doubled(in_channels: int, channels: int) -> nn.Sequential:
    layer = nn.ConvTranspose2d(in_channels, channels, 2, stride=2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU())


def _depthwise(channels: int, kernel: tuple[int, int], dilation: int = 1) -> nn.Conv2d:
    rows, columns = kernel
    padding = (dilation * (rows - 1) // 2, dilation * (columns - 1) // 2)
    return nn.Conv2d(
        channels, channels, kernel, padding=padding, dilation=dilation, groups=channels
    )


def _kernels(side: int) -> GateKernels:
    if side not in KERNELS:
        raise UnknownKernelError(
            f"kernel = {side!r}: must be one of {', '.join(map(str, KERNELS))}"
        )
    return KERNELS[side]
