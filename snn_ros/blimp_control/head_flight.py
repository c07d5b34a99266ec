"""Simulated yaw and surge: plants, randomised trials, and a controller in closed loop.

Both axes are ``m x'' = F(u) - c1 x' - c2 |x'| x' + disturbance`` with a lagging force. Yaw follows
a heading that turns at a given rate; surge follows a speed and cannot push backwards.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from snn_ros.blimp_control.heads import Axis
from snn_ros.blimp_control.parameters import FloatArray
from snn_ros.blimp_control.pid import NOMINAL_PERIOD

TICKS = 300
_SUBSTEPS = 5
_PERIOD = NOMINAL_PERIOD / _SUBSTEPS

Controller = Callable[[float, float], float]  # error and rate -> u


class AxisPlant(NamedTuple):
    """One axis of the blimp.

    Attributes:
        inertia: kg m² or kg, with the air carried along.
        linear: drag in N m s or N s/m.
        quadratic: drag in N m s² or N s²/m².
        gain: torque in N m or force in N per u.
        lag: time constant of the force in s.
        forward_only: negative commands do nothing.
    """

    inertia: float
    linear: float
    quadratic: float
    gain: float
    lag: float
    forward_only: bool


# Inertia, drag and motors of the simulated blimp (snn_ros/simulation), added mass included.
PLANTS = {
    "yaw": AxisPlant(0.022, 0.0098, 0.008, 0.001, 0.05, False),
    "surge": AxisPlant(0.32, 0.0115, 0.04, 0.01, 0.05, True),
}


class Trial(NamedTuple):
    """One flight to be flown.

    Attributes:
        plant: the axis.
        reference: (K,) heading in rad, not wrapped, or speed in m/s.
        reference_rate: (K,) its rate.
        start: initial heading or speed.
        disturbance: (K,) torque in N m or force in N.
        noise: (K, 2) of the measured value and its rate.
        delay: of the measurement in ticks.
    """

    plant: AxisPlant
    reference: FloatArray
    reference_rate: FloatArray
    start: float
    disturbance: FloatArray
    noise: FloatArray
    delay: int


class AxisFlight(NamedTuple):
    """What happened; (K,) arrays.

    Attributes:
        error: true reference minus value in rad or m/s.
        seen_error: as measured.
        seen_rate: as measured.
        u: command.
    """

    error: FloatArray
    seen_error: FloatArray
    seen_rate: FloatArray
    u: FloatArray

    @property
    def rmse(self) -> float:
        """Root of the mean square error in rad or m/s."""
        return float(np.sqrt(np.mean(self.error**2)))


def draw_trials(axis: Axis, generator: np.random.Generator, count: int) -> list[Trial]:
    """Randomised flights of 30 s of one axis."""
    return [_draw_trial(axis, generator) for _ in range(count)]


def _draw_trial(axis: Axis, generator: np.random.Generator) -> Trial:
    nominal = PLANTS[axis.name]
    plant = nominal._replace(
        inertia=nominal.inertia * generator.uniform(0.7, 1.4),
        linear=nominal.linear * generator.uniform(0.5, 2.0),
        quadratic=nominal.quadratic * generator.uniform(0.5, 2.0),
        gain=nominal.gain * generator.uniform(0.7, 1.2),
        lag=generator.uniform(0.02, 0.3),
    )
    levels = _levels(generator, *((-0.3, 0.3) if axis.angular else (0.0, 0.5)))
    if axis.angular:
        reference, rate = np.cumsum(levels) * NOMINAL_PERIOD, levels
        start = generator.uniform(-0.6, 0.6)
        noise = (0.005, 0.003)
    else:
        reference, rate, start = levels, np.zeros(TICKS), 0.0
        noise = (0.01, 0.0)
    push = generator.uniform(-0.4, 0.4) * nominal.gain
    gusts = 0.3 * nominal.gain * _smooth(generator.standard_normal(TICKS))
    return Trial(
        plant,
        reference,
        rate,
        start,
        push + gusts,
        generator.standard_normal((TICKS, 2)) * noise,
        int(generator.integers(0, 3)),
    )


def _levels(generator: np.random.Generator, low: float, high: float) -> FloatArray:
    """Values held for 5 to 10 s each, a third of them zero."""
    values = np.zeros(TICKS)
    tick = 0
    while tick < TICKS:
        hold = int(generator.integers(50, 100))
        values[tick : tick + hold] = generator.uniform(low, high) * (generator.random() > 1 / 3)
        tick += hold
    return values


def _smooth(noise: FloatArray) -> FloatArray:
    """White noise as gusts that last about 2 s, with unit variance."""
    keep = math.exp(-NOMINAL_PERIOD / 2.0)
    gusts, value = np.empty_like(noise), 0.0
    for tick, sample in enumerate(noise):
        value = keep * value + math.sqrt(1.0 - keep**2) * sample
        gusts[tick] = value
    return gusts


def fly_axis(axis: Axis, controller: Controller, trial: Trial) -> AxisFlight:
    """Fly one trial.

    Args:
        axis: which one.
        controller: called once per tick with the measured error and rate, answers with u.
        trial: the flight.
    """
    turning = axis.angular
    value, speed, force = trial.start, 0.0, 0.0
    seen = deque([(value, speed)] * (trial.delay + 1), maxlen=trial.delay + 1)
    flight = AxisFlight(*np.empty((4, trial.reference.size)))
    reference, rate = trial.reference.tolist(), trial.reference_rate.tolist()
    disturbance, noise = trial.disturbance.tolist(), trial.noise.tolist()
    for k in range(len(reference)):
        seen.append((value, speed))
        error = reference[k] - seen[0][0] + noise[k][0]
        error_rate = rate[k] - seen[0][1] + noise[k][1] if turning else 0.0
        u = controller(math.remainder(error, math.tau) if turning else error, error_rate)
        for column, entry in zip(flight, (reference[k] - value, error, error_rate, u), strict=True):
            column[k] = entry
        push = max(u, 0.0) if trial.plant.forward_only else u
        for _ in range(_SUBSTEPS):
            value, speed, force = _substep(trial.plant, value, speed, force, push, disturbance[k])
            if not turning:
                value = speed
    return flight


def _substep(
    plant: AxisPlant, value: float, speed: float, force: float, u: float, disturbance: float
) -> tuple[float, float, float]:
    """Semi-implicit Euler: force lag, then speed, then position."""
    force += (plant.gain * u - force) * min(_PERIOD / plant.lag, 1.0)
    drag = (plant.linear + plant.quadratic * abs(speed)) * speed
    speed += (force - drag + disturbance) / plant.inertia * _PERIOD
    return value + speed * _PERIOD, speed, force
