"""Convolutions with batch normalisation, in the nesting that the published names have."""

from __future__ import annotations

from torch import nn


def normalised_2d(
    in_channels: int, channels: int, kernel: int, *, padding: int = 0
) -> nn.Sequential:
    """A convolution of images or maps, then normalisation."""
    convolution = nn.Conv2d(in_channels, channels, kernel, padding=padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels))


def normalised_3d(
    in_channels: int, channels: int, kernel: int, *, stride: int = 1, padding: int = 0
) -> nn.Sequential:
    """A convolution of volumes, then normalisation."""
    convolution = nn.Conv3d(
        in_channels, channels, kernel, stride=stride, padding=padding, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm3d(channels))


def rectified(layer: nn.Module) -> nn.Sequential:
    """A layer, then ReLU."""
    return nn.Sequential(layer, nn.ReLU())
