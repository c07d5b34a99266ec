"""Altitude control of a blimp as a node: range and setpoint in, motor command out at 10 Hz."""

from __future__ import annotations

import gc
import math
import time
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PointStamped
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu, Range
from std_srvs.srv import Trigger

from snn_ros.blimp_control import (
    BlimpController,
    BlimpSupervisor,
    ControllerConfig,
    ControlOutput,
    SupervisorConfig,
)
from snn_ros.blimp_control.freshness import HOLD, RUNNING, STARTING
from snn_ros.blimp_control.pid import NOMINAL_PERIOD
from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.msg import BlimpCommand, BlimpControlDebug, SpikeActivity
from snn_ros.ros.conversions.geometry import read_imu, read_range
from snn_ros.ros.conversions.spike_activity import write_spike_activity
from snn_ros.ros.conversions.stamps import read_header
from snn_ros.ros.health import ERROR, WARN
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode
from snn_ros.ros.qos import RESULT

_LATE = 1.5  # periods after which a tick counts as an overrun
_ACTIVITY_TICKS = 10  # spike activity is published once per so many ticks


class RejectedInput(SnnRosError):
    """A measurement or setpoint that the supervisor does not accept."""


@dataclass(frozen=True)
class BlimpControlParameters(NodeParameters):
    """Parameters of the altitude controller."""

    profile: str = setting("edge", "which network", choices=("edge", "paper"), read_only=True)
    weights: str = setting("", "another weights file; empty: the profile's own", read_only=True)
    slow_ms: float = setting(
        10.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )
    control: ControllerConfig = setting(ControllerConfig, "the controller")
    supervision: SupervisorConfig = setting(SupervisorConfig, "the rules around it")


class BlimpControlNode(SystemNode[BlimpControlParameters]):
    """Feeds the supervisor with ranges and setpoints, ticks it at 10 Hz, publishes every term."""

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
        self._stop_ramp = parameters.supervision.stop_ramp
        self._tilt = 0.0
        self._command = self.add_output("command", BlimpCommand)
        self._debug = self.add_output("debug", BlimpControlDebug)
        self._activity = self.add_output("spike_activity", SpikeActivity)
        self.add_input("range", Range, self._receive_range)
        self.add_input("setpoint", PointStamped, self._receive_setpoint, qos=RESULT, required=False)
        self.add_input("imu", Imu, self._receive_imu, required=False)
        self.add_service("reset_integral", Trigger, self._reset_integral)
        self.add_periodic(NOMINAL_PERIOD, self._tick)

    def activate(self) -> None:
        """Begin to collect altitudes; the supervisor starts to fly once it has enough."""
        self._supervisor.activate(self.control_time())
        self._previous_tick: float | None = None
        self._ticks = self._overruns = 0
        # What lives now lives for good; collecting it again would only cost ticks.
        gc.collect()
        gc.freeze()

    def deactivate(self) -> None:
        """Bring the thrust down, in simulated time at once."""
        self._supervisor.deactivate(self.control_time())
        if not self.simulated_time:
            end = time.monotonic() + self._stop_ramp
            while time.monotonic() < end:
                self._publish_command(self._supervisor.tick(self.control_time()))
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
        orientation = read_imu(message).orientation
        if orientation is not None:
            # Only the beam's angle to the vertical matters, whatever its direction.
            down = Rotation.from_quat(orientation).as_matrix()[2, 2]
            self._tilt = math.acos(float(np.clip(down, -1.0, 1.0)))

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
            output = self._supervisor.tick(now)
            step_time = time.perf_counter() - began
            self._publish_command(output)
        self._publish_debug(output, period, step_time)
        self._ticks += 1
        if self._ticks % _ACTIVITY_TICKS == 0 and self._activity.get_subscription_count():
            activity = self._supervisor.controller.spike_activity()
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

    def _publish_debug(self, output: ControlOutput, period: float, step_time: float) -> None:
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
        )
        debug.header.stamp = self.get_clock().now().to_msg()
        self._debug.publish(debug)

    def _raise_alarm(self, output: ControlOutput) -> None:
        """Show in diagnostics what the supervisor is coping with."""
        notes = {"state": output.state, "controller": output.step.controller}
        self.health.notes = notes | {"overruns": str(self._overruns)}
        if output.step.fault:
            self.health.alarm = (ERROR, f"the PID flies: {output.step.fault}")
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


def main() -> int:
    """Run the node."""
    return run(lambda: BlimpControlNode("blimp_control"))
