"""All axes over DDS: the spiking heads fly the patrol, modes and lost velocities behave."""

import math
import time

import numpy as np
from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu, Range

from snn_ros.msg import BlimpCommand, BlimpControlDebug
from snn_ros.nodes.flight_recorder import fly
from snn_ros.ros.conversions.stamps import write_header
from snn_ros.ros.qos import RESULT, SENSOR
from snn_ros.srv import SetMode

NAME = "/blimp_control"


def test_the_heads_reach_speed_and_heading_and_the_altitude_stays(tmp_path):
    seen = {}

    def keep(_session, recorder):
        seen["recorder"] = recorder

    with (tmp_path / "launch.log").open("w+") as output:
        arguments = {"scenario": "blimp_patrol", "pace": "0.0", "reversible": "true"}
        log = fly(arguments, timeout=100, output=output, during=keep)
    assert not log.contacts
    odometry, debug = seen["recorder"].odometry, seen["recorder"].debug
    stamps = np.array([m.header.stamp.sec + m.header.stamp.nanosec * 1e-9 for m in odometry])
    speed = np.array([m.twist.twist.linear.x for m in odometry])
    orientations = [m.pose.pose.orientation for m in odometry]
    rotations = Rotation.from_quat([(q.x, q.y, q.z, q.w) for q in orientations])
    heading = rotations.as_euler("ZYX")[:, 0]

    def during(begin, end):
        return (stamps >= begin) & (stamps < end)

    assert abs(np.mean(speed[during(7.0, 11.0)]) - 0.25) < 0.04
    assert abs(np.mean(speed[during(26.0, 39.0)]) - 0.25) < 0.04
    assert abs(np.mean(speed[during(45.0, 50.0)])) < 0.05
    assert np.abs(heading[during(0.0, 11.0)]).max() < 0.1
    turned = 0.1 * 12.0  # rad asked for
    assert abs(np.mean(heading[during(30.0, 50.0)]) - turned) < math.radians(8.0)
    settled = during(5.0, 28.0) | during(35.0, 50.0)
    wanted = np.where(log.path[:, 0] < 28.0, 1.0, 1.3)
    assert np.abs(log.path[:, 1] - wanted)[settled].max() < 0.15
    assert {message.mode for message in debug} == {"full"}
    assert {message.controller for message in debug} == {"snn"}


class HeldBlimp:
    """The sensors of a blimp in a hand, for a real node; ``velocity`` is sent while it is set."""

    def __init__(self, probe):
        self.probe, self.altitude, self.velocity = probe, 1.0, None
        self.debug = probe.hear(f"{NAME}/output/debug", BlimpControlDebug, RESULT)
        self.commands = probe.hear(f"{NAME}/output/command", BlimpCommand, RESULT)
        self._range = probe.speak(f"{NAME}/input/range", Range, SENSOR)
        self._imu = probe.speak(f"{NAME}/input/imu", Imu, SENSOR)
        self._odometry = probe.speak(f"{NAME}/input/odometry", Odometry, SENSOR)
        self._velocity = probe.speak(f"{NAME}/input/velocity", TwistStamped, RESULT)
        probe.node.create_timer(0.05, self._send)

    def _send(self):
        header = write_header(self.probe.node.get_clock().now().nanoseconds, "base_link")
        self._range.publish(
            Range(header=header, range=self.altitude, min_range=0.1, max_range=12.0)
        )
        imu = Imu(header=header)
        imu.orientation.w = 1.0
        self._imu.publish(imu)
        odometry = Odometry(header=header, child_frame_id="hull")
        odometry.pose.pose.orientation.w = 1.0
        self._odometry.publish(odometry)
        if self.velocity is not None:
            twist = TwistStamped(header=header)
            twist.twist.linear.x = self.velocity
            self._velocity.publish(twist)

    def set_mode(self, mode):
        return self.probe.call(f"{NAME}/set_mode", SetMode, SetMode.Request(mode=mode))

    def wait(self, condition, what, timeout=10.0):
        """Until it holds for the newest debug message and command."""
        self.probe.wait(
            lambda: self.debug and self.commands and condition(self.debug[-1], self.commands[-1]),
            timeout,
            what,
        )


def upright(command):
    """As the altitude alone commands."""
    return command.thrust_left == command.thrust_right and command.tilt in (0.0, math.pi)


def test_modes_and_a_lost_velocity(probe, start_node):
    start_node("blimp_control_node")
    blimp = HeldBlimp(probe)
    blimp.wait(lambda d, _: d.state == "running", "running", 20.0)
    assert all(upright(command) for command in blimp.commands)

    blimp.velocity = 0.3
    blimp.wait(lambda d, c: d.u_surge > 5.0 and 0.5 < c.tilt < 2.6, "forward thrust")
    blimp.velocity = None
    lost = time.monotonic()
    blimp.wait(lambda d, c: d.u_surge == 0.0 and upright(c), "a stop")
    assert time.monotonic() - lost < 0.5 + 0.6
    assert blimp.debug[-1].state == "running"

    refused = blimp.set_mode("sideways")
    assert not refused.success
    assert "sideways" in refused.message
    assert blimp.set_mode("altitude").success
    blimp.velocity = 0.3
    heard = len(blimp.commands)
    probe.spin(0.5)
    assert all(upright(command) for command in blimp.commands[heard:])

    assert blimp.set_mode("land").success
    blimp.wait(lambda d, _: d.mode == "land" and d.setpoint < 0.8, "a descent")
    blimp.altitude = 0.22
    blimp.wait(lambda d, c: d.mode == "off" and c.thrust_left == c.thrust_right == 0.0, "off")
    assert not blimp.set_mode("land").success
    blimp.altitude = 1.0
    assert blimp.set_mode("full").success
    blimp.wait(lambda d, c: d.state == "running" and 0.5 < c.tilt < 2.6, "flight again")
