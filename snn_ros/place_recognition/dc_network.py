"""Networks of competing spiking cells, run side by side: build them, present input, read weights.

The mathematics is in ``dc_kernel``; here are the arrays around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition import dc_kernel
from snn_ros.place_recognition.dc_kernel import (
    NEVER,
    STATE_ROWS,
    STEP_ROWS,
    Doubles,
    Synapses,
    Timing,
)
from snn_ros.place_recognition.input_spikes import InputSpikes

COLUMN_SUM = 78.0
FIRST_THETA = 20.0  # mV
_FIRST_V_E, _FIRST_V_I = -105.0, -100.0  # mV
_REST_V_E, _REST_V_I = -65.0, -60.0  # mV

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Presentation:
    """What came out of one presentation.

    Attributes:
        counts: (M, cells) int32 spikes of the excitatory cells while they were counted.
        spikes: (M,) int32 all spikes, those of inhibitory cells too.
        raster: (M, capacity, 2) int32 step and cell of each; cells of I come after those of E.
        trace: (M, PROBES, cells, steps) float32 if asked for, see ``dc_kernel``.
    """

    counts: Ints
    spikes: Ints
    raster: Ints
    trace: NDArray[np.float32]


@dataclass(eq=False)
class DcNetworks:
    """M networks of equal size and their state.

    Attributes:
        synapses: plastic ones, by rising delay.
        state: (M, STATE_ROWS, cells) float64, see ``dc_kernel``.
        last_spike: (M, STEP_ROWS, cells) int32.
        timing: of the model.
        clock: number of the next step.
    """

    synapses: Synapses
    state: Doubles
    last_spike: Ints
    timing: Timing
    clock: int = 0

    @property
    def theta(self) -> Doubles:
        """(M, cells) adaptation of the thresholds in mV."""
        return self.state[:, dc_kernel.THETA]

    def weights(self) -> NDArray[np.floating]:
        """(M, lines, cells) copy in the order of the cells."""
        return np.take_along_axis(self.synapses.weight, self.synapses.rank.astype(np.int64), axis=2)

    def normalise(self) -> None:
        """Scale the weights into each cell to a sum of 78."""
        dc_kernel.normalise(self.synapses, COLUMN_SUM)

    def settle(self) -> None:
        """Put all potentials to rest as after a long silence; nothing counts as fired before."""
        theta = self.theta.copy()
        self.state[:] = 0.0
        self.state[:, dc_kernel.V_E] = _REST_V_E
        self.state[:, dc_kernel.V_I] = _REST_V_I
        self.state[:, dc_kernel.THETA] = theta
        self.last_spike[:] = NEVER
        self.clock = 0

    def present(
        self,
        inputs: Sequence[InputSpikes],
        learns: bool = False,
        counted_steps: int | None = None,
        raster_capacity: int = 0,
        traced: bool = False,
    ) -> Presentation:
        """Run the networks for the steps of a presentation.

        Args:
            inputs: one for each network, or one for all.
            learns: whether weights and thresholds change.
            counted_steps: spikes are counted in so many first steps; in all if None.
            raster_capacity: how many spikes per network are listed at most.
            traced: whether to keep the state of every step.
        """
        networks, cells = self.theta.shape
        steps = inputs[0].first_event.size - 1
        offsets = np.cumsum([0, *(len(spikes.lines) for spikes in inputs[:-1])])
        first_event = np.stack(
            [spikes.first_event + offset for spikes, offset in zip(inputs, offsets, strict=True)]
        ).astype(np.int32)
        out = Presentation(
            counts=np.zeros((networks, cells), dtype=np.int32),
            spikes=np.zeros(networks, dtype=np.int32),
            raster=np.zeros((networks, raster_capacity, 2), dtype=np.int32),
            trace=np.zeros(
                (networks, dc_kernel.PROBES, cells, steps) if traced else (0,) * 4, np.float32
            ),
        )
        dc_kernel.present(
            self.synapses, self.state, self.last_spike, self.clock,
            np.concatenate([spikes.lines for spikes in inputs]), first_event, self.timing, learns,
            steps if counted_steps is None else counted_steps,
            out.counts, out.raster, out.spikes, out.trace,
        )  # fmt: skip
        self.clock += steps
        return out


def build_networks(
    weights: NDArray[np.floating],
    delays: NDArray[np.integer],
    theta: Doubles | float = FIRST_THETA,
    timing: Timing | None = None,
    learns: bool = True,
) -> DcNetworks:
    """Networks before their first step.

    Args:
        weights: (M, lines, cells), kept in their precision.
        delays: (M, lines, cells) in steps.
        theta: (M, cells) mV.
        timing: of the model.
        learns: whether they may learn, which takes memory.
    """
    networks, _, cells = weights.shape
    order = np.argsort(delays, axis=2, kind="stable")
    synapses = Synapses(
        weight=np.ascontiguousarray(np.take_along_axis(weights, order, axis=2)),
        target=order.astype(np.uint16),
        rank=np.argsort(order, axis=2).astype(np.uint16),
        first=_first_of_each_delay(delays),
        last_arrival=np.full(weights.shape if learns else (networks, 0, 0), NEVER, dtype=np.int32),
    )
    state = np.zeros((networks, STATE_ROWS, cells))
    state[:, dc_kernel.V_E], state[:, dc_kernel.V_I] = _FIRST_V_E, _FIRST_V_I
    state[:, dc_kernel.THETA] = theta
    last_spike = np.full((networks, STEP_ROWS, cells), NEVER, dtype=np.int32)
    last_spike[:, dc_kernel.TIMER] = -1  # the dead time holds at the very beginning too
    return DcNetworks(synapses, state, last_spike, timing or Timing())


def side_by_side(networks: Sequence[DcNetworks]) -> DcNetworks:
    """One set of all, copied; they are equal in size, timing and clock."""
    sets = [network.synapses for network in networks]
    longest = max(of_one.first.shape[2] for of_one in sets)
    # no synapse has a delay that only another network has: all begin before it
    first = [
        np.pad(of_one.first, ((0, 0), (0, 0), (0, longest - of_one.first.shape[2])), mode="edge")
        for of_one in sets
    ]
    joined = Synapses(
        *(
            np.concatenate(parts)
            for parts in zip(
                *(
                    of_one._replace(first=padded)
                    for of_one, padded in zip(sets, first, strict=True)
                ),
                strict=True,
            )
        )
    )
    return DcNetworks(
        joined,
        np.concatenate([n.state for n in networks]),
        np.concatenate([n.last_spike for n in networks]),
        networks[0].timing,
        networks[0].clock,
    )


def _first_of_each_delay(delays: NDArray[np.integer]) -> NDArray[np.uint16]:
    """(M, lines, longest delay + 2) how many synapses of a line have a shorter delay."""
    networks, lines, _ = delays.shape
    longest = int(delays.max(initial=0))
    row = np.arange(networks * lines).reshape(networks, lines, 1) * (longest + 1)
    amount = np.bincount((delays + row).ravel(), minlength=networks * lines * (longest + 1))
    first = np.zeros((networks, lines, longest + 2), dtype=np.uint16)
    first[..., 1:] = np.cumsum(amount.reshape(networks, lines, longest + 1), axis=2)
    return first
