"""The unrolled form of an integer network, as an oracle: binary spikes only, D sub-steps a step.

Three rules make it equal to the integer form:
1. A layer sums all D sub-steps of its input before it fires.
2. A bias is added once per step, not once per sub-step.
3. Residual sums add membranes, which stay real; only what passes a neuron is unrolled.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from snn_ros.spiking.integer_lif import unrolled_count, unrolled_counts
from snn_ros.spiking.modules import IntegerLIF, IntegerSpike, SpikingModule
from snn_ros.spiking.synapses import (
    SynapseInput,
    refuse_real_input,
    split_synapses,
    values_of,
)

Network = TypeVar("Network", bound=nn.Module)


class UnrolledSynapse(nn.Module):
    """A linear or convolution layer that receives its counts as binary spikes, one at a time."""

    def __init__(self, layer: nn.Module, max_count: int) -> None:
        super().__init__()
        self.layer = layer
        self.max_count = max_count

    def forward(self, counts: SynapseInput) -> SynapseInput:
        """What the layer gives for `counts`, summed over max_count binary passes.

        Raises:
            SynapseError: if an entry is no integer 0..max_count.
        """
        values = values_of(counts)
        refuse_real_input(str(self.layer), values, self.max_count)
        substeps = unrolled_counts(values, self.max_count)
        first, *others = (
            spikes if isinstance(counts, Tensor) else counts.with_features(spikes)
            for spikes in substeps
        )
        bias = getattr(self.layer, "bias", None)
        no_bias = {} if bias is None else {"bias": torch.zeros_like(bias)}
        output = self.layer(first)
        for spikes in others:
            output = output + functional_call(self.layer, no_bias, (spikes,))
        return output


def unroll_network(network: Network, real_input_layers: Collection[str]) -> Network:
    """A copy of an integer network that computes the same with binary spikes alone.

    Integer cells fire by D sub-steps, and synapses fed by spikes receive them one at a time.
    Batch normalisation works between them, folded or not.

    Args:
        network: made of `IntegerSpike` and `IntegerLIF` cells.
        real_input_layers: names of the synapses whose input is real: they stay as they are.

    Raises:
        SynapseError: naming the real-input layers that the network does not have.
    """
    unrolled = copy.deepcopy(network)
    cells = [module for module in unrolled.modules() if isinstance(module, SpikingModule)]
    for cell in cells:
        if isinstance(cell, (IntegerLIF, IntegerSpike)):
            cell.count = unrolled_count
    max_count = max((cell.max_count for cell in cells), default=1)
    _, spiking = split_synapses(unrolled, real_input_layers)
    for name, layer in spiking.items():
        parent, _, child = name.rpartition(".")
        setattr(unrolled.get_submodule(parent), child, UnrolledSynapse(layer, max_count))
    return unrolled
