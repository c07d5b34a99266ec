"""A blimp on a string: one vertical plant flown by the supervisor, with faults to inject."""

from __future__ import annotations

import math
from collections.abc import Callable

from snn_ros.blimp_control.plant import (
    PLANT_A,
    SUBSTEP,
    SUBSTEPS_PER_TICK,
    PlantParameters,
    vertical_substep,
)
from snn_ros.blimp_control.supervisor import BlimpSupervisor, ControlOutput

SUBSTEPS_PER_SAMPLE = 2  # range at 50 Hz


def centimetres(_now: float, altitude: float) -> float | None:
    """The healthy sensor."""
    return round(max(altitude, 0.1), 2)


class VerticalFlight:
    """Flies in steps of 10 ms; everything that happened is in ``log`` and ``altitudes``."""

    def __init__(
        self,
        supervisor: BlimpSupervisor,
        plant: PlantParameters = PLANT_A,
        altitude: float = 1.0,
        buoyancy: float = 0.0,
    ) -> None:
        self.supervisor, self.plant = supervisor, plant
        self.altitude, self.velocity, self.thrust = altitude, 0.0, 0.0
        self.buoyancy, self.air_speed = buoyancy, 0.0
        self.now, self.clock_offset = 100.0, 0.0
        self.sensor: Callable[[float, float], float | None] = centimetres
        self.log: list[ControlOutput] = []
        self.altitudes: list[float] = []
        self.rejections: list[str] = []
        self.touchdown_speed = 0.0
        self._direction, self._turning, self._substep = 1.0, 0.0, 0
        self._duty = 0.0

    @property
    def clock(self) -> float:
        return self.now + self.clock_offset

    def fly(self, seconds: float) -> list[ControlOutput]:
        """Go on for a while; returns the outputs of that while."""
        first = len(self.log)
        for _ in range(round(seconds / SUBSTEP)):
            self._move()
        return self.log[first:]

    def _move(self) -> None:
        if self._substep % SUBSTEPS_PER_SAMPLE == 0:
            distance = self.sensor(self.now, self.altitude)
            if distance is not None:
                reason = self.supervisor.add_range(distance, self.clock)
                if reason:
                    self.rejections.append(reason)
        if self._substep % SUBSTEPS_PER_TICK == 0:
            self._apply(self.supervisor.tick(self.clock))
        self._substep += 1
        static = self._direction * self.plant.thrust_gain * self._duty**self.plant.thrust_exponent
        sinking = -self.velocity
        self.thrust, self.velocity, self.altitude = vertical_substep(
            self.thrust,
            self.velocity,
            self.altitude,
            0.0 if self._turning > 0.0 else static,
            self.buoyancy,
            self.air_speed,
            self.plant.thrust_lag,
            self.plant.drag,
        )
        if self.altitude <= 0.0:
            self.touchdown_speed = max(self.touchdown_speed, sinking)
        self._turning -= SUBSTEP
        self.now += SUBSTEP
        self.altitudes.append(self.altitude)

    def _apply(self, output: ControlOutput) -> None:
        self.log.append(output)
        direction = 1.0 if output.tilt < 0.5 * math.pi else -1.0
        if direction != self._direction:
            self._direction, self._turning = direction, self.plant.flip_time
        self._duty = output.thrust_left
