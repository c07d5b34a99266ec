"""Weights on the int8 grid: trained on it, and deployed as whole numbers.

W = scale q per output channel, q in -127..127. A batch normalisation after the layer only changes
scale and shift of a channel, so it leaves q alone. With whole numbers at the input (spike counts,
or the features of voxels) every sum is a whole number below 2^24, which float32 holds as exactly as
int32 does: in whatever order and by whatever back end, the same spikes come out.
"""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from snn_ros.sparse.layers import ChannelAffine

Layer = TypeVar("Layer", bound=nn.Module)
LARGEST = 127
_SMALLEST_SCALE = 1e-12


class Int8Grid(nn.Module):
    """Rounds a weight (Cout, ...) to its grid; gradients pass straight through."""

    def forward(self, weight: Tensor) -> Tensor:
        """The weight on the grid."""
        whole, scale = to_grid(weight)
        return weight + (whole * scale - weight).detach()


def to_grid(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers in -127..127 as floats, and the scale (Cout, 1, ...) of each output channel."""
    largest = weight.detach().flatten(1).abs().amax(1).clamp(min=_SMALLEST_SCALE)
    scale = (largest / LARGEST).view(-1, *[1] * (weight.dim() - 1))
    return (weight.detach() / scale).round(), scale


def on_grid(layer: Layer) -> Layer:
    """The same layer, its weight rounded to the grid whenever it is used."""
    parametrize.register_parametrization(layer, "weight", Int8Grid())
    return layer


def deployed(network: Layer) -> Layer:
    """A copy for inference: whole numbers as weights, a ``ChannelAffine`` after each such layer.

    In every nn.Sequential the module after a layer on the grid is replaced: a batch normalisation
    by the affine map it amounts to, an nn.Identity by the scale and bias of the layer.

    Args:
        network: trained, in evaluation mode.
    """
    network = copy.deepcopy(network)
    for block in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for index, layer in enumerate(block):
            if parametrize.is_parametrized(layer, "weight"):
                block[index + 1] = _without_grid(layer, block[index + 1])
    return network.requires_grad_(False)


def off_grid(network: Layer) -> Layer:
    """A copy whose weights are used as they are, not rounded: what the grid costs shows beside it.

    Args:
        network: trained.
    """
    network = copy.deepcopy(network)
    for layer in list(network.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            _plain(layer)
    return network


def _plain(layer: nn.Module) -> Tensor:
    """Take the grid from a layer; its weight, unrounded."""
    weight = cast(Tensor, layer.parametrizations.weight.original)  # type: ignore[union-attr]
    # not parametrize.remove_parametrizations: it changes the class, which the original shares
    layer.__class__ = type(layer).__bases__[0]
    del layer.parametrizations
    layer.weight = nn.Parameter(weight.detach())
    return weight


@torch.no_grad()
def _without_grid(layer: nn.Module, after: nn.Module) -> ChannelAffine:
    whole, scale = to_grid(_plain(layer))
    layer.weight = nn.Parameter(whole)
    scale = scale.flatten()
    bias = cast("Tensor | None", layer.bias)
    shift = torch.zeros_like(scale) if bias is None else bias.detach()
    layer.bias = None  # type: ignore[assignment]
    if isinstance(after, nn.BatchNorm1d):
        gain = (
            cast(Tensor, after.running_var).double() + after.eps
        ).rsqrt() * after.weight.double()
        shift = (shift - cast(Tensor, after.running_mean)) * gain + after.bias
        scale = scale * gain
    return ChannelAffine(scale.float(), shift.float())
