"""The simulated blimp as a node: sensors, ground truth and /clock out, the applied command in."""

from __future__ import annotations

import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from geometry_msgs.msg import Point, PointStamped, Twist, TwistStamped, Vector3
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu, Range
from tf2_msgs.msg import TFMessage

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import rigid_transform
from snn_ros.msg import BlimpCommand, Float64Stamped
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.ros.conversions.geometry import (
    ImuSample,
    OdometrySample,
    RangeSample,
    StampedTransform,
    write_imu,
    write_odometry,
    write_range,
    write_transform,
)
from snn_ros.ros.conversions.stamps import from_seconds, read_stamp, write_header, write_stamp
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode
from snn_ros.ros.qos import LATCHED, RESULT
from snn_ros.simulation.flight import MOTORS_OFF, Flight, Frame, MotorCommand
from snn_ros.simulation.scenario import load_scenario
from snn_ros.simulation.scenario_files import find_scenario
from snn_ros.simulation.sensors.range_finder import FIELD_OF_VIEW
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters

_WORLD, _BASE, _RANGE_FINDER, _IMU, _HULL = "odom", "base_link", "range_finder", "imu", "hull"
_POLL_PERIOD = 0.01  # s; how exactly the time-out of a step is kept
_SETTLING_TIME = 1.0  # s from the discovery of the controller until its side has discovered us
_UNKNOWN_COVARIANCE = np.zeros((6, 6))


class BadCommand(SnnRosError):
    """A motor command that is not finite."""


class MissedStep(SnnRosError):
    """Nobody answered a control period in time."""


class ClockConflict(SnnRosError):
    """The simulation was told to take its time from /clock, which it publishes."""


@dataclass(frozen=True)
class SimulationParameters(NodeParameters):
    """Parameters of the simulation."""

    scenario: str = setting(
        "blimp_four_setpoints", "a name in config/scenarios, or a YAML file", read_only=True
    )
    pace: float = setting(
        1.0,
        "simulated seconds per second; 0 is lock step: every control period waits for its command",
        minimum=0.0,
        maximum=1000.0,
        read_only=True,
    )
    step_timeout: float = setting(
        0.5,
        "in lock step, how long a control period waits before it goes on with the last command",
        unit="s",
        minimum=0.01,
        maximum=60.0,
    )
    start_timeout: float = setting(
        30.0,
        "in lock step, how long the flight waits for a controller to be there",
        unit="s",
        minimum=0.0,
        maximum=600.0,
    )
    slow_ms: float = setting(
        50.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )


