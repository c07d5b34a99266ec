"""Moving air: turbulence as an Ornstein-Uhlenbeck process, and single pulses of draught."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Pulse:
    """Air that moves for a while, such as a draught from a door."""

    start: float = setting(dataclasses.MISSING, "when it begins", unit="s", minimum=0.0)
    duration: float = setting(dataclasses.MISSING, "how long it blows", unit="s", minimum=0.0)
    velocity: Vector = setting(
        dataclasses.MISSING, "x, y, z in the world", unit="m/s", minimum=-5.0, maximum=5.0
    )


@dataclass(frozen=True)
class WindParameters:
    """How the air in the room moves."""

    turbulence: Vector = setting(
        (0.0, 0.0, 0.0), "standard deviation in x, y, z", unit="m/s", minimum=0.0, maximum=5.0
    )
    correlation_time: float = setting(5.0, "of the turbulence", unit="s", minimum=0.1)
    pulses: tuple[Pulse, ...] = ()


class Wind:
    """Air velocity over time."""

    def __init__(self, parameters: WindParameters, period: float) -> None:
        """Still air.

        Args:
            parameters: turbulence and pulses.
            period: time between calls of ``step``, in s.
        """
        self._pulses = parameters.pulses
        self._period = period
        self._keep = math.exp(-period / parameters.correlation_time)
        # The stationary standard deviation is that of the parameters whatever the period.
        self._kick = np.array(parameters.turbulence) * math.sqrt(1.0 - self._keep**2)
        self._turbulent = bool(np.any(self._kick))
        self._turbulence = np.zeros(3)

    def step(self, steps: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Air velocity in the world after another period.

        Args:
            steps: periods since the start; says which pulses blow.
            generator: where the turbulence comes from.

        Returns:
            (3,) float64 in m/s.
        """
        if self._turbulent:
            noise = generator.standard_normal(3)
            self._turbulence = self._keep * self._turbulence + self._kick * noise
        velocity = self._turbulence
        time = steps * self._period
        for pulse in self._pulses:
            if pulse.start <= time < pulse.start + pulse.duration:
                velocity = velocity + pulse.velocity
        return velocity
