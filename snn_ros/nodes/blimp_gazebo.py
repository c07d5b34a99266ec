"""What stands for the blimp's drivers in Gazebo: scan to range, motor command to thrust."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rclpy.duration import Duration
from sensor_msgs.msg import LaserScan, Range
from std_msgs.msg import Float64

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.msg import BlimpCommand
from snn_ros.ros.conversions.geometry import write_range
from snn_ros.ros.conversions.scans import read_middle_ray
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode
from snn_ros.ros.qos import RESULT
from snn_ros.simulation.vehicles.blimp_parameters import VERTICAL_PLANTS, BlimpParameters

_FAREWELL = Duration(nanoseconds=200_000_000)


class BadCommand(SnnRosError):
    """A command that motors cannot follow."""


@dataclass(frozen=True)
class BlimpGazeboParameters(NodeParameters):
    """Parameters of the blimp's drivers in Gazebo."""

    plant: str = setting("A", "fitted thrust curve of the motors", choices=tuple(VERTICAL_PLANTS))
    reversible: bool = setting(False, "the motors turn both ways, as the world's vehicle")
    slow_ms: float = setting(
        5.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )


class BlimpGazeboNode(SystemNode[BlimpGazeboParameters]):
    """Gives the controller a Range, and Gazebo's thrusters and servo what they understand."""

    parameters_type = BlimpGazeboParameters

    def configure(self, parameters: BlimpGazeboParameters) -> None:
        """Add topics."""
        self._blimp = BlimpParameters(plant=parameters.plant, reversible=parameters.reversible)
        self._range = self.add_output("range", Range)
        self._thrust_left = self.add_output("thrust_left", Float64)
        self._thrust_right = self.add_output("thrust_right", Float64)
        self._tilt = self.add_output("tilt", Float64)
        self.add_input("scan", LaserScan, self._receive_scan)
        self.add_input("command", BlimpCommand, self._receive_command, qos=RESULT)

    def deactivate(self) -> None:
        """Leave the motors off; Gazebo's thrusters keep their last command."""
        self._publish_thrust(0.0, 0.0)
        for publisher in (self._thrust_left, self._thrust_right):
            publisher.wait_for_all_acked(_FAREWELL)  # this process may be about to end

    def _receive_scan(self, scan: LaserScan) -> None:
        with self.step(scan.header.stamp):
            self._range.publish(write_range(read_middle_ray(scan)))

    def _receive_command(self, command: BlimpCommand) -> None:
        values = (command.thrust_left, command.thrust_right, command.tilt)
        if not all(map(math.isfinite, values)):
            raise BadCommand(f"thrust_left, thrust_right, tilt = {values}: must be finite")
        self._publish_thrust(command.thrust_left, command.thrust_right)
        self._tilt.publish(Float64(data=min(max(command.tilt, 0.0), math.pi)))

    def _publish_thrust(self, left: float, right: float) -> None:
        """Publish the forces in N of two duty cycles."""
        self._thrust_left.publish(Float64(data=self._blimp.static_thrust(left)))
        self._thrust_right.publish(Float64(data=self._blimp.static_thrust(right)))


def main() -> int:
    """Run the node."""
    return run(lambda: BlimpGazeboNode("blimp_gazebo"))
