"""What evolution minimises: imitation of the PID in open loop, then flight in closed loop.

Imitation loss alone does not predict flight and may be met by a latch instead of an integrator,
so the second phase flies, and both phases demand an integrator that is linear, holds and forgets
nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snn_ros.blimp_control import flight_scores as scores
from snn_ros.blimp_control.domains import Domains, calm_domains, random_domains, step_profile
from snn_ros.blimp_control.parameters import FloatArray
from snn_ros.blimp_control.pid import NOMINAL_PERIOD, PidGains, RateState, error_rate
from snn_ros.blimp_control.plant import PLANTS
from snn_ros.blimp_control.simulator import FlightSettings, PackedNetworks, fly, fly_pid, respond

GAINS = PidGains()
FLOWN_GAINS = PidGains(conditional=True)
INTEGRAL_RESET = 200  # ticks; open-loop comparisons start the integral anew every 20 s
ACCEPTED_RATIO = 1.05  # RMSE over the PID's in a random domain; what exceeds it is charged extra
SMALL_COMMAND = 0.5  # u; below it, 3 s means must agree absolutely, above it in shape
INTEGRAL_RAMPS = (0.05, 0.1, 0.2)  # m, constant errors for the linearity of the integrator
_RAMP_TICKS, _RAMP_CHECKS = 200, (50, 100, 200)
_HOLD_CHECKS = (500, 800)


class FitnessWeights(NamedTuple):
    """How much each part counts; every part is about 1 for a controller like the PID.

    Attributes:
        flight: closed-loop cost over the PID's in random domains, and excess RMSE there.
        oracle: RMSE over the PID's in calm domains, excess overshoot and remaining error.
        imitation: 3 s means of the command against the PID's on the same small errors.
        integrator: deviation of the I term from the exact integral, in units of its tolerance.
        spikes: spikes per cell and tick.
    """

    flight: float = 1.0
    oracle: float = 1.25
    imitation: float = 0.5
    integrator: float = 0.5
    spikes: float = 0.2


IMITATION_PHASE = FitnessWeights(flight=0.0, oracle=0.0, imitation=1.0, integrator=1.0)


class Trials(NamedTuple):
    """The inputs of one generation, the same for every candidate.

    Attributes:
        random: randomised domains.
        calm: domains like the oracle's with random ballast and setpoints.
        error: (Q, K) small error sequences for imitation in m.
    """

    random: Domains
    calm: Domains
    error: FloatArray


def draw_trials(
    generator: np.random.Generator, random: int, calm: int, *, sluggish: int = 0
) -> Trials:
    """Draw the inputs of a generation.

    Args:
        generator: source of randomness.
        sluggish: how many of the randomised domains have late motors, servo and sensor.
        random: number of randomised domains, 80 s each.
        calm: number of calm domains per plant, 160 s each.
    """
    plants = [plant for plant in PLANTS.values() for _ in range(calm)]
    levels = [generator.uniform(0.5, 0.7)]
    for step in generator.uniform(0.4, 1.0, 3):
        levels.append(levels[-1] + (step if levels[-1] < 1.0 else -step))
    buoyancy = generator.uniform(-0.11, 0.11, 2 * calm)
    buoyancy[::calm] = 0.0  # one neutral blimp of each plant, where the dead zone matters most
    return Trials(
        random_domains(generator, random, 80.0, sluggish=sluggish),
        calm_domains(plants, buoyancy, step_profile(levels, 40.0)),
        small_errors(generator, 6, 600),
    )


def small_errors(generator: np.random.Generator, count: int, ticks: int) -> FloatArray:
    """Errors as of a tracking flight: offset, slow waves and noise, a few centimetres.

    Returns:
        (count, ticks) in m.
    """
    time = np.arange(ticks) * NOMINAL_PERIOD
    error = generator.uniform(-0.05, 0.05, (count, 1)) * np.ones(ticks)
    for _ in range(2):
        period = generator.uniform(6.0, 30.0, (count, 1))
        phase = generator.uniform(0.0, 2.0 * np.pi, (count, 1))
        size = generator.uniform(0.0, 0.06, (count, 1))
        error += size * np.sin(2.0 * np.pi * time / period + phase)
    return error + generator.uniform(0.0, 0.005, (count, 1)) * generator.standard_normal(
        (count, ticks)
    )


def error_rates(error: FloatArray) -> FloatArray:
    """Filtered rates of error sequences (Q, K) in m/s."""
    rates = np.empty_like(error)
    for sequence, out in zip(error, rates, strict=True):
        state = RateState()
        for tick, value in enumerate(sequence):
            state, out[tick] = error_rate(state, value, NOMINAL_PERIOD, FlightSettings().max_rate)
    return rates


def pid_responses(
    error: FloatArray, rate: FloatArray, reset_every: int = INTEGRAL_RESET
) -> tuple[FloatArray, FloatArray]:
    """PD and I term of the PID on error sequences (Q, K), the integral reset now and then."""
    u_pd = GAINS.proportional * error + GAINS.derivative * rate
    blocks = [
        np.cumsum(error[:, start : start + reset_every], axis=1)
        for start in range(0, error.shape[1], reset_every)
    ]
    return u_pd, GAINS.integral * NOMINAL_PERIOD * np.concatenate(blocks, axis=1)


def imitation_loss(networks: PackedNetworks, error: FloatArray) -> FloatArray:
    """Distance of 3 s means of the command from the PID's; (P,), 1 is the tolerance of 0.5 u."""
    rate = error_rates(error)
    wanted_pd, wanted_i = (scores.moving_means(u) for u in pid_responses(error, rate))
    answers = respond(networks, error, rate, INTEGRAL_RESET)
    u_pd, u_i = scores.moving_means(answers.u_pd), scores.moving_means(answers.u_i)
    gap = np.abs(u_pd + u_i - wanted_pd - wanted_i).reshape(len(u_pd), -1)
    terms = np.abs(u_pd - wanted_pd).mean(axis=(1, 2)) + np.abs(u_i - wanted_i).mean(axis=(1, 2))
    shape = 1.0 - scores.correlation(u_pd + u_i, wanted_pd + wanted_i).mean(axis=1)
    return (terms + scores.worst_share(gap)) / SMALL_COMMAND + shape


