"""Firing functions for torch whose backward pass uses a stand-in for the step's derivative."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snn_ros.spiking.firing import heaviside, spike_count


class _Spike(torch.autograd.Function):
    """The step forward, the surrogate's derivative backward."""

    @staticmethod
    def forward(ctx: Any, distance: Tensor, inclusive: bool, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(distance)
        ctx.surrogate = surrogate
        return heaviside(distance, inclusive)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (distance,) = ctx.saved_tensors
        return upstream * ctx.surrogate.derivative(distance), None, None


class Surrogate(ABC):
    """A `SpikeFunction` with a gradient: call it with membrane minus threshold."""

    def __call__(self, distance: Tensor, inclusive: bool = True) -> Tensor:
        """0 or 1 as in `snn_ros.spiking.firing.heaviside`."""
        return _Spike.apply(distance, inclusive, self)

    @abstractmethod
    def derivative(self, distance: Tensor) -> Tensor:
        """What stands in for the derivative of the step at `distance`."""


@dataclass(frozen=True)
class SigmoidSurrogate(Surrogate):
    """Derivative of a sigmoid: `alpha y (1 - y)` with `y = sigmoid(alpha distance)`."""

    alpha: float = 4.0

    def derivative(self, distance: Tensor) -> Tensor:
        """See the class."""
        sigmoid = torch.sigmoid(self.alpha * distance)
        return self.alpha * sigmoid * (1.0 - sigmoid)


@dataclass(frozen=True)
class ArctanSurrogate(Surrogate):
    """Derivative of an arctangent: `alpha / (2 (1 + (pi/2 alpha distance)^2))`."""

    alpha: float = 2.0

    def derivative(self, distance: Tensor) -> Tensor:
        """See the class."""
        return self.alpha / (2.0 * (1.0 + (0.5 * math.pi * self.alpha * distance).square()))


@dataclass(frozen=True)
class StraightThroughSurrogate(Surrogate):
    """1 where `|distance| < window`, else 0; by default everywhere."""

    window: float = math.inf

    def derivative(self, distance: Tensor) -> Tensor:
        """See the class."""
        return (distance.abs() < self.window).to(distance.dtype)


class _Count(torch.autograd.Function):
    """The integer staircase forward, a straight line inside its limits backward."""

    @staticmethod
    def forward(ctx: Any, membrane: Tensor, max_count: int, gradient_limit: float) -> Tensor:
        # a mask of bytes, not the membrane: a quarter of the memory in training
        ctx.save_for_backward((membrane > 0) & (membrane < gradient_limit))
        return spike_count(membrane, max_count)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = ctx.saved_tensors
        return upstream * inside, None, None


@dataclass(frozen=True)
class StraightThroughCount:
    """A `CountFunction` with a gradient: 1 strictly inside (0, max_count), else 0.

    Attributes:
        gradient_limit: upper end of the window of gradient 1; None for `max_count`. The published
            code of the integer cell moves this end alone and leaves the largest count at 4.
    """

    gradient_limit: float | None = None

    def __call__(self, membrane: Tensor, max_count: int) -> Tensor:
        """Counts as in `snn_ros.spiking.firing.spike_count`."""
        limit = float(max_count) if self.gradient_limit is None else self.gradient_limit
        return _Count.apply(membrane, max_count, limit)
