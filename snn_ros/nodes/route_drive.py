"""Teaches the place recognition node a route over DDS and drives it again. Not a node to launch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import rclpy
from lifecycle_msgs.srv import GetState
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool

from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import rigid_transform
from snn_ros.msg import LoopClosure, PlaceMatch
from snn_ros.ros.conversions.geometry import OdometrySample, write_odometry
from snn_ros.ros.conversions.images import write_image
from snn_ros.ros.conversions.stamps import read_stamp
from snn_ros.ros.launcher.run import LaunchSession
from snn_ros.ros.qos import RESULT

_NAME = "/place_recognition"
_IMAGE, _ODOMETRY = "/camera/image", "/odometry"  # as the launch file names them
_PERIOD_NS = 500_000_000  # from image to image
_RESEND = 2.0  # s without an answer after which an image is sent again: inputs are best effort
_STANDING, _EXACT = np.zeros(3), np.zeros((6, 6))


class DriveFailed(SnnRosError):
    """A drive did not come to its end."""


@dataclass(frozen=True, eq=False)
class Views:
    """What a camera sees along a drive.

    Attributes:
        images: (H, W, 3) RGB each.
        where: (N,) m along the route.
    """

    images: Sequence[NDArray[np.uint8]]
    where: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RouteLog:
    """What the node said of a second drive.

    Attributes:
        matches: one for each image.
        latency_ms: (N,) from sending an image to hearing its answer.
        loops: places that were met again.
    """

    matches: tuple[PlaceMatch, ...]
    latency_ms: NDArray[np.float64]
    loops: tuple[LoopClosure, ...]


def teach_and_drive(
    taught: Views,
    asked: Views,
    arguments: Mapping[str, str],
    *,
    timeout: float,
    output: TextIO | None = None,
) -> RouteLog:
    """Start ``launch/place_recognition.launch.xml``, teach a drive as it passes, drive once more.

    The odometry goes on from the first drive to the second, as if the robot had come round.

    Args:
        taught: each of its images is to become a place.
        asked: the second drive.
        arguments: of the launch file.
        timeout: wall time in s after which the drive has failed.
        output: where the node's lines go; standard error by default.

    Raises:
        DriveFailed: it was not over in time, or teaching was refused or left images out.
        SnnRosError: the launch failed.
    """
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(LaunchSession("place_recognition", arguments, output=output))
        context = rclpy.Context()
        rclpy.init(args=[], context=context)
        stack.callback(rclpy.shutdown, context=context)
        node = rclpy.create_node("route_drive", context=context)
        stack.callback(node.destroy_node)
        executor = SingleThreadedExecutor(context=context)
        stack.callback(executor.shutdown)
        executor.add_node(node)
        deadline = time.monotonic() + timeout

        def spin_until(done: Callable[[], object]) -> None:
            while not done():
                if time.monotonic() > deadline:
                    raise DriveFailed(f"the drive was not over after {timeout:.0f} s")
                if session.exit_code:
                    raise DriveFailed(session.outcome)
                executor.spin_once(timeout_sec=0.02)

        drive = _Drive(node, spin_until)
        session.wait_active(timeout)
        spin_until(drive.connected)
        drive.teach(True)
        for image, where in zip(taught.images, taught.where, strict=True):
            drive.send(image, where)
        drive.teach(False)
        come_round = float(taught.where[-1] - asked.where[0] + np.diff(taught.where).mean())
        answers = [
            drive.send(image, come_round + where)
            for image, where in zip(asked.images, asked.where, strict=True)
        ]
        if answers[-1][0].places != len(taught.images):
            raise DriveFailed(
                f"{answers[-1][0].places} places of {len(taught.images)} images were taught"
            )
        matches, latency_ms = zip(*answers, strict=True)
        return RouteLog(matches, np.array(latency_ms), tuple(drive.loops))


class _Drive:
    """A camera and an odometry, one image at a time."""

    def __init__(self, node: Node, spin_until: Callable[[Callable[[], object]], None]) -> None:
        self._spin_until = spin_until
        self._stamp_ns = 0
        self._matches: dict[int, PlaceMatch] = {}
        self.loops: list[LoopClosure] = []
        self._camera = node.create_publisher(Image, _IMAGE, RESULT)
        self._odometry = node.create_publisher(Odometry, _ODOMETRY, RESULT)
        self._heard = [
            node.create_subscription(PlaceMatch, f"{_NAME}/output/match", self._hear, RESULT),
            node.create_subscription(
                LoopClosure, f"{_NAME}/output/loop_closure", self.loops.append, RESULT
            ),
        ]
        self._teaching = node.create_client(SetBool, f"{_NAME}/teach")
        self._state = node.create_client(GetState, f"{_NAME}/get_state")

    def connected(self) -> bool:
        """Whether the node hears and is heard."""
        heard = all(topic.get_publisher_count() for topic in self._heard)
        hears = all(topic.get_subscription_count() for topic in (self._camera, self._odometry))
        return bool(
            heard and hears
            and self._teaching.service_is_ready() and self._state.service_is_ready()
        )  # fmt: skip

    def teach(self, on: bool) -> None:
        """Begin or end to add places."""
        answer = self._teaching.call_async(SetBool.Request(data=on))
        self._spin_until(answer.done)
        if not answer.result().success:
            raise DriveFailed(f"teach: {answer.result().message}")

    def send(self, image: NDArray[np.uint8], metre: float) -> tuple[PlaceMatch, float]:
        """Show an image and the way to it; the answer, and after how many ms it came."""
        self._stamp_ns += _PERIOD_NS
        pose = rigid_transform([metre, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0])
        sample = OdometrySample(
            self._stamp_ns, "odom", "base_link", pose, _STANDING, _STANDING, _EXACT, _EXACT
        )
        self._odometry.publish(write_odometry(sample))
        asked = self._state.call_async(GetState.Request())
        self._spin_until(asked.done)  # whoever answers this has read the odometry before
        message = write_image(image, "rgb8", self._stamp_ns, "camera")
        began = sent = time.monotonic()
        self._camera.publish(message)

        def answered() -> bool:
            nonlocal sent
            if time.monotonic() > sent + _RESEND:
                sent = time.monotonic()
                self._camera.publish(message)
            return self._stamp_ns in self._matches

        self._spin_until(answered)
        return self._matches[self._stamp_ns], 1e3 * (time.monotonic() - began)

    def _hear(self, match: PlaceMatch) -> None:
        self._matches[read_stamp(match.header.stamp)] = match
