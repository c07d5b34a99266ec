"""Blocks that the parts of the published network share; sequences are (T, B, C, H, W)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_ros.spiking.lif import LIFParameters, LIFState
from snn_ros.spiking.modules import LIF, Threshold, run_sequence
from snn_ros.spiking.surrogate import ArctanSurrogate, SigmoidSurrogate, Surrogate

MOMENTUM = 0.05
"""Of every batch normalisation of the published training."""


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Normalisation of maps with the published momentum."""
    return nn.BatchNorm2d(channels, momentum=MOMENTUM)


def conv3x3(
    in_channels: int, out_channels: int, *, stride: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution that keeps the size of a map, or halves it with stride 2."""
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=bias)


def per_step(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A layer that knows no time, applied to every step of (T, B, ...)."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class PerStep(nn.Sequential):
    """Layers that know no time, applied to every step of (T, B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (T, B, ...) of the last layer."""
        return per_step(super().forward, x)


class CellOverTime(nn.Module):
    """A leaky cell of time constant 2 and threshold 1, run along the leading axis.

    It begins at rest in every call unless it is given a state.
    """

    def __init__(self, spike: Surrogate, *, detach_reset: bool) -> None:
        super().__init__()
        self.cell = LIF(LIFParameters(decay=0.5, detach_reset=detach_reset), spike)

    def run(self, x: Tensor, state: LIFState | None = None) -> tuple[Tensor, LIFState]:
        """Spikes (T, B, ...) and the membrane they leave."""
        return run_sequence(self.cell, x, state)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (T, B, ...)."""
        return self.run(x)[0]


def trunk_cell() -> CellOverTime:
    """The cell of the encoder's trunk."""
    return CellOverTime(SigmoidSurrogate(4.0), detach_reset=True)


def head_cell() -> CellOverTime:
    """The cell of the encoder's heads, and of the decoder's ends and upsampling."""
    return CellOverTime(ArctanSurrogate(2.0), detach_reset=True)


def residual_cell() -> CellOverTime:
    """The cell of residual blocks of predictor and decoder: gradients pass its reset."""
    return CellOverTime(SigmoidSurrogate(4.0), detach_reset=False)


class MembraneBlock(nn.Module):
    """Cell, convolution, normalisation, twice; the shortcut adds membranes, which stay real."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_channels, channels, stride=stride)
        self.bn1 = batch_norm(channels)
        self.conv2 = conv3x3(channels, channels)
        self.bn2 = batch_norm(channels)
        self.sn1 = residual_cell()
        self.sn2 = residual_cell()
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != channels:
            self.downsample_sn = residual_cell()
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False),
                batch_norm(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Membranes (T, B, C, H, W) to membranes, smaller by the stride."""
        shortcut = (
            x if self.downsample is None else per_step(self.downsample, self.downsample_sn(x))
        )
        x = per_step(lambda spikes: self.bn1(self.conv1(spikes)), self.sn1(x))
        x = per_step(lambda spikes: self.bn2(self.conv2(spikes)), self.sn2(x))
        return x + shortcut


class SpikeAddBlock(nn.Module):
    """Convolution, normalisation, cell, twice; the shortcut adds spikes to the input."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, hidden)
        self.bn1 = batch_norm(hidden)
        self.sn1 = residual_cell()
        self.conv2 = conv3x3(hidden, channels)
        self.bn2 = batch_norm(channels)
        self.sn2 = residual_cell()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (T, B, C, H, W), real or spikes, to the same plus 0 or 1."""
        spikes = self.sn1(per_step(lambda maps: self.bn1(self.conv1(maps)), x))
        return x + self.sn2(per_step(lambda maps: self.bn2(self.conv2(maps)), spikes))


class Bottleneck(nn.Module):
    """A residual bottleneck whose activations are steps without a state; maps (B, C, H, W)."""

    def __init__(
        self, in_channels: int, out_channels: int, *, halve: bool = True, dropout: float = 0.0
    ) -> None:
        """Choose sizes.

        Args:
            in_channels: of the input.
            out_channels: of the output.
            halve: whether the map gets half as large, rounded up.
            dropout: share of channels dropped in training.
        """
        super().__init__()
        self.halve = halve
        hidden = in_channels // 2

        def fire(channels: int) -> nn.Sequential:
            return nn.Sequential(batch_norm(channels), Threshold(ArctanSurrogate(2.0)))

        self.layers = nn.Sequential()
        self.layers.add_module("conv_down_project", nn.Conv2d(in_channels, hidden, 1, bias=False))
        self.layers.add_module("abn_down_project", fire(hidden))
        self.layers.add_module("conv", conv3x3(hidden, hidden, stride=2 if halve else 1))
        self.layers.add_module("abn", fire(hidden))
        self.layers.add_module("conv_up_project", nn.Conv2d(hidden, out_channels, 1, bias=False))
        self.layers.add_module("abn_up_project", fire(out_channels))
        self.layers.add_module("dropout", nn.Dropout2d(dropout))
        self.projection = nn.Sequential()
        if halve:
            self.projection.add_module("upsample_skip_proj", nn.MaxPool2d(2))
        self.projection.add_module(
            "conv_skip_proj", nn.Conv2d(in_channels, out_channels, 1, bias=False)
        )
        self.projection.add_module("bn_skip_proj", batch_norm(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, out_channels, H', W'): spikes plus the projected input."""
        return self.layers(x) + self.projection(_padded_to_even(x) if self.halve else x)


def _padded_to_even(x: Tensor) -> Tensor:
    """Zeros behind the last row and column of maps of odd size, so that pooling keeps them."""
    return functional.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))


def broadcast_over(maps: Tensor, vectors: Tensor) -> Tensor:
    """Vectors (B, C) as constant maps of the size of (B, ?, H, W)."""
    return vectors[:, :, None, None].expand(-1, -1, *maps.shape[-2:])


def constant(values: list[float] | Tensor, dtype: torch.dtype = torch.float32) -> nn.Parameter:
    """What the published code stores as a parameter and never trains."""
    return nn.Parameter(torch.as_tensor(values, dtype=dtype), requires_grad=False)
