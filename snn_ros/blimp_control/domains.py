"""The worlds a controller is flown in: fixed ones of the oracle, random ones of evolution.

Everything random is drawn here, ahead of the flight, from one explicit generator: a roll-out is a
deterministic function of its domain, and all candidates of a generation meet the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snn_ros.blimp_control.parameters import FloatArray
from snn_ros.blimp_control.pid import NOMINAL_PERIOD
from snn_ros.blimp_control.plant import PLANT_A, PLANT_B, SUBSTEPS_PER_TICK, PlantParameters

SAMPLES_PER_TICK = 5  # the range sensor delivers at 50 Hz
ORACLE_SETPOINTS = (0.5, 1.5, 0.5, 1.0, 0.5)  # m
ORACLE_HOLD = 70.0  # s
_JITTER_SUBSTEPS = 2  # ± 20 ms
_LONGEST_DELAY = 3 * SAMPLES_PER_TICK  # samples
_GAP_SUBSTEPS = 20  # a missed answer makes a tick 0.3 s long


class Domains(NamedTuple):
    """D worlds of K ticks.

    Attributes:
        plants: (D, 6) one ``PlantParameters`` per row.
        setpoint: (D, K) in m; the flight starts at the first one, at rest.
        buoyancy: (D, K) net acceleration b in m/s2.
        air_speed: (D, K) vertical air speed in m/s.
        substeps: (D, K) plant sub-steps of 10 ms after each tick.
        sample_error: (D, S) error of each range sample at 50 Hz in m; NaN is a drop-out.
        delay: (D,) age of a range sample at its arrival, in samples of 20 ms.
        raw: the controller sees the rounded altitude and drives the motors directly, without
            altitude filter and output chain.
    """

    plants: FloatArray
    setpoint: FloatArray
    buoyancy: FloatArray
    air_speed: FloatArray
    substeps: NDArray[np.int64]
    sample_error: FloatArray
    delay: NDArray[np.int64]
    raw: bool


def step_profile(setpoints: Sequence[float], hold: float) -> FloatArray:
    """Setpoints per tick, each held for ``hold`` s."""
    return np.repeat(np.asarray(setpoints, dtype=float), round(hold / NOMINAL_PERIOD))


def calm_domains(
    plants: Sequence[PlantParameters],
    buoyancy: Sequence[float] | FloatArray,
    setpoint: FloatArray,
    *,
    raw: bool = True,
) -> Domains:
    """Worlds without noise, delay, gusts or jitter.

    Args:
        plants: one per domain.
        buoyancy: b in m/s2, one per domain, or (D, K) to change it in flight.
        setpoint: (K,) the same for all, in m.
        raw: see ``Domains``.
    """
    shape = (len(plants), len(setpoint))
    b = np.asarray(buoyancy, dtype=float)
    return Domains(
        np.array(plants, dtype=float),
        np.tile(setpoint, (shape[0], 1)),
        np.broadcast_to(b if b.ndim == 2 else b[:, None], shape).copy(),
        np.zeros(shape),
        np.full(shape, SUBSTEPS_PER_TICK, dtype=np.int64),
        np.zeros((shape[0], (shape[1] + 1) * SAMPLES_PER_TICK)),
        np.zeros(shape[0], dtype=np.int64),
        raw,
    )


def random_domains(
    generator: np.random.Generator, count: int, duration: float, *, sluggish: int = 0
) -> Domains:
    """Randomised worlds: plant, buoyancy, gusts, sensor, timing and setpoints.

    Args:
        generator: source of all randomness.
        count: number of domains D.
        duration: of each flight in s.
        sluggish: how many of them, the first ones, have strong but late motors, a slow servo and
            a late sensor: worlds in which a controller that answers late oscillates.
    """
    ticks = round(duration / NOMINAL_PERIOD)
    substeps = _timing(generator, count, ticks)
    plants = _plants(generator, count)
    delay = generator.integers(0, _LONGEST_DELAY + 1, count)
    late = slice(0, sluggish)
    plants[late, 0] *= generator.uniform(1.0, 1.3, sluggish)
    plants[late, 2] = generator.uniform(0.3, 0.5, sluggish)
    plants[late, 4] = generator.uniform(0.4, 0.6, sluggish)
    delay[late] = generator.integers(_LONGEST_DELAY // 2, _LONGEST_DELAY + 1, sluggish)
    samples = int(substeps.sum(axis=1).max()) * SAMPLES_PER_TICK // SUBSTEPS_PER_TICK + 8
    return Domains(
        plants,
        np.stack([_setpoints(generator, ticks) for _ in range(count)]),
        _buoyancy(generator, count, ticks),
        _air_speed(generator, count, ticks),
        substeps,
        _sensor(generator, count, samples),
        delay,
        raw=False,
    )


def _plants(generator: np.random.Generator, count: int) -> FloatArray:
    uniform = generator.uniform
    centre = np.array([PLANT_A, PLANT_B])[generator.integers(0, 2, count)]
    mass = uniform(0.7, 1.4, count)
    gain, exponent, lag, drag = 0, 1, 2, 3
    plants = centre.copy()
    # The exponent is drawn too; thrust at the reference duty of 0.5 stays that of the fit.
    plants[:, exponent] = uniform(1.8, 3.2, count)
    keep = 0.5 ** (centre[:, exponent] - plants[:, exponent])
    plants[:, gain] = centre[:, gain] * keep * uniform(0.6, 1.3, count) / mass
    plants[:, lag] = uniform(0.02, 0.5, count)
    plants[:, drag] = centre[:, drag] * uniform(0.5, 2.0, count) / mass
    plants[:, 4] = uniform(0.15, 0.6, count)
    plants[:, 5] = uniform(0.2, 0.5, count)
    return plants


def _setpoints(generator: np.random.Generator, ticks: int) -> FloatArray:
    """Steps of 0.3 to 1.0 m between 0.4 and 1.8 m, held 20 to 70 s; a third are ramps."""
    profile = np.empty(ticks)
    level, tick = generator.uniform(0.4, 1.8), 0
    while tick < ticks:
        end = min(ticks, tick + round(generator.uniform(20.0, 70.0) / NOMINAL_PERIOD))
        previous = profile[tick - 1] if tick else level
        profile[tick:end] = level
        if tick and generator.random() < 1 / 3:
            ramp = min(end - tick, round(generator.uniform(3.0, 15.0) / NOMINAL_PERIOD))
            profile[tick : tick + ramp] = np.linspace(previous, level, ramp)
        step = generator.uniform(0.3, 1.0) * generator.choice([-1.0, 1.0])
        level = level + step if 0.4 <= level + step <= 1.8 else level - step
        level, tick = float(np.clip(level, 0.4, 1.8)), end
    return profile


def _buoyancy(generator: np.random.Generator, count: int, ticks: int) -> FloatArray:
    """Constant part, slow ramp (helium, temperature) and one payload step of up to ±5 g."""
    time = np.arange(ticks) * NOMINAL_PERIOD
    b = generator.uniform(-0.12, 0.12, (count, 1))
    ramp = generator.uniform(-0.02, 0.01, (count, 1)) / 60.0 * time
    at = generator.uniform(0.3, 0.7, (count, 1)) * time[-1]
    # The trim must stay within reach of the weakest motors, hence no step beyond ± 0.16.
    after = np.clip(b + generator.uniform(-0.11, 0.11, (count, 1)), -0.12, 0.12)
    return np.where(time < at, b, after) + ramp


def _air_speed(generator: np.random.Generator, count: int, ticks: int) -> FloatArray:
    """Ornstein-Uhlenbeck gusts and one door draught of 0.3 m/s for 3 s."""
    sigma = generator.uniform(0.0, 0.2, count)
    keep = np.exp(-NOMINAL_PERIOD / generator.uniform(2.0, 10.0, count))
    noise = generator.standard_normal((ticks, count))
    speed = np.empty((ticks, count))
    speed[0] = sigma * noise[0]
    for tick in range(1, ticks):
        speed[tick] = keep * speed[tick - 1] + sigma * np.sqrt(1 - keep**2) * noise[tick]
    draught = round(3.0 / NOMINAL_PERIOD)
    for world, start in enumerate(generator.integers(0, max(ticks - draught, 1), count)):
        speed[start : start + draught, world] += generator.choice([-0.3, 0.3])
    return speed.T.copy()


def _timing(generator: np.random.Generator, count: int, ticks: int) -> NDArray[np.int64]:
    """Sub-steps between ticks with ± 20 ms jitter and one tick in a hundred 0.3 s long."""
    late = generator.integers(-_JITTER_SUBSTEPS, _JITTER_SUBSTEPS + 1, (count, ticks + 1))
    gaps = _GAP_SUBSTEPS * (generator.random((count, ticks)) < 0.01)
    return SUBSTEPS_PER_TICK + np.diff(late, axis=1) + gaps


def _sensor(generator: np.random.Generator, count: int, samples: int) -> FloatArray:
    """White noise, bias of ± 1 cm, clutter outliers and drop-outs of 0.2 to 2 s."""
    rate = SAMPLES_PER_TICK / NOMINAL_PERIOD
    sigma = generator.uniform(0.0, 0.02, (count, 1))
    error = sigma * generator.standard_normal((count, samples))
    error += generator.uniform(-0.01, 0.01, (count, 1))
    outlier = generator.random((count, samples)) < 0.005
    size = generator.uniform(0.1, 0.8, (count, samples))
    error += outlier * size * generator.choice([-1.0, 1.0], (count, samples))
    starts = np.argwhere(generator.random((count, samples)) < 0.02 / rate)
    for world, start in starts:
        error[world, start : start + round(generator.uniform(0.2, 2.0) * rate)] = np.nan
    return error
