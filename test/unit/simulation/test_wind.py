"""Turbulence has the statistics asked for; pulses blow when they should."""

import numpy as np
import pytest

from snn_ros.simulation.wind import Pulse, Wind, WindParameters

PERIOD = 0.1


def test_still_air_by_default() -> None:
    wind = Wind(WindParameters(), PERIOD)
    assert not wind.step(0, np.random.default_rng(0)).any()


def test_turbulence_is_an_ornstein_uhlenbeck_process() -> None:
    parameters = WindParameters(turbulence=(0.0, 0.1, 0.2), correlation_time=2.0)
    generator = np.random.default_rng(1)
    wind = Wind(parameters, PERIOD)
    speeds = np.array([wind.step(i, generator) for i in range(100_000)])[1000:]
    assert not speeds[:, 0].any()
    assert speeds.std(axis=0)[1:] == pytest.approx([0.1, 0.2], rel=0.06)
    lag = round(parameters.correlation_time / PERIOD)
    correlation = np.corrcoef(speeds[:-lag, 2], speeds[lag:, 2])[0, 1]
    assert correlation == pytest.approx(np.exp(-1), abs=0.05)


def test_pulses_add_up_while_they_blow() -> None:
    pulses = (Pulse(1.0, 2.0, (0.0, 0.0, 0.3)), Pulse(2.0, 2.0, (0.1, 0.0, 0.0)))
    wind = Wind(WindParameters(pulses=pulses), PERIOD)
    generator = np.random.default_rng(0)
    blowing = {step: wind.step(step, generator).tolist() for step in (9, 15, 25, 35, 45)}
    assert blowing == {
        9: [0, 0, 0],
        15: [0, 0, 0.3],
        25: [0.1, 0, 0.3],
        35: [0.1, 0, 0],
        45: [0, 0, 0],
    }
