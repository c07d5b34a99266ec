"""The blimp's pilot and a simulated flight in one process, for recordings and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.spatial.transform import Rotation

from snn_ros.bags import BagWriter
from snn_ros.blimp_control import (
    BlimpController,
    BlimpPilot,
    BlimpSupervisor,
    ControllerConfig,
    PilotOutput,
)
from snn_ros.blimp_control.allocation import ThrusterConfig
from snn_ros.blimp_control.heads import SURGE, YAW, Head
from snn_ros.blimp_control.pilot import FULL
from snn_ros.blimp_control.planar_motion import PlanarConfig, PlanarMotion
from snn_ros.blimp_control.shadow import ShadowConfig
from snn_ros.msg import BlimpCommand
from snn_ros.nodes import simulated_blimp as blimp
from snn_ros.nodes.recorder import Recorder
from snn_ros.nodes.simulated_world import Stamped, Topic
from snn_ros.ros.conversions.stamps import from_seconds, write_header
from snn_ros.simulation.flight import Frame
from snn_ros.simulation.scenario import Scenario

_COMMAND = "applied_command"
_NAMES = {
    blimp.RANGE: "range",
    blimp.SETPOINT: "setpoint",
    blimp.VELOCITY_SETPOINT: "cmd_vel",
    blimp.IMU: "imu",
    blimp.ODOMETRY: "ground_truth/odometry",
    blimp.CONTACT: "ground_truth/contact",
    _COMMAND: _COMMAND,
}
"""Topics as ``launch/simulation.launch.xml`` names them."""


def make_pilot(scenario: Scenario, controller: str = "snn") -> BlimpPilot:
    """A pilot for the blimp of a scenario.

    Args:
        scenario: what it will fly.
        controller: ``snn`` or ``pid``, of all axes.
    """
    thrusters = ThrusterConfig(reversible=scenario.vehicle.reversible)
    yaw, surge = (Head.from_weights(axis, controller, ShadowConfig()) for axis in (YAW, SURGE))
    altitude = BlimpController.from_config(config=ControllerConfig(controller=controller))
    planar = PlanarMotion(yaw, surge, PlanarConfig(thrusters=thrusters))
    return BlimpPilot(BlimpSupervisor(altitude), planar, FULL)


def answer(pilot: BlimpPilot, frame: Frame) -> PilotOutput:
    """What the node does in one period: take what was measured, and tick.

    Args:
        pilot: active.
        frame: of the period that has just ended.
    """
    now = frame.stamp
    matrix = Rotation.from_quat(frame.imu.orientation).as_matrix()
    lean = math.acos(min(max(float(matrix[2, 2]), -1.0), 1.0))
    _, pitch_rate, yaw_rate = frame.imu.angular_velocity.tolist()
    pilot.planar.add_attitude(math.atan2(matrix[1, 0], matrix[0, 0]), yaw_rate, pitch_rate, now)
    pilot.planar.add_speed(float(frame.velocity[0]), now)
    if frame.range is not None:
        pilot.supervisor.add_range(frame.range, now, pitch=lean)
    if frame.setpoint is not None:
        pilot.supervisor.set_setpoint(frame.setpoint, now)
    if frame.velocity_setpoint is not None:
        wanted = frame.velocity_setpoint
        pilot.planar.set_velocity(wanted.speed, wanted.yaw_rate, now)
    return pilot.tick(now)


def record_flight(
    scenario: Scenario,
    bag: BagWriter,
    watch: Callable[[Frame, PilotOutput], None] = lambda _frame, _output: None,
) -> None:
    """Fly to the end and write everything, below ``/blimp``.

    Args:
        scenario: what to fly.
        bag: where to.
        watch: called after each period.

    Raises:
        ConfigurationError: the blimp would start inside something.
        BagNotWritten: the file system refuses; what was written so far is whole.
    """
    world, pilot = blimp.SimulatedBlimp(scenario), make_pilot(scenario)
    pilot.activate(0.0)
    names = {topic: f"/blimp/{name}" for topic, name in _NAMES.items()}
    recorder = Recorder(bag, (*world.topics, Topic(_COMMAND, BlimpCommand)), names)
    recorder.write(world.static_messages())
    while not world.finished:
        recorder.write(world.advance())
        frame = world.frame
        output = answer(pilot, frame)
        stamp_ns = from_seconds(frame.stamp)
        command = BlimpCommand(
            header=write_header(stamp_ns, ""),
            thrust_left=output.control.thrust_left,
            thrust_right=output.control.thrust_right,
            tilt=output.control.tilt,
        )
        world.receive(command)
        recorder.write([Stamped(stamp_ns, _COMMAND, command)])
        watch(frame, output)
