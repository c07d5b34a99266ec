"""The compiled loop of the winner-take-all network: cells in steps, synapses by events.

Every excitatory cell hears every input line, each synapse with its own delay, and through its
inhibitory partner silences all the others. A step is, in this order: integrate (explicit Euler),
test thresholds, deliver what arrives (arrivals, then the learning of cells that fired), reset.

The synapses of a line lie in memory by rising delay, so that what arrives at the same time lies
together; ``Synapses`` keeps that order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

# rows of the float state of a network; potentials in mV, conductances relative to the leak
V_E, GE_E, GI_E, THETA, V_I, GE_I, TRACE = range(7)
STATE_ROWS = 7
# rows of its integer state: step of the last spike, and from which the dead time of E counts
LAST_E, LAST_I, TIMER = range(3)
STEP_ROWS = 3
NEVER = -(2**30)  # step of a last spike that was not
PROBES = 7  # rows of the trace: those of the state, with the published timer in TRACE's place

_TAU_E, _TAU_I = 100.0, 10.0  # ms, membranes
_REST_E, _RESET_E, _INHIBITION_E = -65.0, -65.0, -100.0  # mV
_REST_I, _RESET_I, _THRESHOLD_I = -60.0, -45.0, -40.0  # mV
_OFFSET_E = -72.0  # mV, threshold of E without its adaptation theta
_THETA_STEP, _THETA_TAU = 0.05, 1e7  # mV per spike, ms
_REFRACTORY_E, _REFRACTORY_I = 5.0, 2.0  # ms
_E_TO_I, _I_TO_E = 10.4, 17.0
_TAU_PRE, _TAU_POST_1, _TAU_POST_2 = 20.0, 20.0, 40.0  # ms, traces of learning
_PRE_RATE, _POST_RATE = 1e-4, 1e-2
_LARGEST_WEIGHT = 1.0

Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]
Weights = NDArray[np.floating]


class Timing(NamedTuple):
    """What is fixed in ms.

    Attributes:
        dt: step.
        tau_ge: of the excitatory conductances.
        tau_gi: of the inhibitory one; the smaller, the softer the competition.
        dead_time: between two spikes of an excitatory cell.
    """

    dt: float = 0.1
    tau_ge: float = 1.0
    tau_gi: float = 0.5
    dead_time: float = 50.0


class Synapses(NamedTuple):
    """Plastic synapses of M networks, each line's by rising delay.

    Attributes:
        weight: (M, lines, cells).
        target: (M, lines, cells) cell that a synapse goes to.
        rank: (M, lines, cells) where the synapse to a cell is.
        first: (M, lines, delays + 1) where the synapses of a delay begin.
        last_arrival: (M, lines, cells) step; (M, 0, 0) where nothing is learnt.
    """

    weight: Weights
    target: NDArray[np.uint16]
    rank: NDArray[np.uint16]
    first: NDArray[np.uint16]
    last_arrival: Ints


@njit(parallel=True, cache=True)
def present(
    synapses: Synapses,
    state: Doubles,
    last_spike: Ints,
    clock: int,
    lines: NDArray[np.uint16],
    first_event: Ints,
    timing: Timing,
    learns: bool,
    counted_steps: int,
    counts: Ints,
    raster: Ints,
    spikes: Ints,
    trace: NDArray[np.float32],
) -> None:
    """Run networks for the steps of one presentation, in place.

    No input may be under way at the end, i.e. the last 10 ms are without input.

    Args:
        synapses: of M networks.
        state: (M, STATE_ROWS, cells).
        last_spike: (M, STEP_ROWS, cells).
        clock: number of the first step.
        lines: (events,) input lines that fire, step after step.
        first_event: (B, steps + 1) where the events of a step begin; B = M, or 1
            for all.
        timing: of the model.
        learns: whether weights and thresholds change.
        counted_steps: spikes are counted in so many steps.
        counts: (M, cells), overwritten as all output is.
        raster: (M, capacity, 2) step and cell of each spike, cells of I after those of E; what is
            beyond the capacity is not written.
        spikes: (M,) how many there were.
        trace: (M, PROBES, cells, steps) values at the beginning of each step; empty for none.
    """
    for network in prange(len(state)):
        counts[network] = 0
        spikes[network] = _present_one(
            network, synapses, state[network], last_spike[network], clock, lines,
            first_event[network % first_event.shape[0]], timing, learns, counted_steps,
            counts[network], raster[network], trace,
        )  # fmt: skip


@njit
def _present_one(
    network: int,
    synapses: Synapses,
    state: Doubles,
    last_spike: Ints,
    clock: int,
    lines: NDArray[np.uint16],
    first_event: Ints,
    timing: Timing,
    learns: bool,
    counted_steps: int,
    counts: Ints,
    raster: Ints,
    trace: NDArray[np.float32],
) -> int:
    cells = state.shape[1]
    longest_delay = synapses.first.shape[2] - 2
    dead_steps = np.rint(timing.dead_time / timing.dt)
    fired_e, fired_i = np.empty(cells, dtype=np.int64), np.empty(cells, dtype=np.int64)
    recorded = 0
    for step in range(first_event.size - 1):
        now = clock + step
        if trace.size:
            _probe(state, last_spike, now, timing, trace[network, :, :, step])
        _integrate(state, last_spike, now, timing, learns)
        firing_e = _over_threshold_e(state, last_spike, now, dead_steps, fired_e)
        firing_i = _over_threshold_i(state, last_spike, now, timing, fired_i)
        earliest = max(step - longest_delay, 0)
        if first_event[earliest] < first_event[step + 1]:
            _deliver(network, synapses, state, now, step, earliest, lines, first_event, learns)
        for k in range(firing_e):
            cell = fired_e[k]
            if learns:
                _potentiate(network, synapses, cell, now, last_spike[LAST_E, cell], timing.dt)
                state[TRACE, cell] = 1.0
                state[THETA, cell] += _THETA_STEP
            state[GE_I, cell] += _E_TO_I
            state[V_E, cell] = _RESET_E
            last_spike[LAST_E, cell] = now
            last_spike[TIMER, cell] = now
            if step < counted_steps:
                counts[cell] += 1
            recorded = _record(raster, recorded, now, cell)
        if firing_i:
            state[GI_E] += _I_TO_E * firing_i
        for k in range(firing_i):
            cell = fired_i[k]
            state[GI_E, cell] -= _I_TO_E
            state[V_I, cell] = _RESET_I
            last_spike[LAST_I, cell] = now
            recorded = _record(raster, recorded, now, cells + cell)
    return recorded


@njit
def _integrate(state: Doubles, last_spike: Ints, now: int, timing: Timing, learns: bool) -> None:
    dt = timing.dt
    step_e, step_i = dt / _TAU_E, dt / _TAU_I
    keep_e, keep_i = 1.0 - dt / timing.tau_ge, 1.0 - dt / timing.tau_gi
    refractory_e, refractory_i = np.rint(_REFRACTORY_E / dt), np.rint(_REFRACTORY_I / dt)
    fade = np.exp(-dt / _TAU_POST_1)
    forget = 1.0 - dt / _THETA_TAU if learns else 1.0
    v_e, ge_e, gi_e = state[V_E], state[GE_E], state[GI_E]
    v_i, ge_i = state[V_I], state[GE_I]
    theta, post_trace = state[THETA], state[TRACE]
    last_e, last_i = last_spike[LAST_E], last_spike[LAST_I]
    for j in range(v_e.size):
        change = (_REST_E - v_e[j]) - ge_e[j] * v_e[j] + gi_e[j] * (_INHIBITION_E - v_e[j])
        v_e[j] += step_e * change if now - last_e[j] >= refractory_e else 0.0
        ge_e[j] *= keep_e
        gi_e[j] *= keep_i
        theta[j] *= forget
        post_trace[j] *= fade
    for j in range(v_i.size):
        change = (_REST_I - v_i[j]) - ge_i[j] * v_i[j]
        v_i[j] += step_i * change if now - last_i[j] >= refractory_i else 0.0
        ge_i[j] *= keep_e


@njit
def _over_threshold_e(
    state: Doubles, last_spike: Ints, now: int, dead_steps: float, fired: NDArray[np.int64]
) -> int:
    count = 0
    v, theta, timer = state[V_E], state[THETA], last_spike[TIMER]
    for j in range(v.size):
        if v[j] > theta[j] + _OFFSET_E and now - timer[j] > dead_steps:
            fired[count] = j
            count += 1
    return count


@njit
def _over_threshold_i(
    state: Doubles, last_spike: Ints, now: int, timing: Timing, fired: NDArray[np.int64]
) -> int:
    count = 0
    v, last = state[V_I], last_spike[LAST_I]
    for j in range(v.size):
        if v[j] > _THRESHOLD_I and now - last[j] >= np.rint(_REFRACTORY_I / timing.dt):
            fired[count] = j
            count += 1
    return count


@njit
def _deliver(
    network: int,
    synapses: Synapses,
    state: Doubles,
    now: int,
    step: int,
    earliest: int,
    lines: NDArray[np.uint16],
    first_event: Ints,
    learns: bool,
) -> None:
    """Arrivals of this step, of spikes of all steps since ``earliest``."""
    conductance, post_trace = state[GE_E], state[TRACE]
    for sent in range(earliest, step + 1):
        delay = step - sent
        for event in range(first_event[sent], first_event[sent + 1]):
            line = lines[event]
            weight, target = synapses.weight[network, line], synapses.target[network, line]
            first = synapses.first[network, line]
            for k in range(first[delay], first[delay + 1]):
                cell = target[k]
                conductance[cell] += weight[k]
                if learns:
                    synapses.last_arrival[network, line, k] = now
                    weight[k] = min(weight[k] + _PRE_RATE * post_trace[cell], _LARGEST_WEIGHT)


@njit
def _potentiate(
    network: int, synapses: Synapses, cell: int, now: int, last_post: int, dt: float
) -> None:
    """The weights into a cell that fires grow with the traces of both sides."""
    if last_post == NEVER:
        return
    post = np.exp((last_post - now) * dt / _TAU_POST_2)
    weight, rank = synapses.weight[network], synapses.rank[network]
    last_arrival = synapses.last_arrival[network]
    for line in range(weight.shape[0]):
        k = rank[line, cell]
        pre = np.exp((last_arrival[line, k] - now) * dt / _TAU_PRE)
        weight[line, k] = min(weight[line, k] + _POST_RATE * pre * post, _LARGEST_WEIGHT)


@njit
def _record(raster: Ints, recorded: int, now: int, cell: int) -> int:
    if recorded < raster.shape[0]:
        raster[recorded, 0] = now
        raster[recorded, 1] = cell
    return recorded + 1


@njit
def _probe(
    state: Doubles, last_spike: Ints, now: int, timing: Timing, into: NDArray[np.float32]
) -> None:
    for j in range(state.shape[1]):
        for row in range(TRACE):
            into[row, j] = state[row, j]
        into[TRACE, j] = (now - 1 - last_spike[TIMER, j]) * timing.dt * 0.1


@njit(parallel=True, cache=True)
def normalise(synapses: Synapses, total: float) -> None:
    """Scale the weights into each cell to a sum, in place."""
    for network in prange(synapses.weight.shape[0]):
        weight, target = synapses.weight[network], synapses.target[network]
        lines, cells = weight.shape
        sums = np.zeros(cells)
        for line in range(lines):
            for k in range(cells):
                sums[target[line, k]] += weight[line, k]
        for line in range(lines):
            for k in range(cells):
                weight[line, k] *= total / sums[target[line, k]]
