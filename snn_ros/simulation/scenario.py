"""A simulated flight as a file: world, vehicle, sensors, setpoints, disturbances and faults."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from snn_ros.configuration import ConfigurationError, from_mapping, setting
from snn_ros.simulation.blimp_world import TIMESTEP, StartPose
from snn_ros.simulation.faults import CLOCK_JUMP, Fault
from snn_ros.simulation.scenario_files import read_scenario
from snn_ros.simulation.sensors.imu import ImuParameters
from snn_ros.simulation.sensors.range_finder import RangeFinderParameters
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters
from snn_ros.simulation.wind import WindParameters
from snn_ros.simulation.worlds.room import RoomParameters


@dataclass(frozen=True)
class Setpoint:
    """From ``start`` on the blimp should be at ``altitude``."""

    start: float = setting(dataclasses.MISSING, "when it is given", unit="s", minimum=0.0)
    altitude: float = setting(dataclasses.MISSING, "of the range finder", unit="m", minimum=0.0)


@dataclass(frozen=True)
class VelocitySetpoint:
    """From ``start`` on the blimp should fly forward and turn at these rates."""

    start: float = setting(dataclasses.MISSING, "when it is given", unit="s", minimum=0.0)
    speed: float = setting(0.0, "forward", unit="m/s")
    yaw_rate: float = setting(0.0, "to the left", unit="rad/s")


@dataclass(frozen=True)
class BallastChange:
    """From ``start`` on the blimp is ``grams`` heavier than neutral."""

    start: float = setting(dataclasses.MISSING, "when it is hung on", unit="s", minimum=0.0)
    grams: float = setting(dataclasses.MISSING, "beyond neutral trim", unit="g", maximum=1000.0)


@dataclass(frozen=True)
class Sensors:
    """What the blimp carries."""

    range_finder: RangeFinderParameters = setting(RangeFinderParameters, "looks down")
    imu: ImuParameters = setting(ImuParameters, "at the gondola")


@dataclass(frozen=True)
class Scenario:
    """One flight. Times count from its beginning."""

    duration: float = setting(dataclasses.MISSING, "length of the flight", unit="s", minimum=1.0)
    setpoints: tuple[Setpoint, ...] = setting(dataclasses.MISSING, "which altitude from when on")
    description: str = setting("", "one line for people")
    seed: int = setting(1, "of sensor noise and turbulence", minimum=0)
    control_period: float = setting(
        0.1, "time between readings and between commands", unit="s", minimum=TIMESTEP, maximum=1.0
    )
    world: RoomParameters = setting(RoomParameters, "where")
    vehicle: BlimpParameters = setting(BlimpParameters, "what flies")
    start: StartPose = setting(StartPose, "where it hangs at the start")
    sensors: Sensors = setting(Sensors, "what it measures")
    wind: WindParameters = setting(WindParameters, "how the air moves")
    velocities: tuple[VelocitySetpoint, ...] = ()
    ballast: tuple[BallastChange, ...] = ()
    faults: tuple[Fault, ...] = ()

    def setpoint(self, time: float) -> float:
        """The altitude asked for at a time in s."""
        return [s.altitude for s in self.setpoints if s.start <= time + TIMESTEP / 2][-1]

    def velocity(self, time: float) -> VelocitySetpoint | None:
        """The velocity asked for at a time in s; None before the first, or without any."""
        given = [v for v in self.velocities if v.start <= time + TIMESTEP / 2]
        return given[-1] if given else None

    def problems(self) -> Iterator[str]:
        """What does not fit together, as ``name = value: reason``."""
        yield from _below("vehicle", self.vehicle.problems())
        yield from _below("sensors.range_finder", self.sensors.range_finder.problems())
        for i, fault in enumerate(self.faults):
            yield from _below(f"faults[{i}]", fault.problems())
        steps = self.control_period / TIMESTEP
        if abs(steps - round(steps)) > 1e-6:
            yield f"control_period = {self.control_period!r}: must be a multiple of {TIMESTEP} s"
        yield from self._clock_problems()
        yield from self._setpoint_problems()
        yield from self._ballast_problems()
        yield from self._late_events()

    def _clock_problems(self) -> Iterator[str]:
        jumps = [(i, f) for i, f in enumerate(self.faults) if f.kind == CLOCK_JUMP]
        for i, fault in jumps:
            if sum(f.size for _, f in jumps if f.active(fault.start)) + fault.start <= 0.0:
                yield f"faults[{i}].size = {fault.size!r}: the clock would go below 0"

    def _setpoint_problems(self) -> Iterator[str]:
        starts = [setpoint.start for setpoint in self.setpoints]
        if not starts or starts[0] != 0.0:
            yield f"setpoints = {starts}: the first must start at 0"
        velocity_starts = [velocity.start for velocity in self.velocities]
        for name, times in (("setpoints", starts), ("velocities", velocity_starts)):
            if times != sorted(set(times)):
                yield f"{name} = {times}: starts must increase"
        top = self.world.height - self.vehicle.radius - self.vehicle.range_finder_depth
        for i, setpoint in enumerate(self.setpoints):
            if setpoint.altitude >= top:
                yield (
                    f"setpoints[{i}].altitude = {setpoint.altitude!r}: "
                    f"the hull meets the ceiling at {top:.2f} m"
                )

    def _ballast_problems(self) -> Iterator[str]:
        available = self.vehicle.trim_ballast * 1e3
        for i, change in enumerate(self.ballast):
            if change.grams < -available:
                yield (
                    f"ballast[{i}].grams = {change.grams!r}: "
                    f"only {available:.1f} g can be taken away"
                )

    def _late_events(self) -> Iterator[str]:
        starts = {
            "setpoints": [setpoint.start for setpoint in self.setpoints],
            "velocities": [velocity.start for velocity in self.velocities],
            "ballast": [change.start for change in self.ballast],
            "wind.pulses": [pulse.start for pulse in self.wind.pulses],
            "faults": [fault.start for fault in self.faults],
        }
        for name, times in starts.items():
            for i, start in enumerate(times):
                if start >= self.duration:
                    yield f"{name}[{i}].start = {start!r}: the flight ends at {self.duration} s"


def _below(name: str, problems: Iterable[str]) -> Iterator[str]:
    """The problems of a part, with the part's name in front."""
    return (f"{name}.{problem}" for problem in problems)


def load_scenario(path: Path | str) -> Scenario:
    """Read a scenario file.

    Args:
        path: a YAML file; keys as the fields of ``Scenario``, what is absent takes its default.

    Raises:
        ScenarioError: the file is absent or not YAML.
        ConfigurationError: lists every unknown key, missing key and wrong value.
    """
    scenario = from_mapping(Scenario, read_scenario(path), str(path))
    problems = list(scenario.problems())
    if problems:
        raise ConfigurationError(str(path), problems)
    return scenario
