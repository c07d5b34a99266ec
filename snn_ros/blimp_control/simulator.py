"""Closed-loop roll-outs of many networks over many domains, compiled with Numba."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snn_ros.blimp_control import motors, pid, safety
from snn_ros.blimp_control.domains import Domains
from snn_ros.blimp_control.kernels import fly_all, respond_all
from snn_ros.blimp_control.model import LEGACY_IWTA, PAPER_IWTA
from snn_ros.blimp_control.parameters import FloatArray, NetworkParameters


class PackedNetworks(NamedTuple):
    """P networks of one shape as the kernels want them.

    Attributes:
        encoder: (P, 5, E) error weight, rate weight, bias, decay, threshold.
        hidden: (P, 9, H) own and cross weight, synapse and membrane decay, threshold, trace own
            and cross weight, trace decay, readout weight.
        recurrent: (P, K, H) what each cell hears, by sender: none (K is 0), cell k of its own pair
            (2) or cell k of all (H).
        source: (H,) encoder cell of each hidden cell.
        readout_decay: (P, 2).
        limits: (P, 2) trace limit in thresholds, limit of the I readout in u.
        fast: number of fast hidden cells.
        legacy: the trace rule of the published flight code.
        sub_ticks: ticks of the network per tick of the controller.
    """

    encoder: FloatArray
    hidden: FloatArray
    recurrent: FloatArray
    source: NDArray[np.int64]
    readout_decay: FloatArray
    limits: FloatArray
    fast: int
    legacy: bool
    sub_ticks: int


def pack(networks: Sequence[NetworkParameters], iwta_mode: str = PAPER_IWTA) -> PackedNetworks:
    """Stack networks of the same shape, wiring and sub-ticks."""
    return PackedNetworks(
        np.stack(
            [
                (
                    n.encoder_error_weight,
                    n.encoder_rate_weight,
                    n.encoder_bias,
                    n.encoder_decay,
                    n.encoder_threshold,
                )
                for n in networks
            ]
        ),
        np.stack(
            [
                (
                    n.own_weight,
                    n.cross_weight,
                    n.synapse_decay,
                    n.membrane_decay,
                    n.threshold,
                    n.trace_own_weight,
                    n.trace_cross_weight,
                    n.trace_decay,
                    n.readout_weight,
                )
                for n in networks
            ]
        ),
        np.stack([_recurrent_rows(n) for n in networks]),
        networks[0].source,
        np.stack([n.readout_decay for n in networks]),
        np.array([(n.trace_limit, n.integral_limit) for n in networks]),
        networks[0].fast,
        iwta_mode == LEGACY_IWTA,
        networks[0].sub_ticks,
    )


def _recurrent_rows(network: NetworkParameters) -> FloatArray:
    """(K, H), contiguous for the kernel that adds one row per spike."""
    weight = network.recurrent_weight
    if weight is None:
        return np.empty((0, network.threshold.size))
    return np.ascontiguousarray(weight.T)


class Flights(NamedTuple):
    """What P controllers did in D domains over K ticks; every array is (P, D, K) float32.

    Attributes:
        altitude: true altitude at the tick in m.
        u: command after the clamp (raw) or the output chain in u.
        u_pd: PD term in u.
        u_i: I term in u.
        pid_pd: PD term of a PID on the same error in u.
        pid_i: I term of a PID on the same error in u.
        direction: of the shaft, +1 or -1.
        spikes: per tick.
    """

    altitude: NDArray[np.float32]
    u: NDArray[np.float32]
    u_pd: NDArray[np.float32]
    u_i: NDArray[np.float32]
    pid_pd: NDArray[np.float32]
    pid_i: NDArray[np.float32]
    direction: NDArray[np.float32]
    spikes: NDArray[np.float32]


class FlightSettings(NamedTuple):
    """The parts of altitude filter, freshness and controller that a roll-out imitates.

    Attributes:
        error_limit: clamp of the error before the encoder in m.
        max_rate: a faster error change is a set-point kick, in m/s.
        max_step: gate of the altitude filter per tick in m.
        persistence: of the altitude filter in s.
        hold_after: age of the altitude from which the last output is held, in s.
        degrade_after: age from which only the I term flies, in s.
        dead_zone: of the PWM map in u.
    """

    error_limit: float = 1.5
    max_rate: float = 2.5
    max_step: float = 0.25
    persistence: float = 0.5
    hold_after: float = 0.15
    degrade_after: float = 0.5
    dead_zone: float = motors.DEAD_ZONE


class ChainLimits(NamedTuple):
    """``safety.OutputLimits`` as the kernels want it."""

    command: float
    rate: float
    rate_towards_zero: float
    dead_zone: float
    flip_time: float
    flip_min_interval: float


def _chain_limits() -> ChainLimits:
    limits = safety.OutputLimits()
    return ChainLimits(*(float(getattr(limits, name)) for name in ChainLimits._fields))


_NO_NETWORK = PackedNetworks(
    np.zeros((1, 5, 2)), np.zeros((1, 9, 2)), np.zeros((1, 0, 2)), np.zeros(2, np.int64),
    np.zeros((1, 2)), np.zeros((1, 2)), 2, False, 1,
)  # fmt: skip


def fly(networks: PackedNetworks, domains: Domains) -> Flights:
    """Fly every network in every domain."""
    return _run(networks, domains, pid.PidGains(conditional=True), spiking=True)


def fly_pid(domains: Domains, gains: pid.PidGains) -> Flights:
    """Fly the conventional PID in every domain; P is 1."""
    return _run(_NO_NETWORK, domains, gains, spiking=False)


def _run(networks: PackedNetworks, domains: Domains, gains: pid.PidGains, spiking: bool) -> Flights:
    shape = (len(networks.encoder), *domains.setpoint.shape)
    flights = Flights(*(np.empty(shape, np.float32) for _ in Flights._fields))
    fly_all(networks, domains, gains, _chain_limits(), FlightSettings(), spiking, flights)
    return flights


class Responses(NamedTuple):
    """Answers of P networks to Q error sequences of K ticks; every array is (P, Q, K).

    Attributes:
        u_pd: PD term in u.
        u_i: I term in u.
        spikes: per tick.
    """

    u_pd: FloatArray
    u_i: FloatArray
    spikes: FloatArray


def respond(
    networks: PackedNetworks, error: FloatArray, rate: FloatArray, reset_every: int = 1 << 40
) -> Responses:
    """Open loop: answers of P networks to Q error sequences.

    Args:
        networks: P packed networks.
        error: (Q, K) altitude error in m.
        rate: (Q, K) filtered error rate in m/s.
        reset_every: ticks after which the integral starts again from 0.
    """
    shape = (len(networks.encoder), *error.shape)
    answers = Responses(*(np.empty(shape) for _ in Responses._fields))
    respond_all(networks, error, rate, reset_every, *answers)
    return answers