def integrator_loss(networks: PackedNetworks) -> FloatArray:
    """Deviation of the I term under constant errors, and of what it holds for 60 s after; (P,).

    In units of the tolerance, max(20 %, 0.4 u) while integrating and 20 % while holding.
    """
    levels = np.array([sign * e for e in INTEGRAL_RAMPS for sign in (1.0, -1.0)])
    error = np.zeros((levels.size, _HOLD_CHECKS[-1]))
    error[:, :_RAMP_TICKS] = levels[:, None]
    u_i = respond(networks, error, error_rates(error)).u_i
    means = scores.moving_means(u_i)
    loss = np.zeros(len(u_i))
    for tick in _RAMP_CHECKS:
        middle = (tick - 0.5 * scores.MEAN_WINDOW) * NOMINAL_PERIOD
        exact = np.clip(GAINS.integral * levels * middle, -5.0, 5.0)
        tolerance = np.maximum(0.2 * np.abs(exact), 0.4)
        off = (means[..., tick - scores.MEAN_WINDOW] - exact) / tolerance
        loss += np.square(off).mean(axis=1)
    kept = means[..., _RAMP_TICKS]
    for tick in _HOLD_CHECKS:
        off = (means[..., tick - scores.MEAN_WINDOW] - kept) / np.maximum(0.2 * np.abs(kept), 0.1)
        loss += np.square(off).mean(axis=1)
    return loss


def _flight_loss(networks: PackedNetworks, domains: Domains) -> tuple[FloatArray, FloatArray]:
    """Cost over the PID's cost in random domains (P,), and spikes per cell and tick (P,)."""
    flown, reference = fly(networks, domains), fly_pid(domains, FLOWN_GAINS)
    cost, pid_cost = (
        scores.flight_cost(f.altitude, domains.setpoint, f.u, f.direction)
        for f in (flown, reference)
    )
    rmse, pid_rmse = (scores.rms(domains.setpoint - f.altitude) for f in (flown, reference))
    excess = np.maximum(rmse / pid_rmse - ACCEPTED_RATIO, 0.0)
    cells = networks.encoder.shape[2] + networks.hidden.shape[2]
    activity = flown.spikes.mean(axis=(1, 2)) / (cells * networks.sub_ticks)
    return (cost / pid_cost).mean(axis=1) + 4.0 * excess.mean(axis=1), activity


def _oracle_loss(networks: PackedNetworks, domains: Domains) -> FloatArray:
    flown, reference = fly(networks, domains), fly_pid(domains, GAINS)
    setpoint = domains.setpoint[0]
    first = scores.steps(setpoint)[0]
    rmse, pid_rmse = (scores.rms((setpoint - f.altitude)[..., first:]) for f in (flown, reference))
    past, pid_past = (scores.overshoots(f.altitude, setpoint) for f in (flown, reference))
    excess = np.maximum(past - np.maximum(pid_past, 0.0), 0.0) / 0.05
    remaining = np.maximum(scores.settled_errors(flown.altitude, setpoint) - 0.01, 0.0) / 0.03
    ratio = rmse / pid_rmse
    return (
        ratio.mean(axis=1)
        + 0.5 * ratio.max(axis=1)
        + 0.5 * excess.mean(axis=(1, 2))
        + 0.2 * remaining.mean(axis=(1, 2))
    )


def fitness(networks: PackedNetworks, trials: Trials, weights: FitnessWeights) -> FloatArray:
    """Losses of P networks on the same trials; (P,)."""
    loss = weights.imitation * imitation_loss(networks, trials.error)
    loss += weights.integrator * integrator_loss(networks)
    if weights.flight > 0.0:
        flight, activity = _flight_loss(networks, trials.random)
        loss += weights.flight * flight + weights.spikes * activity
    if weights.oracle > 0.0:
        loss += weights.oracle * _oracle_loss(networks, trials.calm)
    return loss
