"""Feeds a frame tree from /tf and /tf_static."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.clock import JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from tf2_msgs.msg import TFMessage

from snn_ros.errors import SnnRosError
from snn_ros.ros.conversions.geometry import read_transform
from snn_ros.ros.frames import FrameTree

_DEPTH = 100  # as tf2: every broadcaster of a robot may speak at once


def _qos(durability: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=_DEPTH,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=durability,
    )


class FrameListener:
    """Subscribes to the transforms of a robot for as long as it is not closed.

    Args:
        node: whose executor and clock it uses; a clock that goes back clears the moving frames.
        on_fault: told of each transform that is refused; the others of its message are used.
    """

    def __init__(self, node: Node, on_fault: Callable[[SnnRosError], None]) -> None:
        self.tree = FrameTree()
        self._node = node
        self._on_fault = on_fault
        self._subscriptions = [
            node.create_subscription(
                TFMessage, "/tf", self._receive_moving, _qos(DurabilityPolicy.VOLATILE)
            ),
            node.create_subscription(
                TFMessage,
                "/tf_static",
                self._receive_static,
                _qos(DurabilityPolicy.TRANSIENT_LOCAL),
            ),
        ]
        self._jump_handle = node.get_clock().create_jump_callback(
            JumpThreshold(
                min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
            ),
            post_callback=self._clock_jumped,
        )

    def close(self) -> None:
        """Take the subscriptions off the node; the tree stays as it is."""
        self._jump_handle.unregister()
        while self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop())

    def _receive_moving(self, message: TFMessage) -> None:
        self._receive(message, static=False)

    def _receive_static(self, message: TFMessage) -> None:
        self._receive(message, static=True)

    def _receive(self, message: TFMessage, *, static: bool) -> None:
        for transform in message.transforms:
            try:
                self.tree.add(read_transform(transform), static=static)
            except SnnRosError as err:
                self._on_fault(err)

    def _clock_jumped(self, _jump: TimeJump) -> None:
        self.tree.clear_moving()
