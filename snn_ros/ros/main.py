"""The one way a node process starts and ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from snn_ros.ros import dds

if TYPE_CHECKING:
    from snn_ros.ros.node import SystemNode

_LONGEST_CLOSE = 5  # s, after which the process ends in any case
_WAKE_UP_PERIOD = 0.1  # s; how late a signal may be noticed while no callback runs


def prepare_environment() -> None:
    """Give this process what a launcher would give it; call it before ROS is initialised."""
    os.environ.update(dds.settings())
    # The wheels do not set it, and resource look-up needs it.
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)


def run(make_node: Callable[[], SystemNode], arguments: Sequence[str] | None = None) -> int:
    """Construct a node, spin it until SIGINT or SIGTERM, and take it down in order.

    rclpy's own signal handlers shut the context down at once, and a node could not send its last
    safe command; here the node is closed first.

    Args:
        make_node: makes the node once ROS is initialised.
        arguments: the process arguments (``--ros-args …``); those of the process by default.

    Returns:
        The exit code of the process.
    """
    prepare_environment()
    stop = threading.Event()

    def request_stop(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # a second one ends the process as usual

    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, request_stop)
    node = None
    executor = SingleThreadedExecutor()
    try:
        node = make_node()
        executor.add_node(node)
        while rclpy.ok() and not stop.is_set():
            executor.spin_once(timeout_sec=_WAKE_UP_PERIOD)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        # Fast DDS may hang for good while it leaves a graph that others leave as well.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_LONGEST_CLOSE)
        if node is not None:
            node.close()
        executor.shutdown()
        rclpy.try_shutdown()
        signal.alarm(0)
    return 0
