"""Waits until nodes are in the graph and, where they have a life cycle, active.

A program, ``python -m snn_ros.ros.launcher.lifecycle TIMEOUT NAME…``, which prints what is known of
each node that is not, as JSON. SIGINT and SIGTERM make it answer at once.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node, NodeNameNonExistentError
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

_POLL = 0.1  # s
_PLAIN_AFTER = 1.0  # s in the graph without a life-cycle service that make a node a plain one
_ANSWER_TIMEOUT = 2.0  # s after which a request is sent again; the node may have been restarted
_LEAVE_TIME = 1  # s to leave the graph; Fast DDS may hang there, and SIGALRM ends the process
_GIVEN_UP = ("unconfigured", "finalized")
_SERVICE_TYPE = "lifecycle_msgs/srv/GetState"


class LifecycleWatch:
    """A node of its own that asks other nodes for their state. A context manager."""

    def __init__(self, names: Iterable[str]) -> None:
        """Join the graph.

        Args:
            names: fully qualified names of the nodes to watch.
        """
        self._context = Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node(
            "snn_ros_launcher", context=self._context, enable_rosout=False,
            start_parameter_services=False, use_global_arguments=False,
        )  # fmt: skip
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._watched = [_Watched(name, self._node) for name in names]
        self._errors: dict[str, str] = {}
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnosed, 10)

    def __enter__(self) -> LifecycleWatch:
        """Nothing more to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def wait_active(
        self, timeout: float, keep_waiting: Callable[[], bool] = lambda: True
    ) -> dict[str, str]:
        """Wait until all are active, or in the graph where they have no life cycle.

        It ends early when the others have failed and say so in their diagnostics.

        Args:
            timeout: in s.
            keep_waiting: asked ten times a second; waiting ends when it says no.

        Returns:
            What is known of each node that is not, by name. Empty when all are.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and keep_waiting():
            self._executor.spin_once(timeout_sec=_POLL)
            present = self._node.get_node_names_and_namespaces()
            for watched in self._watched:
                watched.look(present)
            if all(watched.ready or self._has_failed(watched) for watched in self._watched):
                break
        return {
            watched.name: self._reason(watched) for watched in self._watched if not watched.ready
        }

    def _diagnosed(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.level == DiagnosticStatus.ERROR:
                self._errors[status.name] = status.message

    def _has_failed(self, watched: _Watched) -> bool:
        """Whether a node tried and gave up: not configured, and an error in its diagnostics."""
        return watched.state in _GIVEN_UP and watched.name in self._errors

    def _reason(self, watched: _Watched) -> str:
        error = self._errors.get(watched.name)
        return f"{watched.state} ({error})" if error else watched.state


class _Watched:
    """What is known of one node."""

    def __init__(self, name: str, asking: Node) -> None:
        self.name = name
        self.state = "not in the graph"
        self.ready = False
        self._namespace, _, self._base = name.rpartition("/")
        self._namespace = self._namespace or "/"
        self._asking = asking
        self._seen_at: float | None = None
        self._client: Client | None = None
        self._answer: Future | None = None
        self._asked_at = 0.0

    def look(self, present: list[tuple[str, str]]) -> None:
        """Take one look at the node, without blocking."""
        if self.ready:
            return
        if (self._base, self._namespace) not in present:
            self._seen_at, self.state = None, "not in the graph"
            return
        now = time.monotonic()
        self._seen_at = self._seen_at or now
        if self._has_life_cycle():
            self._ask(now)
        elif now - self._seen_at > _PLAIN_AFTER:
            self.ready = True

    def _has_life_cycle(self) -> bool:
        try:
            services = self._asking.get_service_names_and_types_by_node(self._base, self._namespace)
        except NodeNameNonExistentError:  # it left the graph just now
            return False
        return any(_SERVICE_TYPE in types for _, types in services)

    def _ask(self, now: float) -> None:
        if self._client is None:
            self._client = self._asking.create_client(GetState, f"{self.name}/get_state")
        if self._answer is not None and self._answer.done():
            state = self._answer.result().current_state
            self.state, self._answer = state.label, None
            self.ready = state.id == State.PRIMARY_STATE_ACTIVE
        elif self._answer is None or now - self._asked_at > _ANSWER_TIMEOUT:
            self.state = "does not answer" if self._answer is not None else self.state
            self._answer, self._asked_at = self._client.call_async(GetState.Request()), now


def main(words: Sequence[str] | None = None) -> int:
    """Wait, and print the answer."""
    timeout, *names = sys.argv[1:] if words is None else words
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with LifecycleWatch(names) as watch:
        reasons = watch.wait_active(float(timeout), lambda: not stop.is_set())
        sys.stdout.write(json.dumps(reasons))
        sys.stdout.flush()
        signal.alarm(_LEAVE_TIME)
    return 0


if __name__ == "__main__":
    sys.exit(main())
