"""Control of a blimp as a node: range, setpoint and velocity in, motor command out at 10 Hz."""

from __future__ import annotations

import gc
import math
import time
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PointStamped, TwistStamped
from nav_msgs.msg import Odometry
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu, Range
from std_srvs.srv import Trigger

from snn_ros.blimp_control import (
    BlimpController,
    BlimpPilot,
    BlimpSupervisor,
    ControllerConfig,
    ControlOutput,
    PilotOutput,
    SupervisorConfig,
)
from snn_ros.blimp_control.freshness import HOLD, RUNNING, STARTING
from snn_ros.blimp_control.heads import SURGE, YAW, Head
from snn_ros.blimp_control.pid import NOMINAL_PERIOD
from snn_ros.blimp_control.pilot import ALTITUDE, FULL, OFF
from snn_ros.blimp_control.planar_motion import PlanarConfig, PlanarMotion
from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.msg import BlimpCommand, BlimpControlDebug, SpikeActivity
from snn_ros.ros.conversions.geometry import read_imu, read_odometry, read_range
from snn_ros.ros.conversions.spike_activity import write_spike_activity
from snn_ros.ros.conversions.stamps import read_header
from snn_ros.ros.health import ERROR, WARN
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode
from snn_ros.ros.qos import RESULT
from snn_ros.srv import SetMode

_LATE = 1.5  # periods after which a tick counts as an overrun
_ACTIVITY_TICKS = 10  # spike activity is published once per so many ticks


class RejectedInput(SnnRosError):
    """A measurement or setpoint that the supervisor does not accept."""


@dataclass(frozen=True)
class BlimpControlParameters(NodeParameters):
    """Parameters of the controller."""

    profile: str = setting("edge", "which network", choices=("edge", "paper"), read_only=True)
    weights: str = setting("", "another weights file; empty: the profile's own", read_only=True)
    slow_ms: float = setting(
        10.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )
    mode: str = setting(
        FULL,
        "after each activation: full follows velocities when there are any",
        choices=(ALTITUDE, FULL),
        read_only=True,
    )
    control: ControllerConfig = setting(ControllerConfig, "the controller")
    supervision: SupervisorConfig = setting(SupervisorConfig, "the rules around it")
    planar: PlanarConfig = setting(PlanarConfig, "surge and yaw")


