"""Metering a torch network while it runs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor, nn

from snn_ros.spiking.activity import EnergyModel, LayerMeter, NetworkActivity
from snn_ros.spiking.modules import SpikingModule
from snn_ros.spiking.synapses import (
    SynapseInput,
    multiply_accumulates,
    refuse_real_input,
    spike_additions,
    split_synapses,
    values_of,
)


class ActivityMeter:
    """Records what the spiking layers and synapses of a network do, between `with` and its end.

    Works by forward hooks, so on the plain network, not on a compiled one. Spiking layers are the
    `SpikingModule`s; a layer called once per time step adds one step per call. Operations other
    than those of synapses (norms that are not folded, pooling, neuron updates) are not counted.

        with ActivityMeter(network, real_input_layers=["stem"]) as meter:
            network(x)
            activity = meter.read()
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        real_input_layers: Collection[str],
        verify: bool = True,
        energy_model: EnergyModel | None = None,
    ) -> None:
        """Name what is analog; everything else must be fed by spikes.

        Args:
            network: to be metered.
            real_input_layers: names (as in `named_modules`) of the synapses whose input is real:
                the first layer, readouts, what is not spiking. They count as multiply-accumulates.
            verify: whether to check that all other synapses receive integer counts; costs one
                more pass over their input.
            energy_model: constants of the energy, by default 45 nm.

        Raises:
            SynapseError: naming the real-input layers that the network does not have.
        """
        self._network = network
        self._real, self._spiking = split_synapses(network, real_input_layers)
        self._verify = verify
        self._energy_model = energy_model or EnergyModel()
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._clear()

    def read(self) -> NetworkActivity:
        """What was done since the last reading."""
        activity = NetworkActivity(
            layers=tuple(meter.result() for meter in self._layers.values()),
            synaptic_operations=self._additions,
            macs=self._macs,
            energy_model=self._energy_model,
        )
        self._clear()
        return activity

    def __enter__(self) -> ActivityMeter:
        for name, layer in self._network.named_modules():
            if isinstance(layer, SpikingModule):
                self._watch(layer, self._record_spikes, name, layer.max_count)
        for layer in self._real.values():
            self._watch(layer, self._record_real_input, layer)
        for name, layer in self._spiking.items():
            self._watch(layer, self._record_spike_input, name, layer)
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _clear(self) -> None:
        self._layers: dict[str, LayerMeter] = {}
        self._additions = self._macs = 0

    def _watch(self, layer: nn.Module, record: Callable[..., None], *args: Any) -> None:
        @torch.no_grad()
        def hook(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            record(*args, inputs[0], output)

        self._handles.append(layer.register_forward_hook(hook))

    def _record_spikes(self, name: str, max_count: int, _: Tensor, output: Any) -> None:
        counts = output[0] if isinstance(output, tuple) else output
        self._layers.setdefault(name, LayerMeter(name, max_count)).add(counts)

    def _record_real_input(
        self, layer: nn.Module, inputs: SynapseInput, output: SynapseInput
    ) -> None:
        self._macs += multiply_accumulates(layer, inputs, output)

    def _record_spike_input(
        self, name: str, layer: nn.Module, counts: SynapseInput, output: SynapseInput
    ) -> None:
        if self._verify:
            refuse_real_input(name, values_of(counts))
        self._additions += spike_additions(layer, counts, output)
