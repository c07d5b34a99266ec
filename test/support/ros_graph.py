"""Real nodes over DDS, seen from a test: a probe into the graph and node processes."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile


class Probe:
    """A node of the test: what it hears is kept in lists, and waiting spins it."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("probe", context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._diagnostics = self.hear("/diagnostics", DiagnosticArray, 10)

    def hear(
        self, topic: str, message_type: type, qos: QoSProfile | int, raw: bool = False
    ) -> list:
        """All messages of a topic from now on, as a growing list."""
        messages: list = []
        self.node.create_subscription(message_type, topic, messages.append, qos, raw=raw)
        return messages

    def speak(self, topic: str, message_type: type, qos: QoSProfile | int):
        """A publisher."""
        return self.node.create_publisher(message_type, topic, qos)

    def spin(self, seconds: float) -> None:
        """Handle what arrives for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def wait(self, condition: Callable[[], object], timeout: float = 15.0, what: str = "") -> None:
        """Spin until the condition holds; fail the test after timeout seconds."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"waited {timeout} s for {what or condition}"
            self._executor.spin_once(timeout_sec=0.02)

    def call(self, service: str, service_type: type, request, timeout: float = 15.0):
        """The response of a service."""
        client = self.node.create_client(service_type, service)
        try:
            self.wait(client.service_is_ready, timeout, f"service {service}")
            future = client.call_async(request)
            self.wait(future.done, timeout, f"answer of {service}")
        finally:
            self.node.destroy_client(client)
        return future.result()

    def state(self, node: str, timeout: float = 15.0) -> str:
        """Life cycle state of a node."""
        answer = self.call(f"{node}/get_state", GetState, GetState.Request(), timeout)
        return answer.current_state.label

    def wait_active(self, node: str, timeout: float = 20.0) -> None:
        """Wait until a lifecycle node is active.

        Asked anew each second: a request can go to a killed predecessor that DDS still believes in.
        """

        def active() -> bool:
            with contextlib.suppress(AssertionError):
                return self.state(node, timeout=1.0) == "active"
            return False

        self.wait(active, timeout, f"{node} to be active")

    def change_state(self, node: str, label: str) -> bool:
        """Ask for a transition such as ``configure``; whether it succeeded."""
        request = ChangeState.Request()
        request.transition.label = label
        return self.call(f"{node}/change_state", ChangeState, request).success

    def health(self, node: str) -> dict[str, str]:
        """The newest diagnostics of a node: its values, level and message; {} before any."""
        found = [s for m in self._diagnostics for s in m.status if s.name == node]
        if not found:
            return {}
        values = {pair.key: pair.value for pair in found[-1].values}
        return values | {"level": str(found[-1].level[0]), "message": found[-1].message}

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


class NodeProcess:
    """A node executable with its output."""

    def __init__(self, path: Path, arguments: tuple[str, ...], log: Path) -> None:
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(path), *arguments], stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def end(self, number: int = signal.SIGINT, timeout: float = 10.0) -> float:
        """Send a signal; the seconds it took to end."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout)
        return time.monotonic() - began
