"""Speed of the simulated blimp, as a multiple of real time on one thread, and of its pictures.

Example: ``python -m benchmarks.simulation``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.output import json_target, publish
from snn_ros.simulation.blimp_world import BlimpWorld, StartPose
from snn_ros.simulation.flight import Flight, Frame, MotorCommand
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.scenario import load_scenario

_SCENARIOS = Path(__file__).resolve().parent.parent / "config" / "scenarios"
_RUNS = 5


def _median_seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _damped(frame: Frame) -> MotorCommand:
    """The cheapest controller that stays off floor and ceiling."""
    assert frame.setpoint is not None
    u = 9.0 * (frame.setpoint - frame.altitude) - 14.0 * frame.velocity[2]
    duty = min(abs(u) / 15.0, 0.87)
    return MotorCommand(duty, duty, 0.0 if u > 0.0 else math.pi)


def flight_speed() -> float:
    """Whole flights with sensors and controller: simulated seconds per second."""
    scenario = load_scenario(_SCENARIOS / "blimp_quick.yaml")

    def fly() -> None:
        flight, command = Flight(scenario), MotorCommand()
        while not flight.finished:
            command = _damped(flight.advance(command))

    return scenario.duration / _median_seconds(fly)


def physics_speed() -> float:
    """Physics alone: simulated seconds per second."""
    world, duration = BlimpWorld(start=StartPose(altitude=1.0)), 30.0
    return duration / _median_seconds(lambda: world.step(0.0, 0.0, 0.0, duration))


def pictures_per_second() -> float:
    """Pictures of 1280x720 per second; NaN where there is no renderer."""
    world = BlimpWorld(start=StartPose(altitude=1.0))
    try:
        with Renderer(world.model) as renderer:
            return 1.0 / _median_seconds(lambda: renderer.frame(world.data))
    except RendererError:
        return math.nan


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    scores = {
        "blimp_flight_times_real_time": flight_speed(),
        "blimp_physics_times_real_time": physics_speed(),
        "pictures_1280x720_per_s": pictures_per_second(),
    }
    publish("simulation", "config/scenarios/blimp_quick.yaml", scores, target)


if __name__ == "__main__":
    main()
