"""Listens to one blimp flight and keeps what scores and plots need. Not a node to launch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.time import Time

from snn_ros.msg import BlimpCommand, BlimpControlDebug
from snn_ros.ros.qos import RESULT

_DEBUG_FIELDS = (
    "altitude", "setpoint", "error", "u_pd", "u_i", "u_snn", "u_pid", "u", "input_age_ms",
    "jitter_ms", "step_time_us", "spikes", "overruns",
)  # fmt: skip


@dataclass(frozen=True)
class FlightLog:
    """One flight; every array has one entry per control tick.

    Attributes:
        time: of the tick in s.
        true_altitude: height of the blimp's base_link above the floor in m.
        vertical_speed: true, in m/s, positive up.
        values: the numbers of BlimpControlDebug by field name.
        states: state of the controller.
        controllers: which controller drove.
    """

    time: NDArray[np.float64]
    true_altitude: NDArray[np.float64]
    vertical_speed: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]
    states: tuple[str, ...]
    controllers: tuple[str, ...]


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
        for topic, kind, kept in (
            ("blimp_control/output/debug", BlimpControlDebug, self.debug),
            ("ground_truth/odometry", Odometry, self.odometry),
            ("applied_command", BlimpCommand, self.applied),
        ):
            node.create_subscription(kind, f"/{namespace}/{topic}", kept.append, RESULT)

    def log(self) -> FlightLog:
        """Everything heard so far."""
        time = np.array([_seconds(message) for message in self.debug])
        truth_time = np.array([_seconds(message) for message in self.odometry])
        altitude = np.array([message.pose.pose.position.z for message in self.odometry])
        speed = np.array([message.twist.twist.linear.z for message in self.odometry])
        values = {
            name: np.array([float(getattr(message, name)) for message in self.debug])
            for name in _DEBUG_FIELDS
        }
        return FlightLog(
            time=time,
            true_altitude=np.interp(time, truth_time, altitude),
            vertical_speed=np.interp(time, truth_time, speed),
            values=values,
            states=tuple(message.state for message in self.debug),
            controllers=tuple(message.controller for message in self.debug),
        )


def _seconds(message: BlimpControlDebug | Odometry) -> float:
    return Time.from_msg(message.header.stamp).nanoseconds * 1e-9