class SimulationNode(SystemNode[SimulationParameters]):
    """Flies one scenario and ends its process when it is over."""

    parameters_type = SimulationParameters

    def configure(self, parameters: SimulationParameters) -> None:
        """Load the scenario and add topics."""
        if self.simulated_time:
            raise ClockConflict("use_sim_time = True: the simulation publishes /clock itself")
        folder = share_directory(OWN_PACKAGE) / "config" / "scenarios"
        scenario = load_scenario(find_scenario(parameters.scenario, Path(folder)))
        self._pacing = parameters
        self._flight = Flight(scenario)
        self._command = MOTORS_OFF
        self._missed = 0
        self._worst_contacts: dict[str, float] = {}
        self._range = self.add_output("range", Range)
        self._setpoint = self.add_output("setpoint", PointStamped)
        self._velocity_setpoint = self.add_output("velocity_setpoint", TwistStamped)
        self._imu = self.add_output("imu", Imu)
        self._odometry = self.add_output("odometry", Odometry)
        self._contact = self.add_output("contact", Float64Stamped)
        self._tf = self.add_output("/tf", TFMessage)
        self._tf_static = self.add_output("/tf_static", TFMessage, qos=LATCHED)
        self._clock_output = self.add_output("/clock", Clock)
        self.add_input("command", BlimpCommand, self._receive, qos=RESULT, required=False)
        if parameters.pace > 0.0:
            self.add_periodic(scenario.control_period / parameters.pace, self._advance)
        else:
            self.add_periodic(_POLL_PERIOD, self._keep_step)

    def activate(self) -> None:
        """Begin the flight, or go on with it."""
        now = time.monotonic()
        self._expected_ns: int | None = None
        self._deadline = now + self._pacing.start_timeout
        self._discovered: float | None = None
        self._began, self._began_time = now, self._flight.time
        self._tf_static.publish(_static_frames(self._flight.scenario.vehicle))

    # Pace ----------------------------------------------------------------------------------------

    def _receive(self, message: BlimpCommand) -> None:
        """Take a command; in lock step the one that answers the last stamp ends the period."""
        values = (message.thrust_left, message.thrust_right, message.tilt)
        if not all(map(math.isfinite, values)):
            raise BadCommand(f"thrust_left, thrust_right, tilt = {values}: must be finite")
        stamp_ns = read_stamp(message.header.stamp)
        self._command = MotorCommand(*values)
        if stamp_ns == self._expected_ns:
            self._advance()

    def _keep_step(self) -> None:
        """In lock step, begin once a controller is there and go on when it does not answer."""
        now = time.monotonic()
        if self._expected_ns is None:
            if now >= self._deadline or self._controller_is_there(now):
                self._advance()
        elif now >= self._deadline:
            self._missed += 1
            missed = f"no command for stamp {self._expected_ns * 1e-9:.3f} s"
            self._advance()
            raise MissedStep(f"{missed} within {self._pacing.step_timeout:g} s")

    def _controller_is_there(self, now: float) -> bool:
        listens = (
            self._range.get_subscription_count() and self._clock_output.get_subscription_count()
        )
        if not (listens and self.count_publishers(self.health.inputs["command"].topic)):
            self._discovered = None
            return False
        self._discovered = self._discovered or now
        return now - self._discovered > _SETTLING_TIME

    def _advance(self) -> None:
        """Fly one control period and publish what it brought."""
        if self._flight.finished:
            self._finish()
            return
        self.health.work_begins(time.monotonic())
        frame = self._flight.advance(self._command)
        lock_step = self._pacing.pace == 0.0
        self._expected_ns = from_seconds(frame.stamp) if lock_step else None
        self._deadline = time.monotonic() + self._pacing.step_timeout
        self._publish(frame)
        self.health.work_ends(time.monotonic())
        self._report(frame)

    def _finish(self) -> None:
        """Say how it went, then end this process as SIGINT would."""
        self._expected_ns = None
        touched = ", ".join(
            f"{name} at {speed:.2f} m/s" for name, speed in self._worst_contacts.items()
        )
        self.get_logger().info(
            f"flight of {self._flight.time:.1f} s over; periods without an answer: {self._missed}; "
            f"touched: {touched or 'nothing'}"
        )
        signal.raise_signal(signal.SIGINT)

    # Output --------------------------------------------------------------------------------------

    def _publish(self, frame: Frame) -> None:
        """Sensors first, the clock last: who acts on the clock has the readings already."""
        stamp_ns = from_seconds(frame.stamp)
        header = write_header(stamp_ns, _WORLD)
        self._publish_sensors(frame, stamp_ns)
        if frame.setpoint is not None:
            self._setpoint.publish(PointStamped(header=header, point=Point(z=frame.setpoint)))
        if frame.velocity_setpoint is not None:
            wanted = frame.velocity_setpoint
            twist = Twist(linear=Vector3(x=wanted.speed), angular=Vector3(z=wanted.yaw_rate))
            stamped = write_header(stamp_ns, _BASE)
            self._velocity_setpoint.publish(TwistStamped(header=stamped, twist=twist))
        self._odometry.publish(
            write_odometry(
                OdometrySample(
                    stamp_ns=stamp_ns,
                    frame_id=_WORLD,
                    child_frame_id=_BASE,
                    pose=frame.pose,
                    linear_velocity=frame.velocity[:3],
                    angular_velocity=frame.velocity[3:],
                    pose_covariance=_UNKNOWN_COVARIANCE,
                    twist_covariance=_UNKNOWN_COVARIANCE,
                )
            )
        )
        for contact in frame.contacts:
            named = write_header(stamp_ns, contact.surface)
            self._contact.publish(Float64Stamped(header=named, data=contact.speed))
        moving = StampedTransform(stamp_ns, _WORLD, _BASE, frame.pose)
        self._tf.publish(TFMessage(transforms=[write_transform(moving)]))
        self._clock_output.publish(Clock(clock=write_stamp(stamp_ns)))

    def _publish_sensors(self, frame: Frame, stamp_ns: int) -> None:
        limits = self._flight.scenario.sensors.range_finder
        if frame.range is not None:
            sample = RangeSample(
                stamp_ns=stamp_ns,
                frame_id=_RANGE_FINDER,
                distance=frame.range,
                min_range=limits.minimum,
                max_range=limits.maximum,
                field_of_view=FIELD_OF_VIEW,
            )
            self._range.publish(write_range(sample))
        self._imu.publish(
            write_imu(
                ImuSample(
                    stamp_ns=stamp_ns,
                    frame_id=_IMU,
                    orientation=frame.imu.orientation,
                    angular_velocity=frame.imu.angular_velocity,
                    linear_acceleration=frame.imu.specific_force,
                )
            )
        )

    def _report(self, frame: Frame) -> None:
        """What diagnostics show."""
        for contact in frame.contacts:
            worst = self._worst_contacts.get(contact.surface, 0.0)
            self._worst_contacts[contact.surface] = max(worst, contact.speed)
        flown, elapsed = frame.time - self._began_time, time.monotonic() - self._began
        self.health.notes = {
            "time_s": f"{frame.time:.1f}",
            "pace": f"{flown / max(elapsed, 1e-3):.2f}",
            "missed_steps": str(self._missed),
        } | {f"contact.{name}": f"{speed:.2f}" for name, speed in self._worst_contacts.items()}


def _static_frames(blimp: BlimpParameters) -> TFMessage:
    """Where the sensors and the hull sit; a Range measures along its frame's x axis."""
    half = math.sqrt(0.5)
    upright = (0.0, 0.0, 0.0, 1.0)
    above = blimp.range_finder_depth
    frames = {
        _RANGE_FINDER: rigid_transform((0.0, 0.0, 0.0), (0.0, half, 0.0, half)),
        _IMU: rigid_transform((0.0, 0.0, above - blimp.gondola_depth), upright),
        _HULL: rigid_transform((0.0, 0.0, above), upright),
    }
    return TFMessage(
        transforms=[
            write_transform(StampedTransform(0, _BASE, child, matrix))
            for child, matrix in frames.items()
        ]
    )


def main() -> int:
    """Run the node until the flight is over."""
    return run(lambda: SimulationNode("simulation"))