class BlimpControlNode(SystemNode[BlimpControlParameters]):
    """Feeds the pilot with measurements and wishes, ticks it at 10 Hz, publishes every term."""

    parameters_type = BlimpControlParameters

    def configure(self, parameters: BlimpControlParameters) -> None:
        """Load the network, check it, and add topics."""
        controller = BlimpController.from_config(
            profile=parameters.profile,
            device=parameters.device,
            weights=parameters.weights or None,
            config=parameters.control,
        )
        self._supervisor = BlimpSupervisor(controller, parameters.supervision)
        which = parameters.control.controller
        shadow = parameters.control.shadow if parameters.control.fallback else None
        self._planar = PlanarMotion(
            Head.from_weights(YAW, which, shadow),
            Head.from_weights(SURGE, which, shadow),
            parameters.planar,
        )
        self._pilot = BlimpPilot(self._supervisor, self._planar, parameters.mode)
        self._stop_ramp = parameters.supervision.stop_ramp
        self._tilt = 0.0
        self._command = self.add_output("command", BlimpCommand)
        self._debug = self.add_output("debug", BlimpControlDebug)
        self._activity = self.add_output("spike_activity", SpikeActivity)
        self.add_input("range", Range, self._receive_range)
        self.add_input("setpoint", PointStamped, self._receive_setpoint, qos=RESULT, required=False)
        self.add_input("imu", Imu, self._receive_imu, required=False)
        self.add_input("velocity", TwistStamped, self._receive_velocity, qos=RESULT, required=False)
        self.add_input("odometry", Odometry, self._receive_odometry, required=False)
        self.add_service("reset_integral", Trigger, self._reset_integral)
        self.add_service("set_mode", SetMode, self._set_mode)
        self.add_periodic(NOMINAL_PERIOD, self._tick)

    def activate(self) -> None:
        """Begin to collect altitudes; the supervisor starts to fly once it has enough."""
        self._pilot.activate(self.control_time())
        self._previous_tick: float | None = None
        self._ticks = self._overruns = 0
        # What lives now lives for good; collecting it again would only cost ticks.
        gc.collect()
        gc.freeze()

    def deactivate(self) -> None:
        """Bring the thrust down, in simulated time at once."""
        self._pilot.deactivate(self.control_time())
        if not self.simulated_time:
            end = time.monotonic() + self._stop_ramp
            while time.monotonic() < end:
                self._publish_command(self._pilot.tick(self.control_time()).control)
                time.sleep(NOMINAL_PERIOD)
        self._command.publish(self._no_thrust())

    def _receive_range(self, message: Range) -> None:
        sample = read_range(message)
        if not sample.measured:
            limits = f"{sample.min_range:g} to {sample.max_range:g} m"
            raise RejectedInput(f"range = {sample.distance!r}: outside {limits}")
        self._accept(
            self._supervisor.add_range(sample.distance, self.control_time(), pitch=self._tilt)
        )

    def _receive_setpoint(self, message: PointStamped) -> None:
        read_header(message.header)
        self._accept(self._supervisor.set_setpoint(message.point.z, self.control_time()))

    def _receive_imu(self, message: Imu) -> None:
        sample = read_imu(message)
        if sample.orientation is None:
            return
        matrix = Rotation.from_quat(sample.orientation).as_matrix()
        # Only the beam's angle to the vertical matters, whatever its direction.
        self._tilt = math.acos(float(np.clip(matrix[2, 2], -1.0, 1.0)))
        if sample.angular_velocity is not None:
            heading = math.atan2(matrix[1, 0], matrix[0, 0])
            _, pitch_rate, yaw_rate = sample.angular_velocity.tolist()
            self._planar.add_attitude(heading, yaw_rate, pitch_rate, self.control_time())

    def _receive_odometry(self, message: Odometry) -> None:
        speed = float(read_odometry(message).linear_velocity[0])
        self._planar.add_speed(speed, self.control_time())

    def _receive_velocity(self, message: TwistStamped) -> None:
        wanted = message.twist
        self._accept(
            self._planar.set_velocity(wanted.linear.x, wanted.angular.z, self.control_time())
        )

    @staticmethod
    def _accept(rejection: str | None) -> None:
        if rejection is not None:
            raise RejectedInput(rejection)

    def _tick(self) -> None:
        now = self.control_time()
        period = NOMINAL_PERIOD if self._previous_tick is None else now - self._previous_tick
        self._previous_tick = now
        self._overruns += period > _LATE * NOMINAL_PERIOD
        stamp = self.get_clock().now().to_msg()
        with self.step(stamp):
            began = time.perf_counter()
            output = self._pilot.tick(now)
            step_time = time.perf_counter() - began
            self._publish_command(output.control)
        self._publish_debug(output, period, step_time)
        self._ticks += 1
        if self._ticks % _ACTIVITY_TICKS == 0 and self._activity.get_subscription_count():
            activity = self._pilot.spike_activity()
            self._activity.publish(write_spike_activity(activity, stamp))
        self._raise_alarm(output)

    def _no_thrust(self) -> BlimpCommand:
        command = BlimpCommand()
        command.header.stamp = self.get_clock().now().to_msg()
        return command

    def _publish_command(self, output: ControlOutput) -> None:
        command = self._no_thrust()
        command.thrust_left, command.thrust_right = output.thrust_left, output.thrust_right
        command.tilt = output.tilt
        self._command.publish(command)

    def _publish_debug(self, pilot: PilotOutput, period: float, step_time: float) -> None:
        output, planar = pilot.control, pilot.planar
        step = output.step
        debug = BlimpControlDebug(
            state=output.state,
            controller=step.controller,
            altitude=output.altitude,
            setpoint=output.setpoint,
            error=output.error,
            u_pd=step.u_pd,
            u_i=step.u_i,
            u_snn=step.u_snn,
            u_pid=step.u_pid,
            u=output.command,
            saturated=output.saturated,
            input_age_ms=output.input_age * 1e3,
            jitter_ms=(period - NOMINAL_PERIOD) * 1e3,
            step_time_us=step_time * 1e6,
            overruns=self._overruns,
            spikes=step.spikes,
            mode=pilot.mode,
            heading_error=planar.heading_error,
            speed_error=planar.speed_error,
            u_yaw=planar.u_yaw,
            u_surge=planar.u_surge,
        )
        debug.header.stamp = self.get_clock().now().to_msg()
        self._debug.publish(debug)

    def _raise_alarm(self, pilot: PilotOutput) -> None:
        """Show in diagnostics what the pilot is coping with."""
        output = pilot.control
        notes = {"mode": pilot.mode, "state": output.state, "controller": output.step.controller}
        self.health.notes = notes | {"overruns": str(self._overruns)}
        fault = output.step.fault or self._planar.fault
        if fault:
            self.health.alarm = (ERROR, f"the PID flies: {fault}")
        elif pilot.mode == OFF:
            self.health.alarm = (WARN, "off: set_mode brings the motors back")
        elif output.battery_low:
            self.health.alarm = (ERROR, "landing: battery low")
        elif output.state in (STARTING, HOLD):
            self.health.alarm = (WARN, f"{output.state}: altitude {output.input_age:.1f} s old")
        elif output.state != RUNNING:
            self.health.alarm = (ERROR, f"{output.state}: altitude {output.input_age:.1f} s old")
        else:
            self.health.alarm = None

    def _reset_integral(self, _request: object, response: Trigger.Response) -> Trigger.Response:
        self._supervisor.reset_integral()
        response.success, response.message = True, "the I term is zero"
        return response

    def _set_mode(self, request: SetMode.Request, response: SetMode.Response) -> SetMode.Response:
        if self.active:
            refusal = self._pilot.set_mode(request.mode, self.control_time())
        else:
            refusal = f"mode {request.mode!r} while the node is not active"
        response.success = refusal is None
        response.message = refusal or f"mode is {self._pilot.mode}"
        return response


def main() -> int:
    """Run the node."""
    return run(lambda: BlimpControlNode("blimp_control"))
