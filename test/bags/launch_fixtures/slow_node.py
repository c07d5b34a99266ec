#!/usr/bin/env python3
"""A lifecycle node that becomes active late and answers each reading after a while.

Parameter ``topic`` is what it listens to, ``delay`` how long it thinks in seconds, ``record`` a
file for the number of answers sent.
"""

import time
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Range

ALL = QoSProfile(history=HistoryPolicy.KEEP_ALL, depth=1, reliability=ReliabilityPolicy.RELIABLE)

rclpy.init()
node = LifecycleNode("slow", automatically_declare_parameters_from_overrides=True)
topic, delay, record = (node.get_parameter(name).value for name in ("topic", "delay", "record"))
answers = node.create_publisher(Range, "~/output/answer", ALL)
waiting: list[tuple[float, Range]] = []
sent = 0


def answer() -> None:
    global sent
    while waiting and time.monotonic() > waiting[0][0] + delay:
        answers.publish(waiting.pop(0)[1])
        sent += 1


def begin() -> None:
    start.cancel()
    node.create_subscription(
        Range, topic, lambda message: waiting.append((time.monotonic(), message)), ALL
    )
    node.trigger_configure()
    node.trigger_activate()


start = node.create_timer(1.0, begin)
node.create_timer(0.02, answer)
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    Path(record).write_text(str(sent))
