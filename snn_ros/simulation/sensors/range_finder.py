"""A one-beam range finder that looks down, such as a TFmini-S."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from snn_ros.configuration import setting

Span = tuple[float, float]

FIELD_OF_VIEW = 0.04  # rad


@dataclass(frozen=True)
class RangeFinderParameters:
    """Flaws of the range finder. The defaults are those of a good sensor in use."""

    minimum: float = setting(0.1, "shortest range", unit="m", minimum=0.0)
    maximum: float = setting(12.0, "longest range", unit="m", minimum=0.1)
    quantum: float = setting(0.01, "step of the reading", unit="m", minimum=0.0)
    bias: float = setting(0.0, "constant error", unit="m", minimum=-0.1, maximum=0.1)
    noise: float = setting(0.003, "standard deviation", unit="m", minimum=0.0, maximum=0.2)
    latency: float = setting(
        0.02, "age of a reading, rounded to 10 ms", unit="s", minimum=0.0, maximum=1.0
    )
    outlier_share: float = setting(0.0, "readings that are outliers", minimum=0.0, maximum=1.0)
    outlier_size: Span = setting(
        (0.1, 0.8), "smallest and largest, either sign", unit="m", minimum=0.0
    )
    drop_out_rate: float = setting(0.0, "how often it falls silent", unit="1/s", minimum=0.0)
    drop_out_duration: Span = setting(
        (0.2, 2.0), "shortest and longest silence", unit="s", minimum=0.0
    )

    def problems(self) -> list[str]:
        """What does not fit together, as ``name = value: reason``."""
        problems = []
        if self.minimum >= self.maximum:
            problems.append(f"minimum = {self.minimum!r}: must be below maximum {self.maximum!r}")
        problems += [
            f"{name} = {span!r}: the first must be at most the second"
            for name, span in (
                ("outlier_size", self.outlier_size),
                ("drop_out_duration", self.drop_out_duration),
            )
            if span[0] > span[1]
        ]
        return problems


class RangeFinder:
    """Turns true beam lengths, one per period, into readings."""

    def __init__(
        self, parameters: RangeFinderParameters, period: float, generator: np.random.Generator
    ) -> None:
        """A sensor that has measured nothing yet.

        Args:
            parameters: its flaws.
            period: time between readings in s.
            generator: where noise, outliers and drop-outs come from.
        """
        self._parameters = parameters
        self._period = period
        self._generator = generator
        whole_periods = int(parameters.latency / period + 1e-9)
        self._remaining_latency = parameters.latency - whole_periods * period
        self._delayed: deque[float] = deque(maxlen=whole_periods + 1)
        self._silent_readings = 0

    @property
    def sampling_lead(self) -> float:
        """How long in s before a reading is due its beam must be cast; less than a period.

        Latency beyond whole periods is the caller's to imitate; whole periods are kept in here.
        """
        return self._remaining_latency

    def measure(self, beam: float) -> float | None:
        """The reading that is due now.

        Args:
            beam: true length in m of the beam cast ``sampling_lead`` ago; inf if it met nothing.

        Returns:
            The range in m, -inf if too close, inf if too far (REP-117), None in a drop-out.
        """
        self._delayed.append(beam)
        reading = self._with_flaws(self._delayed[0])
        return None if self._drops_out() else reading

    def _with_flaws(self, distance: float) -> float:
        parameters, generator = self._parameters, self._generator
        distance += parameters.bias + parameters.noise * generator.standard_normal()
        if generator.random() < parameters.outlier_share:
            sign = 1.0 if generator.random() < 0.5 else -1.0
            distance += sign * generator.uniform(*parameters.outlier_size)
        if parameters.quantum > 0.0 and math.isfinite(distance):
            distance = round(distance / parameters.quantum) * parameters.quantum
        if distance < parameters.minimum:
            return -math.inf
        return math.inf if distance > parameters.maximum else distance

    def _drops_out(self) -> bool:
        if self._silent_readings > 0:
            self._silent_readings -= 1
        elif self._generator.random() < self._parameters.drop_out_rate * self._period:
            duration = self._generator.uniform(*self._parameters.drop_out_duration)
            self._silent_readings = round(duration / self._period)
        return self._silent_readings > 0
