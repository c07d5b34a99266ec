"""Flies a blimp scenario over DDS and keeps what scores and plots need. Not a node to launch."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.time import Time

from snn_ros.errors import SnnRosError
from snn_ros.msg import BlimpCommand, BlimpControlDebug, Float64Stamped
from snn_ros.ros.launcher.run import LaunchSession

_EVERYTHING = QoSProfile(depth=10_000, reliability=ReliabilityPolicy.RELIABLE)
_SETTLING_TIME = 1.0  # s from our discovery of the publishers until they have discovered us
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
        values: the numbers of BlimpControlDebug by field name.
        states: state of the controller.
        controllers: which controller drove.
        contacts: (time in s, what was touched, speed in m/s) of every contact.
        path: (K, 2) time in s and true altitude in m of every control period, also without ticks.
    """

    time: NDArray[np.float64]
    true_altitude: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]
    states: tuple[str, ...]
    controllers: tuple[str, ...]
    contacts: tuple[tuple[float, str, float], ...]
    path: NDArray[np.float64]


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
        self._subscriptions: list[Subscription] = []
        self._truth: list[Odometry] = []  # for each tick, the newest pose by then
        for topic, kind, callback in (
            ("blimp_control/output/debug", BlimpControlDebug, self._ticked),
            ("ground_truth/odometry", Odometry, self.odometry.append),
            ("ground_truth/contact", Float64Stamped, self.contacts.append),
            ("applied_command", BlimpCommand, self.applied.append),
        ):
            subscription = node.create_subscription(
                kind, f"/{namespace}/{topic}", callback, _EVERYTHING
            )
            self._subscriptions.append(subscription)

    def matched(self) -> bool:
        """Whether every topic has its publisher.

        Raises:
            FlightFailed: one has several, so two flights share a ROS domain.
        """
        counts = [subscription.get_publisher_count() for subscription in self._subscriptions]
        if max(counts) > 1:
            topic = self._subscriptions[counts.index(max(counts))].topic_name
            domain = os.environ.get("ROS_DOMAIN_ID", "0")
            raise FlightFailed(
                f"{max(counts)} publishers of {topic}: another blimp flies in ROS domain {domain}; "
                "set ROS_DOMAIN_ID to one that is free"
            )
        return min(counts) == 1

    def log(self) -> FlightLog:
        """Everything heard so far.

        Raises:
            FlightFailed: nothing was heard.
        """
        if not self.debug:
            raise FlightFailed(f"no control tick heard, and {len(self.odometry)} poses")
        values = {
            name: np.array([float(getattr(message, name)) for message in self.debug])
            for name in _DEBUG_FIELDS
        }
        return FlightLog(
            time=np.array([_seconds(message) for message in self.debug]),
            true_altitude=np.array([pose.pose.pose.position.z for pose in self._truth]),
            values=values,
            states=tuple(message.state for message in self.debug),
            controllers=tuple(message.controller for message in self.debug),
            contacts=tuple((_seconds(m), m.header.frame_id, m.data) for m in self.contacts),
            path=np.array([(_seconds(m), m.pose.pose.position.z) for m in self.odometry]),
        )

    def _ticked(self, message: BlimpControlDebug) -> None:
        if self.odometry:
            self.debug.append(message)
            self._truth.append(self.odometry[-1])


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

    def spin_until(done: Callable[[], object]) -> None:
        while not done():
            if time.monotonic() > deadline:
                raise FlightFailed(f"not over after {timeout:.0f} s")
            if session.exit_code:
                raise FlightFailed(session.outcome)
            executor.spin_once(timeout_sec=0.02)
            if during is not None:
                during(session, recorder)

    def change_state(transition: int) -> None:
        spin_until(client.service_is_ready)
        answer = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        spin_until(answer.done)
        if not answer.result().success:
            raise FlightFailed("the simulation could not be started, see its output")

    with contextlib.ExitStack() as stack:
        stack.callback(rclpy.shutdown, context=context)
        stack.callback(node.destroy_node)
        stack.callback(executor.shutdown)
        # The simulation is held back until nothing of the flight can be missed.
        session = stack.enter_context(
            LaunchSession("blimp", {**arguments, "autostart": "false"}, output=output)
        )
        client = node.create_client(ChangeState, "/blimp/simulation/change_state")
        change_state(Transition.TRANSITION_CONFIGURE)
        spin_until(recorder.matched)
        settled = time.monotonic() + _SETTLING_TIME
        spin_until(lambda: time.monotonic() > settled)
        change_state(Transition.TRANSITION_ACTIVATE)
        spin_until(lambda: session.exit_code is not None)
        return recorder.log()


def _seconds(message: BlimpControlDebug | Odometry | Float64Stamped) -> float:
    return Time.from_msg(message.header.stamp).nanoseconds * 1e-9
