"""What evolution may choose: genes with bounds and a constructive start, decoded into a network.

Every gene belongs to a pair of cells (or to a whole layer), so each decoded network is mirror
symmetric: u(-e) = -u(e). Thresholds are 1, since weights carry the scale.

The start is built, not drawn. A soft-reset LIF cell without leak is a first-order sigma-delta
modulator, its spike count is the integral of its drive in thresholds, so

* *integrator pairs* of the encoder code e linearly over about a metre; the thresholds of the slow
  cells they feed move with the exact count difference, i.e. with the integral of e;
* *fine pairs* code e + (Kd/Kp) de linearly around zero with little weight;
* *staged pairs* stay silent below a level of their own and then add their share one after the
  other, so the large answers need no noisy cells near the setpoint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from snn_ros.blimp_control.parameters import FloatArray, NetworkParameters
from snn_ros.blimp_control.pid import NOMINAL_PERIOD

PAIRS = 20


class Gene(NamedTuple):
    """A group of genes that share bounds.

    Attributes:
        name: what ``_assemble`` calls it.
        low: lower bound.
        high: upper bound.
        start: one value per gene, inside the bounds.
        logarithmic: searched in its logarithm.
        linear_up_to: sizes beyond it are searched in their logarithm, whatever the sign; 0: none.
    """

    name: str
    low: float
    high: float
    start: FloatArray
    logarithmic: bool = False
    linear_up_to: float = 0.0


@dataclass(frozen=True)
class Genome:
    """The search space of one profile; points of it are vectors in [0, 1].

    Attributes:
        profile: ``edge`` or ``paper``.
        genes: groups in vector order, per tick of 0.1 s whatever the sub-ticks.
        sub_ticks: ticks of the network per tick of the controller.
    """

    profile: str
    genes: tuple[Gene, ...]
    sub_ticks: int = 1

    @property
    def size(self) -> int:
        """Number of genes."""
        return sum(gene.start.size for gene in self.genes)

    def start(self) -> FloatArray:
        """The constructive start as a vector in [0, 1]."""
        return np.concatenate([_to_unit(gene, gene.start) for gene in self.genes])

    def decode(self, vector: FloatArray) -> NetworkParameters:
        """The network of a vector; values outside [0, 1] count as the bound."""
        return in_sub_ticks(self.assemble(self.values(vector)), self.sub_ticks)

    def assemble(self, values: dict[str, FloatArray]) -> NetworkParameters:
        """The network of values by gene."""
        return _assemble(self.profile, values)

    def values(self, vector: FloatArray) -> dict[str, FloatArray]:
        """The values of a vector by group; values outside [0, 1] count as the bound."""
        values, position = {}, 0
        for gene in self.genes:
            unit = np.clip(vector[position : position + gene.start.size], 0.0, 1.0)
            values[gene.name] = _from_unit(gene, unit)
            position += gene.start.size
        return values


def in_sub_ticks(parameters: NetworkParameters, count: int) -> NetworkParameters:
    """A network of one tick per 0.1 s as one of ``count`` sub-ticks, near enough to start from.

    Cells keep their leak and their drive, hence their spikes per tick at a level of the input. What
    remembers (synapses, threshold traces, readouts) keeps its time in seconds and its gain.
    """
    p = parameters
    if count == 1:
        return p

    def slower(decay: FloatArray) -> FloatArray:
        return np.asarray(decay ** (1.0 / count))

    def gain(decay: FloatArray) -> FloatArray:
        """(1 - decay^(1/n)) / (1 - decay), 1/n at decay 1."""
        terms = slower(decay) ** np.arange(count)[:, None]
        return np.asarray(1.0 / terms.sum(axis=0))

    synapse, trace = gain(p.synapse_decay), gain(p.trace_decay)
    recurrent = p.recurrent_weight
    return replace(
        p,
        own_weight=p.own_weight * synapse,
        cross_weight=p.cross_weight * synapse,
        recurrent_weight=None if recurrent is None else recurrent * synapse[:, None],
        trace_own_weight=p.trace_own_weight * trace,
        trace_cross_weight=p.trace_cross_weight * trace,
        synapse_decay=slower(p.synapse_decay),
        trace_decay=slower(p.trace_decay),
        readout_decay=slower(p.readout_decay),
        sub_ticks=count,
    )


def _to_unit(gene: Gene, values: FloatArray) -> FloatArray:
    low, high = gene.low, gene.high
    if gene.logarithmic:
        low, high, values = np.log(low), np.log(high), np.log(values)
    elif gene.linear_up_to:
        low, high = (math.asinh(x / gene.linear_up_to) for x in (low, high))
        values = np.arcsinh(values / gene.linear_up_to)
    return (values - low) / (high - low)


def _from_unit(gene: Gene, unit: FloatArray) -> FloatArray:
    if gene.logarithmic:
        return gene.low * (gene.high / gene.low) ** unit
    if gene.linear_up_to:
        low, high = (math.asinh(x / gene.linear_up_to) for x in (gene.low, gene.high))
        values = gene.linear_up_to * np.sinh(low + unit * (high - low))
        return np.clip(values, gene.low, gene.high)
    return gene.low + unit * (gene.high - gene.low)


def mirror(values: FloatArray) -> FloatArray:
    """(P,) -> (2P,) as +v, -v."""
    return np.stack([values, -values], axis=1).ravel()


def share(values: FloatArray, count: int = PAIRS) -> FloatArray:
    """(P,) or (1,) -> (2P,), both cells of a pair alike."""
    return np.repeat(np.broadcast_to(values, count) if values.size == 1 else values, 2)


def _cells(pairs: np.ndarray) -> np.ndarray:
    """Pair indices -> cell indices."""
    return np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel().astype(np.int64)


INTEGRATORS = 4  # encoder pairs of ``edge`` that see the error alone and feed the slow cells
FINE = 6


def _assemble(profile: str, g: dict[str, FloatArray]) -> NetworkParameters:
    rate = np.zeros(g["error_weight"].size)
    encoder_threshold = np.ones(2 * rate.size)
    if profile == "edge":
        rate[INTEGRATORS:] = g["rate_weight"]
        slow_source = _cells(np.arange(PAIRS) % INTEGRATORS)
    else:
        encoder_threshold[: 2 * PAIRS] = 0.5
        slow_source = _cells(PAIRS + np.arange(PAIRS))
    zeros, ones = np.zeros(2 * PAIRS), np.ones(2 * PAIRS)
    trace = share(g["slow_trace"])
    return NetworkParameters(
        encoder_error_weight=mirror(g["error_weight"]),
        encoder_rate_weight=mirror(rate),
        encoder_bias=share(g["bias"]),
        encoder_decay=1.0 - share(g["encoder_leak"]),
        encoder_threshold=encoder_threshold,
        source=np.concatenate([_cells(np.arange(PAIRS)), slow_source]),
        own_weight=np.concatenate([share(g["fast_own"]), share(g["slow_drive"])]),
        cross_weight=np.concatenate([share(g["fast_cross"]), share(g["slow_drive"])]),
        synapse_decay=np.concatenate([share(g["fast_synapse_decay"]), zeros]),
        membrane_decay=np.concatenate(
            [share(g["fast_membrane_decay"]), 1.0 - share(g["slow_membrane_leak"])]
        ),
        threshold=np.concatenate([0.5 * ones, ones]),
        trace_own_weight=np.concatenate([zeros, -trace]),
        trace_cross_weight=np.concatenate([zeros, trace]),
        trace_decay=np.concatenate([zeros, ones - share(g["trace_leak"])]),
        readout_weight=np.concatenate([mirror(g["fast_readout"]), mirror(g["slow_readout"])]),
        readout_decay=np.concatenate([g["fast_readout_decay"], g["slow_readout_decay"]]),
        fast=2 * PAIRS,
    )


def _spread(low: float, high: float, count: int) -> FloatArray:
    return np.linspace(low, high, count)


def edge_genome() -> Genome:
    """One network with a shared encoder that also sees the filtered error rate."""
    staged = PAIRS - INTEGRATORS - FINE
    brake = 14.0 / 9.0  # Kd / Kp in s
    fine_weight, staged_weight = 3.0, 3.0
    leak = 0.3
    level = 0.12 + 0.085 * np.arange(staged)  # m, where each staged pair sets in
    error_weight = np.concatenate(
        [np.full(INTEGRATORS, 0.4), np.full(FINE, fine_weight), np.full(staged, staged_weight)]
    )
    bias = np.concatenate(
        [_spread(0.36, 0.42, INTEGRATORS), _spread(0.4, 0.5, FINE), leak - staged_weight * level]
    )
    encoder_leak = np.concatenate(
        [np.full(INTEGRATORS, 1e-4), np.full(FINE, 0.02), np.full(staged, leak)]
    )
    readout = np.concatenate(
        [np.full(INTEGRATORS, 0.0), np.full(FINE, 9.0 / 6.0 / FINE), np.full(staged, 0.9)]
    )
    one = np.ones(PAIRS)
    return Genome(
        "edge",
        (
            Gene("error_weight", 0.0, 8.0, error_weight),
            Gene("rate_weight", -2.0, 16.0, brake * error_weight[INTEGRATORS:]),
            Gene("bias", -4.0, 1.0, bias),
            Gene("encoder_leak", 1e-5, 1.0, encoder_leak, True),
            Gene("fast_own", -2.0, 2.0, 1.1 * one),
            Gene("fast_cross", -2.0, 2.0, -0.4 * one),
            Gene("fast_synapse_decay", 0.0, 0.95, 0.01 * one),
            Gene("fast_membrane_decay", 0.0, 0.98, 0.1 * one),
            Gene("fast_readout", -2.0, 2.0, readout),
            Gene("fast_readout_decay", 0.0, 0.9, np.array([0.3])),
            Gene("slow_drive", 0.0, 2.0, _spread(0.70, 0.76, PAIRS)),
            Gene("slow_membrane_leak", 1e-4, 1.0, np.array([2e-3]), True),
            Gene("slow_trace", 1e-4, 1e-1, 7.0e-3 * one, True),
            Gene("trace_leak", 1e-6, 3.6e-4, np.array([2e-5]), True),
            Gene("slow_readout", 0.0, 2.0, 0.52 * one),
            Gene("slow_readout_decay", 0.0, 0.97, np.array([0.8])),
        ),
    )


PROMPT = 12  # hidden pairs of ``paper`` that follow the error at once; the others lag behind


def paper_genome() -> Genome:
    """Two networks that see the error alone, within the published bounds but for W_d of the PD.

    The derivative is the difference of two low-passes: prompt hidden pairs count up, pairs with
    slow synapses count down (K_f - K_s = Kp, K_s T_s = Kd).
    """
    lagging = PAIRS - PROMPT
    synapse_decay = 0.9
    prompt_readout, lagging_readout = 1.5, -1.0
    lag = synapse_decay / (1.0 - synapse_decay) * NOMINAL_PERIOD
    slow_gain = 14.0 / lag
    fast_gain = 9.0 + slow_gain
    # thresholds are 0.5, a pair's slope is twice W_e / th times W_d
    prompt_weight = fast_gain / (4.0 * prompt_readout * PROMPT)
    lagging_weight = slow_gain / (4.0 * -lagging_readout * lagging)
    return Genome(
        "paper",
        (
            Gene(
                "error_weight",
                0.0,
                2.0,
                np.repeat([prompt_weight, lagging_weight, 0.4], [PROMPT, lagging, PAIRS]),
            ),
            Gene(
                "bias",
                -1.0,
                1.0,
                np.concatenate([_spread(0.2, 0.3, PAIRS), _spread(0.36, 0.42, PAIRS)]),
            ),
            Gene("encoder_leak", 1e-5, 1.0, np.repeat([0.05, 1e-4], PAIRS), True),
            Gene("fast_own", -2.0, 2.0, np.repeat([1.1, 0.05], [PROMPT, lagging])),
            Gene("fast_cross", -2.0, 2.0, np.repeat([-0.4, 0.0], [PROMPT, lagging])),
            Gene(
                "fast_synapse_decay",
                0.0,
                0.99,
                np.repeat([0.01, synapse_decay], [PROMPT, lagging]),
            ),
            Gene("fast_membrane_decay", 0.0, 0.999, np.repeat([0.1, 0.98], [PROMPT, lagging])),
            Gene(
                "fast_readout",
                -2.0,
                2.0,
                np.repeat([prompt_readout, lagging_readout], [PROMPT, lagging]),
            ),
            Gene("fast_readout_decay", 0.0, 0.9, np.array([0.5])),
            Gene("slow_drive", 0.0, 2.0, _spread(0.70, 0.76, PAIRS)),
            Gene("slow_membrane_leak", 1e-4, 1.0, np.array([2e-3]), True),
            Gene("slow_trace", 1e-4, 1e-1, np.full(PAIRS, 7.0e-3), True),
            Gene("trace_leak", 1e-6, 3.6e-4, np.array([2e-5]), True),
            Gene("slow_readout", 0.0, 1.0, np.full(PAIRS, 0.52)),
            Gene("slow_readout_decay", 0.0, 0.3, np.array([0.28])),
        ),
    )


GENOMES = {"edge": edge_genome, "paper": paper_genome}
