"""The motor-side watchdog of the blimp: passes fresh commands on, zero thrust otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass

from builtin_interfaces.msg import Time

from snn_ros.blimp_control import AppliedCommand, MotorWatchdog
from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.msg import BlimpCommand
from snn_ros.ros.health import ERROR
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode
from snn_ros.ros.qos import RESULT

_CHECK_PERIOD = 0.05  # s


class BadCommand(SnnRosError):
    """A command that motors cannot follow."""


@dataclass(frozen=True)
class BlimpMotorsParameters(NodeParameters):
    """Parameters of the motor watchdog."""

    command_timeout: float = setting(
        0.3,
        "silence of the commands after which thrust is zero",
        unit="s",
        minimum=0.1,
        maximum=2.0,
    )
    reversible: bool = setting(False, "let negative duties pass: the motors turn both ways")
    slow_ms: float = setting(
        5.0, "processing time above which the node warns", unit="ms", minimum=0.1
    )


class BlimpMotorsNode(SystemNode[BlimpMotorsParameters]):
    """Publishes the command as applied; what drives the motors subscribes to it alone."""

    parameters_type = BlimpMotorsParameters

    def configure(self, parameters: BlimpMotorsParameters) -> None:
        """Subscribe to commands and start to check their age."""
        self._watchdog = MotorWatchdog(parameters.command_timeout, reversible=parameters.reversible)
        self._applied = self.add_output("command", BlimpCommand)
        self.add_input("command", BlimpCommand, self._receive, qos=RESULT)
        self.add_periodic(_CHECK_PERIOD, self._check)

    def activate(self) -> None:
        """No thrust until the first command."""
        self._watchdog.reset()

    def deactivate(self) -> None:
        """Leave the motors off."""
        self._publish(AppliedCommand(), self.get_clock().now().to_msg())

    def clock_jumped_back(self, _seconds: float) -> None:
        """Ages measured before the jump mean nothing."""
        self._watchdog.reset()

    def _receive(self, command: BlimpCommand) -> None:
        stamp = command.header.stamp
        thrust = (command.thrust_left, command.thrust_right, command.tilt)
        if not all(map(math.isfinite, thrust)):
            raise BadCommand(f"thrust_left, thrust_right, tilt = {thrust}: must be finite")
        with self.step(stamp):
            self._publish(self._watchdog.accept(*thrust, self.control_time()), stamp)

    def _check(self) -> None:
        now = self.control_time()
        applied = self._watchdog.tick(now)
        self.health.alarm = (ERROR, f"motors off: {applied.fault}") if applied.fault else None
        if self._watchdog.expired(now):
            self._publish(applied, self.get_clock().now().to_msg())

    def _publish(self, applied: AppliedCommand, stamp: Time) -> None:
        message = BlimpCommand(
            thrust_left=applied.thrust_left, thrust_right=applied.thrust_right, tilt=applied.tilt
        )
        message.header.stamp = stamp
        self._applied.publish(message)


def main() -> int:
    """Run the node."""
    return run(lambda: BlimpMotorsNode("blimp_motors"))
