"""Publishes a node's health on /diagnostics and says in the log which input is missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from snn_ros.ros.health import InputHealth
from snn_ros.ros.qos import RESULT
from snn_ros.ros.watchdog import Watchdog

if TYPE_CHECKING:
    from snn_ros.ros.node import SystemNode

_PERIOD = 1.0  # s between diagnostic messages
_REPEAT = 30.0  # s between repeated reports of the same silence


class Reporter:
    """Reports once a second from a thread of its own, so that a hung callback still alarms."""

    def __init__(self, node: SystemNode) -> None:
        self.silence_limit = 5.0  # s
        self.slow_ms = 200.0
        self._node = node
        self._health = node.health
        self._reported: list[str] = []
        self._next_report = 0.0
        # A plain publisher: diagnostics matter most while the node is not active.
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", RESULT)
        self._watchdog = Watchdog(_PERIOD, self.report)

    def stop(self) -> None:
        """End the reporting thread."""
        self._watchdog.stop()

    def report(self) -> None:
        """Publish the state of things now."""
        now = time.monotonic()
        active = self._node.active
        level, summary = self._health.judge(now, active, self.silence_limit, self.slow_ms)
        status = DiagnosticStatus(
            level=level,
            name=self._node.get_fully_qualified_name(),
            message=summary,
            hardware_id="",
            values=[KeyValue(key=k, value=v) for k, v in self._health.values(now).items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
        if active:
            self._report_silence(now)

    def _report_silence(self, now: float) -> None:
        silent = self._health.silent_inputs(now, self.silence_limit)
        reasons = [f"{health.topic}: {self._reason(health)}" for health in silent]
        if not reasons:
            self._reported = []
            return
        if reasons == self._reported and now < self._next_report:
            return
        self._reported, self._next_report = reasons, now + _REPEAT
        more = self._node.describe_silence()
        self._node.get_logger().warning(
            f"no data for {self.silence_limit:g} s. {'; '.join(reasons)}"
            + (f". {more}" if more else "")
        )

    def _reason(self, health: InputHealth) -> str:
        """Why an input may be silent."""
        publishers = self._node.get_publishers_info_by_topic(health.topic)
        received = f"{health.received} messages so far"
        if not publishers:
            return f"no publisher ({received}; remapped to the right topic?)"
        if health.incompatible_qos:
            return f"incompatible QoS of a publisher: {health.incompatible_qos}"
        names = ", ".join(sorted({info.node_name for info in publishers}))
        return f"published by {names}, but nothing arrives ({received}; see docs/dds.md)"
