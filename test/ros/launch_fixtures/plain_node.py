#!/usr/bin/env python3
"""A node without a life cycle."""

from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException

rclpy.init()
with suppress(KeyboardInterrupt, ExternalShutdownException):
    rclpy.spin(rclpy.create_node("plain_in_code"))
