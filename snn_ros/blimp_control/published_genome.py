"""The genome of the published networks, to the gene: any two of the four hidden layers.

A network of 40 encoder and 40 hidden cells has 301 genes with a LIF hidden layer. Threshold
adaptation (IWTA) adds 120; recurrence adds 80 in 2x2 blocks, 1600 in full. Unlike the constructive
genomes, hidden cells and blocks are free of each other, so a decoded network need not be mirror
symmetric. The search starts at the constructive network, without recurrence, as far as the bounds
let it. Decays are searched as leaks 1 - tau in their logarithm: on a linear scale next to nothing
remembers more than 10 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from snn_ros.blimp_control.genome import PAIRS, Gene, Genome, mirror, paper_genome, share
from snn_ros.blimp_control.parameters import (
    BLOCKS,
    HIDDEN_LAYERS,
    IWTA,
    R_IWTA,
    R_LIF,
    THRESHOLD_FLOOR,
    FloatArray,
    NetworkParameters,
)

CELLS = 2 * PAIRS  # of the encoder and of the hidden layer of each network
HEADS = PD_HEAD, I_HEAD = "pd", "i"
VARIANTS = tuple(f"{pd}+{i}" for pd in HIDDEN_LAYERS for i in HIDDEN_LAYERS)
PAPER_BOUNDS, CODE_BOUNDS = "paper", "code"
LEAST_LEAK = 1e-6
LEAST_TRACE = 1e-3  # an integrator's threshold moves by a few thousandths per spike
_MIRRORED, _SHARED, _FREE = "mirrored", "shared", "free"  # the cells of a pair: +v, -v; v, v; v, w


class _Rule(NamedTuple):
    """How the cells of a pair share an array, and its bounds in the paper and in its code."""

    sharing: str
    paper: tuple[float, float]
    code: tuple[float, float]


_LIF_RULES = {
    "encoder_error_weight": _Rule(_MIRRORED, (-2.0, 2.0), (-1.5, 1.5)),
    "encoder_bias": _Rule(_SHARED, (-1.0, 1.0), (-1.0, 1.0)),
    "encoder_decay": _Rule(_SHARED, (0.0, 1.0), (0.0, 1.0)),
    "encoder_threshold": _Rule(_SHARED, (THRESHOLD_FLOOR, 10.0), (0.8, 10.0)),
    "own_weight": _Rule(_FREE, (-2.0, 2.0), (-1.5, 1.5)),
    "cross_weight": _Rule(_FREE, (-2.0, 2.0), (-1.5, 1.5)),
    "synapse_decay": _Rule(_FREE, (0.0, 1.0), (0.0, 0.99)),
    "membrane_decay": _Rule(_FREE, (0.0, 1.0), (0.0, 1.0)),
    "threshold": _Rule(_FREE, (THRESHOLD_FLOOR, 10.0), (0.8, 10.0)),
    "readout_weight": _Rule(_MIRRORED, (-1.0, 1.0), (-1.0, 1.0)),
    "readout_decay": _Rule(_FREE, (0.0, 1.0), (0.15, 0.99)),
}
_IWTA_RULES = {
    "threshold": _Rule(_FREE, (THRESHOLD_FLOOR, 10.0), (THRESHOLD_FLOOR, 2.0)),
    "trace_own_weight": _Rule(_FREE, (-1.0, 1.0), (-1.0, 1.0)),
    "trace_cross_weight": _Rule(_FREE, (-1.0, 1.0), (-1.0, 1.0)),
    "trace_decay": _Rule(_FREE, (0.0, 1.0), (0.0, 0.99)),
}
_RECURRENT_RULES = {"recurrent_weight": _Rule(_FREE, (-1.0, 1.0), (-0.2, 0.2))}
# The I readout is kept fast, so that integration must happen in the hidden layer.
_I_RULES = {"readout_decay": _Rule(_FREE, (0.0, 0.3), (0.15, 0.99))}


def _rules(head: str, hidden_layer: str) -> dict[str, _Rule]:
    rules = dict(_LIF_RULES)
    if hidden_layer in (IWTA, R_IWTA):
        rules |= _IWTA_RULES
    if hidden_layer in (R_LIF, R_IWTA):
        rules |= _RECURRENT_RULES
    return rules | _I_RULES if head == I_HEAD else rules


@dataclass(frozen=True)
class PublishedGenome(Genome):
    """Two published networks side by side; genes are called ``pd.…`` and ``i.…``.

    Attributes:
        rules: of each head.
        sources: cells that each cell hears with recurrence: 2 or all of its network.
    """

    rules: tuple[dict[str, _Rule], ...] = ()
    sources: int = 2

    def assemble(self, values: dict[str, FloatArray]) -> NetworkParameters:
        """The network of values by gene."""
        arrays: dict[str, Any] = self._blank()
        for half, (head, rules) in enumerate(zip(HEADS, self.rules, strict=True)):
            for name, rule in rules.items():
                array = _expanded(name, values[f"{head}.{name}"], rule)
                if name == "recurrent_weight":
                    self._connect(arrays[name], array, half)
                else:
                    np.split(arrays[name], len(HEADS))[half][:] = array
        return NetworkParameters(
            **arrays,
            encoder_rate_weight=np.zeros(2 * CELLS),
            source=np.arange(2 * CELLS),
            fast=CELLS,
        )

    def _blank(self) -> dict[str, FloatArray]:
        """Every evolved array as zeros; recurrence only if a head has it."""
        arrays = {name: np.zeros(2 * CELLS) for name in _LIF_RULES | _IWTA_RULES}
        arrays["readout_decay"] = np.zeros(len(HEADS))
        if any("recurrent_weight" in rules for rules in self.rules):
            width = 2 if self.sources == 2 else 2 * CELLS
            arrays["recurrent_weight"] = np.zeros((2 * CELLS, width))
        return arrays

    def _connect(self, weight: FloatArray, values: FloatArray, half: int) -> None:
        """Recurrence stays within its network."""
        cells = slice(half * CELLS, (half + 1) * CELLS)
        columns = slice(None) if self.sources == 2 else cells
        weight[cells, columns] = values.reshape(CELLS, self.sources)


def published_genome(
    variant: str, recurrence: str = BLOCKS, bounds: str = PAPER_BOUNDS, sub_ticks: int = 1
) -> PublishedGenome:
    """The search space of profile ``paper`` with the published sharing of weights.

    Args:
        variant: hidden layers of the PD and of the I network, one of ``VARIANTS``.
        recurrence: ``blocks`` or ``full``, for the layers that have it.
        bounds: ``paper``, or ``code`` for those of the authors' public code.
        sub_ticks: ticks of the network per tick of the controller.
    """
    sources = 2 if recurrence == BLOCKS else CELLS
    constructive = paper_genome()
    arrays = constructive.decode(constructive.start()).arrays()
    arrays["recurrent_weight"] = np.zeros(2 * CELLS * sources)
    rules = tuple(map(_rules, HEADS, variant.split("+")))
    genes = [
        _gene(f"{head}.{name}", np.split(arrays[name], len(HEADS))[half], rule, bounds)
        for half, head in enumerate(HEADS)
        for name, rule in rules[half].items()
    ]
    return PublishedGenome("paper", tuple(genes), sub_ticks, rules, sources)


def _gene(name: str, array: FloatArray, rule: _Rule, bounds: str) -> Gene:
    low, high = rule.paper if bounds == PAPER_BOUNDS else rule.code
    start = array if rule.sharing == _FREE else array[::2]
    if name.endswith("decay"):
        low, high, start = max(1.0 - high, LEAST_LEAK), 1.0 - low, 1.0 - start
    logarithmic = name.endswith(("decay", "threshold"))
    linear_up_to = LEAST_TRACE if "trace_" in name else 0.0
    return Gene(name, low, high, np.clip(start, low, high), logarithmic, linear_up_to)


def _expanded(name: str, values: FloatArray, rule: _Rule) -> FloatArray:
    if name.endswith("decay"):
        values = 1.0 - values
    if rule.sharing == _FREE:
        return values
    return mirror(values) if rule.sharing == _MIRRORED else share(values)
