"""One simulated flight in control periods: commands in, everything measured out, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.rigid import Transform
from snn_ros.simulation import faults
from snn_ros.simulation.blimp_world import BlimpWorld, Contact
from snn_ros.simulation.faults import FaultSchedule
from snn_ros.simulation.scenario import Scenario, VelocitySetpoint
from snn_ros.simulation.sensors.imu import Imu, ImuReading
from snn_ros.simulation.sensors.range_finder import RangeFinder


@dataclass(frozen=True)
class MotorCommand:
    """Duty cycles (0..1) of both motors and the shaft angle in rad (0 up, pi down)."""

    thrust_left: float = 0.0
    thrust_right: float = 0.0
    tilt: float = 0.0


MOTORS_OFF = MotorCommand()


@dataclass(frozen=True)
class Frame:
    """What is known at the end of one control period.

    Attributes:
        time: true time since the start of the flight in s.
        stamp: what clocks show, in s; differs from ``time`` after a clock fault.
        range: reading of the range finder in m (-inf too close, inf too far, NaN by fault); None
            when it is silent.
        imu: reading of the IMU.
        setpoint: altitude asked for in m; None when whoever asks is silent.
        velocity_setpoint: forward speed and yaw rate asked for; None when nobody asks.
        pose: true ``T_world_base_link``, (4, 4) float64.
        velocity: true (6,) linear in m/s and angular in rad/s, in ``base_link``.
        altitude: true height of the range finder above the floor in m.
        tilt: true shaft angle in rad.
        contacts: what the blimp began to touch during the period.
    """

    time: float
    stamp: float
    range: float | None
    imu: ImuReading
    setpoint: float | None
    velocity_setpoint: VelocitySetpoint | None
    pose: Transform
    velocity: NDArray[np.float64]
    altitude: float
    tilt: float
    contacts: tuple[Contact, ...]


class Flight:
    """A scenario that is flown step by step. Deterministic for the same commands.

    ::

        flight = Flight(load_scenario("config/scenarios/blimp_quick.yaml"))
        command = MOTORS_OFF
        while not flight.finished:
            command = control(flight.advance(command))
    """

    def __init__(self, scenario: Scenario) -> None:
        """Set the world up; the first ``advance`` is the first period.

        Raises:
            ConfigurationError: the blimp would start inside something.
        """
        self.scenario = scenario
        world_seed, range_seed, imu_seed = np.random.SeedSequence(scenario.seed).spawn(3)
        self.world = BlimpWorld(
            scenario.vehicle,
            scenario.world,
            wind=scenario.wind,
            start=scenario.start,
            seed=world_seed,
        )
        self._period = scenario.control_period
        self._range_finder = RangeFinder(
            scenario.sensors.range_finder, self._period, np.random.default_rng(range_seed)
        )
        self._imu = Imu(scenario.sensors.imu, np.random.default_rng(imu_seed))
        self._faults = FaultSchedule(scenario.faults)
        self._periods = 0
        self._held = False
        self._ballast_changes = 0

    @property
    def time(self) -> float:
        """True time since the start in s."""
        return self._periods * self._period

    @property
    def finished(self) -> bool:
        """Whether the scenario is over."""
        return self.time >= self.scenario.duration - self._period / 2

    def advance(self, command: MotorCommand) -> Frame:
        """Fly one control period.

        Args:
            command: what the motors are told for the whole period.

        Returns:
            The readings and the truth at its end.

        Raises:
            ValueError: the command is not finite.
        """
        contacts_before = len(self.world.contacts)
        self._apply_events()
        beam = self._fly(command)
        self._periods += 1
        time = self.time
        reading = self._faults.apply_to_range(self._range_finder.measure(beam), time)
        silent = self._faults.active(faults.SETPOINT_SILENT, time)
        pose, velocity = self.world.pose, self.world.velocity
        return Frame(
            time=time,
            stamp=time + self._faults.size(faults.CLOCK_JUMP, time),
            range=reading,
            imu=self._imu.measure(pose[:3, :3], self.world.specific_force, velocity[3:]),
            setpoint=None if silent else self.scenario.setpoint(time),
            velocity_setpoint=None if silent else self.scenario.velocity(time),
            pose=pose,
            velocity=velocity,
            altitude=self.world.altitude,
            tilt=self.world.tilt,
            contacts=tuple(self.world.contacts[contacts_before:]),
        )

    def _fly(self, command: MotorCommand) -> float:
        """Fly one period and cast the beam when the sensor does."""
        lead = self._range_finder.sampling_lead
        order = (command.thrust_left, command.thrust_right, command.tilt)
        self.world.step(*order, self._period - lead)
        beam = self.world.beam()
        self.world.step(*order, lead)
        return beam

    def _apply_events(self) -> None:
        """Ballast and hands that come or go with the period that begins now."""
        due = self.time + self._period / 2
        begun = [change for change in self.scenario.ballast if change.start <= due]
        if len(begun) > self._ballast_changes:
            self._ballast_changes = len(begun)
            self.world.set_ballast(begun[-1].grams)
        held = self._faults.active(faults.HOLD, self.time)
        if held and not self._held:
            self.world.hold()
        elif self._held and not held:
            self.world.release()
        self._held = held
