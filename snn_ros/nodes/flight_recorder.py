"""Flies a blimp scenario over DDS and keeps what scores and plots need. Not a node to launch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import rclpy
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time

from snn_ros.errors import SnnRosError
from snn_ros.msg import BlimpCommand, BlimpControlDebug, Float64Stamped
from snn_ros.ros.launcher.run import LaunchSession

_EVERYTHING = QoSProfile(depth=10_000, reliability=ReliabilityPolicy.RELIABLE)
_DEBUG_FIELDS = (
    "altitude", "setpoint", "error", "u_pd", "u_i", "u_snn", "u_pid", "u", "input_age_ms",
    "jitter_ms", "step_time_us", "spikes", "overruns",
)  # fmt: skip


class FlightFailed(SnnRosError):
    """A flight did not come to its end."""


@dataclass(frozen=True)
class FlightLog:
    """One flight; every array has one entry per control tick.

    Attributes:
        time: of the tick in s.
        true_altitude: height of the range finder above the floor in m.
        vertical_speed: true, in m/s, positive up.
        values: the numbers of BlimpControlDebug by field name.
        states: state of the controller.
        controllers: which controller drove.
        contacts: (time in s, what was touched, speed in m/s) of every contact.
    """

    time: NDArray[np.float64]
    true_altitude: NDArray[np.float64]
    vertical_speed: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]
    states: tuple[str, ...]
    controllers: tuple[str, ...]
    contacts: tuple[tuple[float, str, float], ...]


class FlightRecorder:
    """Subscribes on a node to the topics of a blimp."""

    def __init__(self, node: Node, namespace: str = "blimp") -> None:
        """Begin to listen.

        Args:
            node: any node that is spun.
            namespace: of the blimp.
        """
        self.debug: list[BlimpControlDebug] = []
        self.odometry: list[Odometry] = []
        self.applied: list[BlimpCommand] = []
        self.contacts: list[Float64Stamped] = []
        for topic, kind, kept in (
            ("blimp_control/output/debug", BlimpControlDebug, self.debug),
            ("ground_truth/odometry", Odometry, self.odometry),
            ("ground_truth/contact", Float64Stamped, self.contacts),
            ("applied_command", BlimpCommand, self.applied),
        ):
            node.create_subscription(kind, f"/{namespace}/{topic}", kept.append, _EVERYTHING)

    def log(self) -> FlightLog:
        """Everything heard so far.

        Raises:
            FlightFailed: nothing was heard.
        """
        if not self.debug or not self.odometry:
            raise FlightFailed(
                f"{len(self.debug)} control ticks and {len(self.odometry)} poses heard"
            )
        times = np.array([_seconds(message) for message in self.debug])
        truth_times = np.array([_seconds(message) for message in self.odometry])
        altitude = np.array([message.pose.pose.position.z for message in self.odometry])
        speed = np.array([message.twist.twist.linear.z for message in self.odometry])
        values = {
            name: np.array([float(getattr(message, name)) for message in self.debug])
            for name in _DEBUG_FIELDS
        }
        return FlightLog(
            time=times,
            true_altitude=np.interp(times, truth_times, altitude),
            vertical_speed=np.interp(times, truth_times, speed),
            values=values,
            states=tuple(message.state for message in self.debug),
            controllers=tuple(message.controller for message in self.debug),
            contacts=tuple((_seconds(m), m.header.frame_id, m.data) for m in self.contacts),
        )


def fly(
    arguments: Mapping[str, str],
    *,
    timeout: float,
    output: TextIO | None = None,
    during: Callable[[LaunchSession, FlightRecorder], None] | None = None,
) -> FlightLog:
    """Start ``launch/blimp.launch.xml`` with its simulation and record until the flight is over.

    Args:
        arguments: of the launch file, such as ``scenario``, ``controller`` and ``pace``.
        timeout: wall time in s after which the flight has failed.
        output: where the nodes' lines go; standard error by default.
        during: called about every 20 ms, to watch or to disturb.

    Raises:
        FlightFailed: it was not over in time, or nothing was heard.
        SnnRosError: the launch failed.
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("flight_recorder", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    recorder = FlightRecorder(node)
    deadline = time.monotonic() + timeout
    with contextlib.ExitStack() as stack:
        stack.callback(rclpy.shutdown, context=context)
        stack.callback(node.destroy_node)
        stack.callback(executor.shutdown)
        session = stack.enter_context(LaunchSession("blimp", arguments, output=output))
        while session.exit_code is None:
            if time.monotonic() > deadline:
                raise FlightFailed(f"not over after {timeout:.0f} s")
            executor.spin_once(timeout_sec=0.02)
            if during is not None:
                during(session, recorder)
        if session.exit_code:
            raise FlightFailed(session.outcome)
        return recorder.log()


def _seconds(message: BlimpControlDebug | Odometry | Float64Stamped) -> float:
    return Time.from_msg(message.header.stamp).nanoseconds * 1e-9
