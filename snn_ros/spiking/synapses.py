"""Which layers of a torch network are synapses, and how many operations each performs.

A package with its own kind of layer adds it to `SYNAPSE_KINDS`; its layers are then metered like
those of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import prod
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from snn_ros.errors import SnnRosError


class Featured(Protocol):
    """What a synapse may take instead of a plain tensor, e.g. features at the sites of a grid."""

    @property
    def features(self) -> Tensor:
        """The values alone."""

    def with_features(self, features: Tensor) -> Featured:
        """The same with other values."""

    def __add__(self, other: Any) -> Any:
        """Sum of the values."""


SynapseInput = Tensor | Featured

CountOperations = Callable[[Any, Any, Any], int]
"""Layer, its input and its output to a number of operations."""


def values_of(inputs: SynapseInput) -> Tensor:
    """The values that a synapse receives."""
    return inputs if isinstance(inputs, Tensor) else inputs.features


class SynapseKind(NamedTuple):
    """How the operations of one kind of layer are counted.

    Attributes:
        multiply_accumulates: of one call with real input. Entries that zero padding adds count
            too, since dense hardware multiplies them.
        spike_additions: that an input of spike counts causes: each spike one per target it
            reaches, borders and strides included.
    """

    multiply_accumulates: CountOperations
    spike_additions: CountOperations


class SynapseError(SnnRosError):
    """A network does not have the synapses it was said to have; the text names the layer."""


def multiply_accumulates(layer: nn.Module, inputs: SynapseInput, output: SynapseInput) -> int:
    """Multiply-accumulates of one call of a synapse with real-valued input.

    Raises:
        SynapseError: if this kind of layer is no synapse.
    """
    return _kind(layer).multiply_accumulates(layer, inputs, output)


def spike_additions(layer: nn.Module, counts: SynapseInput, output: SynapseInput) -> int:
    """Additions that the spikes `counts` cause in one call of a synapse.

    Raises:
        SynapseError: if this kind of layer is no synapse.
    """
    return _kind(layer).spike_additions(layer, counts, output)


def is_synapse(layer: nn.Module) -> bool:
    """Whether the operations of a layer can be counted."""
    return any(kind in SYNAPSE_KINDS for kind in type(layer).__mro__)


def split_synapses(
    network: nn.Module, real_input_layers: Collection[str]
) -> tuple[dict[str, nn.Module], dict[str, nn.Module]]:
    """Synapses with real-valued input and synapses fed by spikes, by name, in network order.

    Raises:
        SynapseError: naming the real-input layers that the network does not have.
    """
    layers = {name: layer for name, layer in network.named_modules() if is_synapse(layer)}
    if unknown := sorted(set(real_input_layers) - set(layers)):
        raise SynapseError(
            f"real_input_layers: {unknown} are no synapses of {type(network).__name__}"
        )
    real = {name: layer for name, layer in layers.items() if name in real_input_layers}
    spiking = {name: layer for name, layer in layers.items() if name not in real_input_layers}
    return real, spiking


def refuse_real_input(name: str, counts: Tensor, max_count: float = float("inf")) -> None:
    """Check that a synapse is fed by spikes.

    Raises:
        SynapseError: naming the layer and a value that is no integer 0..max_count.
    """
    spikes = (counts >= 0) & (counts <= max_count) & (counts == counts.floor())
    if not spikes.all():
        value = counts[~spikes][0].item()
        raise SynapseError(
            f"layer {name!r} is taken to be fed by spikes 0..{max_count:g} but received {value:g}"
        )


def _kind(layer: nn.Module) -> SynapseKind:
    for kind in type(layer).__mro__:
        if kind in SYNAPSE_KINDS:
            return SYNAPSE_KINDS[kind]
    raise SynapseError(f"cannot count the operations of a layer of type {type(layer).__name__}")


def _linear_macs(layer: nn.Linear, _: Tensor, output: Tensor) -> int:
    return output.numel() * layer.in_features


def _linear_additions(layer: nn.Linear, counts: Tensor, _: Tensor) -> int:
    return int(counts.double().sum()) * layer.out_features


def _convolution_macs(layer: _ConvNd, inputs: Tensor, output: Tensor) -> int:
    # each cell on the gathering side meets the whole kernel and the channels of its group
    if layer.transposed:
        return inputs.numel() * layer.out_channels // layer.groups * prod(layer.kernel_size)
    return output.numel() * layer.in_channels // layer.groups * prod(layer.kernel_size)


def _convolution_additions(layer: _ConvNd, counts: Tensor, output: Tensor) -> int:
    axes = len(layer.kernel_size)
    # the share of each axis in the targets of a position factors out: sum batch and channels,
    # then weigh and sum one axis after the other
    spikes = counts.double().flatten(0, -axes - 1).sum(0)
    for axis in reversed(range(axes)):
        size_in, size_out = counts.shape[axis - axes], output.shape[axis - axes]
        targets = _targets_along(layer, axis, size_in, size_out)
        spikes = spikes @ targets.to(spikes)
    return int(spikes) * (layer.out_channels // layer.groups)


def _targets_along(layer: _ConvNd, axis: int, size_in: int, size_out: int) -> Tensor:
    """How many output cells each input cell reaches along one axis, (size_in,)."""
    kernel, stride, dilation = layer.kernel_size[axis], layer.stride[axis], layer.dilation[axis]
    padding = _padding_before(layer, axis)
    # a convolution steps over its output and looks into its input, a transposed one vice versa
    steps, limit = (size_in, size_out) if layer.transposed else (size_out, size_in)
    met = torch.arange(steps)[:, None] * stride - padding + torch.arange(kernel) * dilation
    inside = (met >= 0) & (met < limit)
    if layer.transposed:
        return inside.sum(1)
    return torch.bincount(met[inside], minlength=size_in)


def _padding_before(layer: _ConvNd, axis: int) -> int:
    if isinstance(layer.padding, str):
        same = layer.dilation[axis] * (layer.kernel_size[axis] - 1) // 2
        return same if layer.padding == "same" else 0
    return layer.padding[axis]


SYNAPSE_KINDS: dict[type, SynapseKind] = {
    nn.Linear: SynapseKind(_linear_macs, _linear_additions),
    _ConvNd: SynapseKind(_convolution_macs, _convolution_additions),
}
