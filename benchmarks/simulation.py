"""Speed of the simulated blimp, as a multiple of real time on one thread, and of a car's sensors.

Processor time stands beside the rates, and the load of the machine before all: on a busy one the
rates say little. Example: ``python -m benchmarks.simulation``, or with ``--json -`` for figures
alone.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.output import json_target, publish
from benchmarks.street_worlds import drives_through
from snn_ros.simulation.blimp_world import BlimpWorld, StartPose
from snn_ros.simulation.flight import Flight, Frame, MotorCommand
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.scenario import load_scenario
from snn_ros.simulation.sensors.camera import CameraConfig, CameraRig
from snn_ros.simulation.sensors.lidar import Lidar
from snn_ros.simulation.sensors.lidar_config import LidarConfig
from snn_ros.simulation.sensors.mounts import (
    KITTI_LIDAR,
    CameraMount,
    kitti_stereo,
    surround_six,
)

_SCENARIOS = Path(__file__).resolve().parent.parent / "config" / "scenarios"
_RUNS = 9

TARGETS = {
    "blimp_flight_times_real_time": 200.0,
    "lidar_64x1024_scans_per_s": 25.0,
    "lidar_64x2048_scans_per_s": 10.0,
    "stereo_640x192_sets_per_s": 8.0,
    "six_480x224_sets_per_s": 4.0,
}
"""The least of each on two free cores."""


class Timing(NamedTuple):
    """Medians of several runs, in s: of the clock, and of the processor in all threads."""

    wall: float
    cpu: float


def _timed(work: Callable[[], object]) -> Timing:
    times = []
    for _ in range(_RUNS):
        began, cpu_began = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - began, time.process_time() - cpu_began))
    walls, cpus = zip(*times, strict=True)
    return Timing(statistics.median(walls), statistics.median(cpus))


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

    return scenario.duration / _timed(fly).wall


def physics_speed() -> float:
    """Physics alone: simulated seconds per second."""
    world, duration = BlimpWorld(start=StartPose(altitude=1.0)), 30.0
    return duration / _timed(lambda: world.step(0.0, 0.0, 0.0, duration)).wall


def pictures_per_second() -> float:
    """Pictures of 1280x720 per second; NaN where there is no renderer."""
    world = BlimpWorld(start=StartPose(altitude=1.0))
    try:
        with Renderer(world.model) as renderer:
            return 1.0 / _timed(lambda: renderer.frame(world.data)).wall
    except RendererError:
        return math.nan


def lidar_speed(columns: int) -> dict[str, float]:
    """Scans per second of 64 beams on a street of 57 cars: in motion, with flaws and labels."""
    drive = next(drives_through(range(1)))
    scene, (T_world_base, boxes) = drive.scene, next(drive.stops())
    assert len(boxes) >= 20
    lidar = Lidar(
        scene.model, LidarConfig(columns=columns), scene.surfaces, np.random.default_rng(0)
    )
    velocity = np.array([12.0, 0.0, 0.0, 0.0, 0.0, 0.2])

    def scan() -> None:
        seen = lidar.scan(scene.data, T_world_base @ KITTI_LIDAR, velocity=velocity)
        actors = scene.surfaces.actor[seen.geom]
        np.bincount(actors[actors >= 0])  # points on each car
        np.bincount(scene.surfaces.semantic[seen.geom])

    scan()  # compiles
    timing = _timed(scan)
    return {"scans_per_s": 1.0 / timing.wall, "cpu_ms": 1e3 * timing.cpu}


def camera_speed(cameras: tuple[CameraMount, ...]) -> dict[str, float]:
    """Sets of pictures per second on the same street, and the renderer's share of the time.

    NaN where there is no renderer.
    """
    drive = next(drives_through(range(1), cameras=cameras))
    data, _ = drive.scene.data, next(drive.stops())
    try:
        with CameraRig(drive.scene.model, cameras, CameraConfig(), np.random.default_rng(0)) as rig:
            rig.capture(data)
            whole = _timed(lambda: rig.capture(data))
            drawing = _timed(lambda: rig.render(data))
    except RendererError:
        return dict.fromkeys(("sets_per_s", "cpu_ms", "renderer_share"), math.nan)
    return {
        "sets_per_s": 1.0 / whole.wall,
        "cpu_ms": 1e3 * whole.cpu,
        "renderer_share": min(drawing.wall / whole.wall, 1.0),
    }


def measure() -> dict[str, float]:
    """All figures by name."""
    figures = {
        "load_average_before": os.getloadavg()[0],
        "blimp_flight_times_real_time": flight_speed(),
        "blimp_physics_times_real_time": physics_speed(),
        "pictures_1280x720_per_s": pictures_per_second(),
    }
    for columns in (1024, 2048):
        for what, value in lidar_speed(columns).items():
            figures[f"lidar_64x{columns}_{what}"] = value
    sets = {"stereo_640x192": kitti_stereo(640), "six_480x224": surround_six(480, 224)}
    for name, cameras in sets.items():
        for what, value in camera_speed(cameras).items():
            figures[f"{name}_{what}"] = value
    return figures


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    measured = "config/scenarios/blimp_quick.yaml, and a street of 57 cars"
    publish("simulation", measured, measure(), target)


if __name__ == "__main__":
    main()
