"""A Gaussian latent from the present map: what the future depends on beside the past."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snn_ros.planning.paper.blocks import Bottleneck

LEVELS = 4
LOG_SIGMA_LIMIT = 5.0


class Latent(NamedTuple):
    """Mean and logarithm of the spread, each (B, L)."""

    mu: Tensor
    log_sigma: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A value (B, L) drawn from it, differentiable; for training."""
        noise = torch.randn(
            self.mu.shape, generator=generator, dtype=self.mu.dtype, device=self.mu.device
        )
        return self.mu + self.log_sigma.exp() * noise


class Halving(nn.Module):
    """Bottlenecks that halve a map four times."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        inputs = [in_channels, *[channels] * (LEVELS - 1)]
        self.model = nn.Sequential(*(Bottleneck(width, channels) for width in inputs))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) to (B, channels, H/16, W/16)."""
        return self.model(x)


class Distribution(nn.Module):
    """Halving bottlenecks, the mean of the map, and a projection to mean and spread."""

    def __init__(self, in_channels: int, latent: int) -> None:
        super().__init__()
        channels = in_channels // 2
        self.encoder = Halving(in_channels, channels)
        self.decoder = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 2 * latent, 1, bias=True)
        )

    def forward(self, present: Tensor) -> Latent:
        """The latent of maps (B, in_channels, X, Y)."""
        mu, log_sigma = self.decoder(self.encoder(present)).flatten(1).chunk(2, dim=1)
        return Latent(mu, log_sigma.clamp(-LOG_SIGMA_LIMIT, LOG_SIGMA_LIMIT))
