"""What the neurons of a network did, and a model of the energy it costs.

The energy is a model, not a measurement; docs/energy.md says what it leaves out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from snn_ros.spiking.arrays import Array, exact_sum

PICOJOULE_IN_MILLIJOULE = 1e-9


@dataclass(frozen=True)
class EnergyModel:
    """Energy of one operation in pJ.

    The defaults are 32-bit floating point in 45 nm: 3.7 for a multiplication and 0.9 for an
    addition (Horowitz, "Computing's energy problem", ISSCC 2014).
    """

    multiply_accumulate_pj: float = 4.6
    accumulate_pj: float = 0.9

    def energy_mj(self, macs: int, synaptic_operations: int) -> float:
        """Energy in mJ of that many multiply-accumulates and spike-driven additions."""
        picojoules = self.multiply_accumulate_pj * macs + self.accumulate_pj * synaptic_operations
        return picojoules * PICOJOULE_IN_MILLIJOULE


@dataclass(frozen=True)
class LayerActivity:
    """What one spiking layer did.

    Attributes:
        name: of the layer.
        neurons: number of neurons; those of each member of a batch count separately.
        neuron_steps: neurons times steps.
        spikes: sum of all counts.
        silent: neurons that never fired.
        saturated: neuron-steps at the largest count.
    """

    name: str
    neurons: int
    neuron_steps: int
    spikes: int
    silent: int
    saturated: int

    @property
    def firing_rate(self) -> float:
        """Mean count per neuron and step; 0 for a layer without neurons."""
        return self.spikes / max(self.neuron_steps, 1)

    @property
    def silent_share(self) -> float:
        """Share of neurons that never fired, 0..1."""
        return self.silent / max(self.neurons, 1)

    @property
    def saturated_share(self) -> float:
        """Share of neuron-steps at the largest count, 0..1; of a binary layer its firing rate."""
        return self.saturated / max(self.neuron_steps, 1)


@dataclass(frozen=True)
class NetworkActivity:
    """What one network did for one answer.

    Attributes:
        layers: its spiking layers in network order.
        synaptic_operations: additions caused by spikes; a count of n causes n.
        macs: multiply-accumulates of the layers with real-valued input.
        energy_model: the constants of `energy_mj`.
    """

    layers: tuple[LayerActivity, ...]
    synaptic_operations: int
    macs: int
    energy_model: EnergyModel = field(default_factory=EnergyModel)

    @property
    def firing_rate(self) -> float:
        """Mean count per neuron and step over all layers."""
        steps = sum(layer.neuron_steps for layer in self.layers)
        return sum(layer.spikes for layer in self.layers) / max(steps, 1)

    @property
    def energy_mj(self) -> float:
        """Modelled energy in mJ."""
        return self.energy_model.energy_mj(self.macs, self.synaptic_operations)

    def figures(self) -> dict[str, float]:
        """The `spikes` entry of every JSON report."""
        return {
            "firing_rate": self.firing_rate,
            "sops": self.synaptic_operations,
            "macs": self.macs,
            "energy_mj_model": self.energy_mj,
        }


class LayerMeter:
    """Adds up what one layer emits, step by step."""

    def __init__(self, name: str, max_count: int = 1) -> None:
        self._name = name
        self._max_count = max_count
        self._neuron_steps = self._spikes = self._saturated = 0
        # by shape: a layer may be called on maps of several sizes, each with its own neurons
        self._fired: dict[tuple[int, ...], Array] = {}

    def add(self, counts: Array) -> None:
        """Add the output of one step: a count 0..max_count per neuron, any shape."""
        shape = tuple(counts.shape)
        fired = counts > 0
        self._fired[shape] = self._fired[shape] | fired if shape in self._fired else fired
        self._neuron_steps += math.prod(shape)
        self._spikes += exact_sum(counts)
        self._saturated += int((counts == self._max_count).sum())

    def result(self) -> LayerActivity:
        """What the layer did so far."""
        neurons = sum(math.prod(shape) for shape in self._fired)
        return LayerActivity(
            name=self._name,
            neurons=neurons,
            neuron_steps=self._neuron_steps,
            spikes=self._spikes,
            silent=neurons - sum(int(fired.sum()) for fired in self._fired.values()),
            saturated=self._saturated,
        )
