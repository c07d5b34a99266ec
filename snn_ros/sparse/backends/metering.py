"""What one pass of a compiled network did: counted from its spikes and rulebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_ros.sparse.backends.rulebooks import PackedRulebook
from snn_ros.sparse.backends.weights import PackedWeights
from snn_ros.spiking.activity import LayerMeter, NetworkActivity


class PassMeter:
    """Adds up steps; as `snn_ros.spiking.metering.ActivityMeter`, which needs torch's layers."""

    def __init__(self) -> None:
        self._layers: dict[str, LayerMeter] = {}
        self._additions = self._macs = 0

    def add_cells(self, names: Sequence[str], counts: NDArray[Any], max_count: int) -> None:
        """Count what cells emitted.

        Args:
            names: of the cells, all of which emitted the same.
            counts: (V, channels) whole numbers 0..max_count.
            max_count: D of the cells.
        """
        for name in names:
            self._layers.setdefault(name, LayerMeter(name, max_count)).add(counts)

    def add_synapses(
        self, rulebook: PackedRulebook, weights: PackedWeights, counts: NDArray[Any] | None
    ) -> None:
        """Count the operations of one convolution.

        Args:
            rulebook: of its kernel.
            weights: of which the number of channels counts.
            counts: (V, channels) spikes that it received; None where its input is real.
        """
        if counts is None:
            self._macs += rulebook.pairs * weights.in_channels * weights.out_channels
            return
        targets = np.bincount(rulebook.inputs[: rulebook.pairs], minlength=rulebook.num_inputs)
        spikes = counts.sum(axis=1, dtype=np.int64)
        self._additions += int(spikes @ targets) * weights.out_channels

    def read(self) -> NetworkActivity:
        """What was done so far."""
        return NetworkActivity(
            layers=tuple(meter.result() for meter in self._layers.values()),
            synaptic_operations=self._additions,
            macs=self._macs,
        )
