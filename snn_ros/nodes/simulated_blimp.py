"""The simulated blimp as messages: sensors, ground truth and /clock out, the applied command in."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from geometry_msgs.msg import Point, PointStamped, Twist, TwistStamped, Vector3
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu, Range
from tf2_msgs.msg import TFMessage

from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import rigid_transform
from snn_ros.msg import BlimpCommand, Float64Stamped
from snn_ros.nodes.simulated_world import CLOCK, Input, SimulatedWorld, Stamped, Topic
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
from snn_ros.simulation.flight import MOTORS_OFF, Flight, Frame, MotorCommand
from snn_ros.simulation.scenario import Scenario
from snn_ros.simulation.sensors.range_finder import FIELD_OF_VIEW
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters

_WORLD, _BASE, _RANGE_FINDER, _IMU, _HULL = "odom", "base_link", "range_finder", "imu", "hull"
_UNKNOWN_COVARIANCE = np.zeros((6, 6))

RANGE, SETPOINT, VELOCITY_SETPOINT, IMU, ODOMETRY, CONTACT = (
    f"~/output/{name}"
    for name in ("range", "setpoint", "velocity_setpoint", "imu", "odometry", "contact")
)


class BadCommand(SnnRosError):
    """A motor command that is not finite."""


class SimulatedBlimp(SimulatedWorld):
    """One flight.

    Attributes:
        frame: what the newest period brought, as plain data; there is one after the first.
    """

    frame: Frame

    kind = "flight"
    topics = (
        Topic(RANGE, Range),
        Topic(SETPOINT, PointStamped),
        Topic(VELOCITY_SETPOINT, TwistStamped),
        Topic(IMU, Imu),
        Topic(ODOMETRY, Odometry),
        Topic(CONTACT, Float64Stamped),
        Topic("/tf", TFMessage),
        Topic("/tf_static", TFMessage, latched=True),
        Topic(CLOCK, Clock),
    )
    awaited = (RANGE, CLOCK)
    warning = ""

    def __init__(self, scenario: Scenario) -> None:
        """Set the world up.

        Raises:
            ConfigurationError: the blimp would start inside something.
        """
        self.period = scenario.control_period
        self.input = Input("command", BlimpCommand, required=False)
        self._flight = Flight(scenario)
        self._command = MOTORS_OFF
        self._worst_contacts: dict[str, float] = {}

    @property
    def time(self) -> float:
        """Since the start in s."""
        return self._flight.time

    @property
    def finished(self) -> bool:
        """Whether the flight is over."""
        return self._flight.finished

    def static_messages(self) -> list[Stamped]:
        """Where sensors and hull sit."""
        return [Stamped(0, "/tf_static", _static_frames(self._flight.scenario.vehicle))]

    def receive(self, message: BlimpCommand) -> int:
        """Take the command as applied.

        Raises:
            BadCommand: it is not finite.
        """
        values = (message.thrust_left, message.thrust_right, message.tilt)
        if not all(map(math.isfinite, values)):
            raise BadCommand(f"thrust_left, thrust_right, tilt = {values}: must be finite")
        stamp_ns = read_stamp(message.header.stamp)
        self._command = MotorCommand(*values)
        return stamp_ns

    def advance(self) -> Iterator[Stamped]:
        """Fly one control period; each message is made when it is asked for.

        A reading that is published while the next message is still being made is there well
        before the clock, so that the controller counts it into this period.
        """
        self.frame = self._flight.advance(self._command)
        for contact in self.frame.contacts:
            worst = self._worst_contacts.get(contact.surface, 0.0)
            self._worst_contacts[contact.surface] = max(worst, contact.speed)
        return self._messages(self.frame)

    def notes(self) -> dict[str, str]:
        """The hardest contact with each surface, in m/s."""
        return {f"contact.{name}": f"{speed:.2f}" for name, speed in self._worst_contacts.items()}

    def outcome(self) -> str:
        """What was touched."""
        touched = [f"{name} at {speed:.2f} m/s" for name, speed in self._worst_contacts.items()]
        return f"touched: {', '.join(touched) or 'nothing'}"

    def close(self) -> None:
        """Nothing to free."""

    def _messages(self, frame: Frame) -> Iterator[Stamped]:
        stamp_ns = from_seconds(frame.stamp)
        for part in (self._sensors(frame, stamp_ns), _truth(frame, stamp_ns)):
            for topic, message in part:
                yield Stamped(stamp_ns, topic, message)
        yield Stamped(stamp_ns, CLOCK, Clock(clock=write_stamp(stamp_ns)))

    def _sensors(self, frame: Frame, stamp_ns: int) -> Iterator[tuple[str, object]]:
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
            yield RANGE, write_range(sample)
        imu = ImuSample(
            stamp_ns=stamp_ns,
            frame_id=_IMU,
            orientation=frame.imu.orientation,
            angular_velocity=frame.imu.angular_velocity,
            linear_acceleration=frame.imu.specific_force,
        )
        yield IMU, write_imu(imu)


def _truth(frame: Frame, stamp_ns: int) -> Iterator[tuple[str, object]]:
    """What is asked for, and what is so."""
    header = write_header(stamp_ns, _WORLD)
    if frame.setpoint is not None:
        yield SETPOINT, PointStamped(header=header, point=Point(z=frame.setpoint))
    if frame.velocity_setpoint is not None:
        wanted = frame.velocity_setpoint
        twist = Twist(linear=Vector3(x=wanted.speed), angular=Vector3(z=wanted.yaw_rate))
        yield VELOCITY_SETPOINT, TwistStamped(header=write_header(stamp_ns, _BASE), twist=twist)
    odometry = OdometrySample(
        stamp_ns=stamp_ns,
        frame_id=_WORLD,
        child_frame_id=_BASE,
        pose=frame.pose,
        linear_velocity=frame.velocity[:3],
        angular_velocity=frame.velocity[3:],
        pose_covariance=_UNKNOWN_COVARIANCE,
        twist_covariance=_UNKNOWN_COVARIANCE,
    )
    yield ODOMETRY, write_odometry(odometry)
    for contact in frame.contacts:
        named = write_header(stamp_ns, contact.surface)
        yield CONTACT, Float64Stamped(header=named, data=contact.speed)
    moving = StampedTransform(stamp_ns, _WORLD, _BASE, frame.pose)
    yield "/tf", TFMessage(transforms=[write_transform(moving)])


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
