"""Folding batch normalisation into the layer before it, for inference.

scale = gamma / sqrt(variance + epsilon)
W' = W scale,   b' = beta + (b - mean) scale,   per output channel
"""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from snn_ros.errors import SnnRosError

Layer = TypeVar("Layer", bound=nn.Module)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
OUTPUT_AXIS: dict[type[nn.Module], int] = {
    **dict.fromkeys((nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d), 0),
    **dict.fromkeys(TRANSPOSED, 1),
}
"""Layers that can be folded into, and which axis of their `weight` counts the output channels.

A package with its own kind of layer (`weight`, and `bias` or None) adds it here.
"""


class FoldingError(SnnRosError):
    """A batch normalisation cannot be folded into the layer before it; the text says why."""


def fold_weights(
    weight: Tensor, bias: Tensor | None, batch_norm: _BatchNorm, *, output_axis: int = 0
) -> tuple[Tensor, Tensor]:
    """Weight and bias that do the work of a linear map followed by a batch normalisation.

    Computed in float64 and rounded once.

    Args:
        weight: of the linear map, output channels on `output_axis`.
        bias: (outputs,), or None.
        batch_norm: with running statistics, in evaluation mode.
        output_axis: which axis of `weight` counts the output channels.

    Returns:
        Weight of the same shape and dtype, bias (outputs,).

    Raises:
        FoldingError: in training mode, without running statistics, or if sizes differ.
    """
    mean, variance = batch_norm.running_mean, batch_norm.running_var
    outputs = weight.shape[output_axis]
    if batch_norm.training:
        raise FoldingError("batch normalisation is in training mode: call eval() before folding")
    if mean is None or variance is None:
        raise FoldingError("batch normalisation has no running statistics")
    if outputs != batch_norm.num_features:
        raise FoldingError(
            f"layer has {outputs} outputs, batch normalisation {batch_norm.num_features} features"
        )
    scale = (variance.double() + batch_norm.eps).rsqrt()
    if batch_norm.weight is not None:
        scale = scale * batch_norm.weight.double()
    shift = -mean.double() if bias is None else bias.double() - mean.double()
    shift = shift * scale
    if batch_norm.bias is not None:
        shift = shift + batch_norm.bias.double()
    per_output = [1] * weight.dim()
    per_output[output_axis] = outputs
    return (weight.double() * scale.view(per_output)).to(weight.dtype), shift.to(weight.dtype)


def fold_batch_norm(layer: Layer, batch_norm: _BatchNorm) -> Layer:
    """A copy of a linear or convolution layer that includes the batch normalisation after it.

    Raises:
        FoldingError: if the layer is of another kind, or as in `fold_weights`.
    """
    output_axis = _output_axis(layer)
    if output_axis is None:
        raise FoldingError(f"cannot fold into a layer of type {type(layer).__name__}")
    if isinstance(layer, TRANSPOSED) and layer.groups != 1:
        raise FoldingError(f"cannot fold into a transposed convolution of {layer.groups} groups")
    with torch.no_grad():
        weight, bias = fold_weights(
            cast(Tensor, layer.weight),
            cast("Tensor | None", layer.bias),
            batch_norm,
            output_axis=output_axis,
        )
    folded = copy.deepcopy(layer)
    folded.weight = nn.Parameter(weight)
    folded.bias = nn.Parameter(bias)
    return folded


def fold_network(network: Layer) -> Layer:
    """A copy in which every batch normalisation right after a foldable layer is folded into it.

    Looks at neighbours inside nn.Sequential; the place of the batch normalisation is kept by an
    nn.Identity, so that names stay. Everything else is left as it is.

    Raises:
        FoldingError: as in `fold_batch_norm`.
    """
    folded = copy.deepcopy(network)
    for block in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for index in range(len(block) - 1):
            layer, after = block[index], block[index + 1]
            if _output_axis(layer) is not None and isinstance(after, _BatchNorm):
                block[index], block[index + 1] = fold_batch_norm(layer, after), nn.Identity()
    return folded


def _output_axis(layer: nn.Module) -> int | None:
    """Which axis of the weight counts the outputs; None for a layer that cannot be folded into."""
    return next((OUTPUT_AXIS[kind] for kind in type(layer).__mro__ if kind in OUTPUT_AXIS), None)
