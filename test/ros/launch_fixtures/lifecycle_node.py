#!/usr/bin/env python3
"""A lifecycle node that activates itself, or does not: parameter ``state`` says where it stays."""

import json
import sys

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode

rclpy.init()
node = LifecycleNode("in_code", automatically_declare_parameters_from_overrides=True)
parameters = {name: parameter.value for name, parameter in sorted(node._parameters.items())}
for name in ("use_sim_time", "start_type_description_service"):
    parameters.pop(name, None)
sys.stdout.write(json.dumps(parameters) + "\n")
health = node.create_publisher(DiagnosticArray, "/diagnostics", 10)


def report() -> None:
    status = DiagnosticStatus(
        level=DiagnosticStatus.ERROR, name=node.get_fully_qualified_name(), message="no weights"
    )
    health.publish(DiagnosticArray(status=[status]))


try:
    if parameters.get("state", "active") == "active":
        node.trigger_configure()
        node.trigger_activate()
    else:
        node.create_timer(0.1, report)
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
