"""The compiled loops: one network tick, one flight, one open-loop answer.

They compile the very functions that fly (PID, output chain, motors, plant); only the network tick
is written a second time, as scalar loops. On the same input both forms give the same spikes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from snn_ros.blimp_control import altitude_filter, anti_windup, motors, pid, plant, safety
from snn_ros.blimp_control.domains import SAMPLES_PER_TICK, Domains
from snn_ros.blimp_control.model import MEMBRANE_CLAMP
from snn_ros.blimp_control.parameters import THRESHOLD_FLOOR, FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from snn_ros.blimp_control.simulator import (
        ChainLimits,
        Flights,
        FlightSettings,
        PackedNetworks,
    )

_error_rate = njit(pid.error_rate)
_pid_terms = njit(pid.pid_terms)
_pwm_duty = njit(motors.pwm_duty)
_vertical_substep = njit(plant.vertical_substep)
_clamped = njit(safety.clamped)
_rate_limited = njit(safety.rate_limited)
_governed = njit(safety.governed)
_passes_gate = njit(altitude_filter.passes_gate)
_conditional_integration = njit(anti_windup.conditional_integration)
_RateState, _GovernorState = pid.RateState, safety.GovernorState

_SUBSTEP = plant.SUBSTEP
_SUBSTEPS_PER_SAMPLE = plant.SUBSTEPS_PER_TICK // SAMPLES_PER_TICK
_PERIOD = pid.NOMINAL_PERIOD
_FLOOR, _CLAMP = THRESHOLD_FLOOR, MEMBRANE_CLAMP
_WINDOW = 5  # samples under the median of the altitude filter
_HISTORY = 64  # samples; longer than any delay
_QUANTUM = 100.0  # the range sensor reports whole centimetres
_SHORTEST_RANGE = 0.1  # m
_LONG_AGO = 1e9  # s


@njit(inline="always")
def _bounded(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


@njit
def _at_rest(networks: PackedNetworks) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """State of one network: encoder rows v, s; hidden rows i, v, a, th, s, W_r s; readout; output.

    The output is the mean readout over the sub-ticks of a tick.
    """
    encoder, hidden = networks.encoder.shape[2], networks.hidden.shape[2]
    return np.zeros((2, encoder)), np.zeros((6, hidden)), np.zeros(2), np.zeros(2)


@njit
def _network_tick(
    networks: PackedNetworks,
    p: int,
    state: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    error: float,
    rate: float,
    integration: float,
) -> float:
    """One tick of the controller in place, i.e. all its sub-ticks; returns the spikes."""
    e_state, h_state, readout, output = state
    output[:] = 0.0
    spikes = 0.0
    for _ in range(networks.sub_ticks):
        _recur(networks.recurrent[p], h_state)
        spikes += _sub_tick(
            networks.encoder[p], networks.hidden[p], networks.source, networks.readout_decay[p],
            networks.limits[p], networks.fast, networks.legacy, e_state, h_state, readout,
            error, rate, integration,
        )  # fmt: skip
        output += readout
    output /= networks.sub_ticks
    return spikes


@njit
def _recur(recurrent: FloatArray, h_state: FloatArray) -> None:
    """What the spikes of the last tick send back: each adds its column of W_r."""
    sources, cells = recurrent.shape
    if sources == 0:
        return
    h_state[5, :] = 0.0
    for k in range(cells):
        if h_state[4, k] == 0.0:
            continue
        if sources == cells:
            h_state[5] += recurrent[k]
        else:
            for c in (k, k ^ 1):
                h_state[5, c] += recurrent[k & 1, c]


@njit
def _sub_tick(
    encoder: FloatArray,
    hidden: FloatArray,
    source: NDArray[np.int64],
    decay: FloatArray,
    limits: FloatArray,
    fast: int,
    legacy: bool,
    e_state: FloatArray,
    h_state: FloatArray,
    readout: FloatArray,
    error: float,
    rate: float,
    integration: float,
) -> float:
    """One tick of the network in place; returns the spikes."""
    spikes = 0.0
    for j in range(encoder.shape[1]):
        threshold = encoder[4, j]
        drive = encoder[0, j] * error + encoder[1, j] * rate + encoder[2, j]
        v = encoder[3, j] * e_state[0, j] + drive - e_state[1, j] * threshold
        v = _bounded(v, _CLAMP * threshold)
        e_state[0, j] = v
        fired = 1.0 if v > threshold else 0.0
        e_state[1, j] = fired
        spikes += fired
    if legacy:
        for c in range(hidden.shape[1]):
            trace = (h_state[2, c] * hidden[7, c] + h_state[4, c]) * hidden[7, c]
            h_state[2, c] = trace + e_state[1, source[c]]
    pd, slow = 0.0, 0.0
    for c in range(hidden.shape[1]):
        base = hidden[4, c]
        own, cross = e_state[1, source[c]], e_state[1, source[c] ^ 1]
        current = hidden[2, c] * h_state[0, c] + h_state[5, c]
        current += hidden[0, c] * own + hidden[1, c] * cross
        v = hidden[3, c] * h_state[1, c] + current - h_state[4, c] * h_state[3, c]
        v = _bounded(v, _CLAMP * base)
        if legacy:
            change = hidden[5, c] * h_state[2, c] + hidden[6, c] * h_state[2, c ^ 1]
            change = _bounded(change, limits[0] * base)
        else:
            entering = hidden[5, c] * own + hidden[6, c] * cross
            change = hidden[7, c] * h_state[2, c] + entering * integration
            change = _bounded(change, limits[0] * base)
            h_state[2, c] = change
        threshold = max(change + base, _FLOOR)
        fired = 1.0 if v > threshold else 0.0
        h_state[0, c] = current
        h_state[1, c] = v
        h_state[3, c] = threshold
        h_state[4, c] = fired
        spikes += fired
        if c < fast:
            pd += hidden[8, c] * fired
        else:
            slow += hidden[8, c] * fired
    readout[0] = decay[0] * readout[0] + (1.0 - decay[0]) * pd
    readout[1] = _bounded(decay[1] * readout[1] + (1.0 - decay[1]) * slow, limits[1])
    return spikes


@njit(parallel=True)
def fly_all(
    networks: PackedNetworks,
    domains: Domains,
    gains: pid.PidGains,
    limits: ChainLimits,
    settings: FlightSettings,
    spiking: bool,
    out: Flights,
) -> None:
    """Every network in every domain, in parallel; writes into ``out``."""
    controllers = networks.encoder.shape[0]
    worlds = domains.setpoint.shape[0]
    for run in prange(controllers * worlds):
        _fly_one(
            run // worlds, run % worlds, networks, domains, gains, limits, settings, spiking, out
        )


@njit
def _fly_one(
    p: int,
    d: int,
    networks: PackedNetworks,
    domains: Domains,
    gains: pid.PidGains,
    limits: ChainLimits,
    settings: FlightSettings,
    spiking: bool,
    out: Flights,
) -> None:
    state = _at_rest(networks)
    output = state[3]
    plant_row = domains.plants[d]
    setpoint = domains.setpoint[d]
    sample_error = domains.sample_error[d]
    delay = domains.delay[d]
    dead_zone = max(plant_row[5], settings.dead_zone)

    altitude, velocity, thrust = setpoint[0], 0.0, 0.0
    history = np.full(_HISTORY, altitude)  # true altitude at the last sensor instants
    window = np.full(_WINDOW, altitude)
    last_accepted, last_time, last_seen, rejected_since = altitude, 0.0, 0.0, -1.0
    clock, step, sample = 0.0, 0, 0
    rate_state = _RateState(np.nan, 0.0, 0.0)
    integral, error, rate = 0.0, 0.0, 0.0
    limited, governor = 0.0, _GovernorState(1.0, _LONG_AGO)
    shaft, turning = 1.0, 0.0
    excess, period = 0.0, _PERIOD
    u_pd = u_i = pid_pd = pid_i = 0.0

    for k in range(setpoint.size):
        if domains.raw:
            measured, age = np.rint(altitude * _QUANTUM) / _QUANTUM, 0.0
        else:
            measured, age = np.median(window), clock - last_time
        spikes = 0.0
        if age <= settings.hold_after:
            error = _bounded(setpoint[k] - measured, settings.error_limit)
            rate_state, rate = _error_rate(rate_state, error, period, settings.max_rate)
            integral, pid_pd, pid_i = _pid_terms(integral, error, rate, period, gains)
            if spiking:
                integration = _conditional_integration(error, excess)
                spikes = _network_tick(networks, p, state, error, rate, integration)
                u_pd, u_i = output[0], output[1]
            else:
                u_pd, u_i = pid_pd, pid_i
        elif age > settings.degrade_after:
            u_pd = 0.0
        wanted = u_pd + u_i
        command = _clamped(wanted, limits.command)
        excess = wanted - command
        if domains.raw:
            # in the dead zone the shaft stays where it is
            direction = np.sign(command) if _pwm_duty(command) > 0.0 else shaft
        else:
            limited = _rate_limited(limited, command, period, limits.rate, limits.rate_towards_zero)
            governor, command = _governed(
                governor, limited, period, limits.dead_zone, limits.flip_time,
                limits.flip_min_interval,
            )  # fmt: skip
            direction = governor.direction
        out.altitude[p, d, k] = altitude
        out.u[p, d, k] = command
        out.u_pd[p, d, k] = u_pd
        out.u_i[p, d, k] = u_i
        out.pid_pd[p, d, k] = pid_pd
        out.pid_i[p, d, k] = pid_i
        out.direction[p, d, k] = direction
        out.spikes[p, d, k] = spikes

        if direction != shaft:
            shaft, turning = direction, plant_row[4]
        duty = _pwm_duty(command) if abs(command) >= dead_zone else 0.0
        static = shaft * plant_row[0] * duty ** plant_row[1]
        period = domains.substeps[d, k] * _SUBSTEP
        for _ in range(domains.substeps[d, k]):
            thrust, velocity, altitude = _vertical_substep(
                thrust, velocity, altitude, 0.0 if turning > 1e-9 else static,
                domains.buoyancy[d, k], domains.air_speed[d, k], plant_row[2], plant_row[3],
            )  # fmt: skip
            turning -= _SUBSTEP
            clock += _SUBSTEP
            step += 1
            if domains.raw or step % _SUBSTEPS_PER_SAMPLE:
                continue
            history[sample % _HISTORY] = altitude
            seen = history[(sample - min(delay, sample)) % _HISTORY] + sample_error[sample]
            sample += 1
            if np.isnan(seen):
                continue
            seen = max(np.rint(seen * _QUANTUM) / _QUANTUM, _SHORTEST_RANGE)
            elapsed, last_seen = clock - last_seen, clock
            if not _passes_gate(seen - last_accepted, elapsed, settings.max_step):
                if rejected_since < 0.0:
                    rejected_since = clock
                if clock - rejected_since < settings.persistence:
                    continue
                window[:] = seen
            rejected_since = -1.0
            last_accepted, last_time = seen, clock
            window[sample % _WINDOW] = seen


@njit(parallel=True)
def respond_all(
    networks: PackedNetworks,
    error: FloatArray,
    rate: FloatArray,
    reset_every: int,
    u_pd: FloatArray,
    u_i: FloatArray,
    spikes: FloatArray,
) -> None:
    """Every network on every error sequence, in parallel; writes into the last three."""
    controllers, sequences = networks.encoder.shape[0], error.shape[0]
    for run in prange(controllers * sequences):
        p, q = run // sequences, run % sequences
        state = _at_rest(networks)
        _, h_state, readout, output = state
        for k in range(error.shape[1]):
            if k % reset_every == 0:
                h_state[2, :] = 0.0
                readout[1] = 0.0
            spikes[p, q, k] = _network_tick(networks, p, state, error[q, k], rate[q, k], 1.0)
            u_pd[p, q, k] = output[0]
            u_i[p, q, k] = output[1]
