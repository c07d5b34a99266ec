"""What a node knows of its own health: inputs, faults and times, as numbers and as diagnostics.

No ROS graph in here: the node feeds it, and its watchdog thread asks it. All times are steady-clock
seconds, so neither simulated time nor a stepped system clock can hide that an input went silent.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR

_RATE_WINDOW = 20  # messages over which a rate is measured


@dataclass
class InputHealth:
    """One input topic."""

    topic: str
    required: bool
    received: int = 0
    dropped: int = 0
    last_received: float | None = None
    incompatible_qos: str = ""
    arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=_RATE_WINDOW))

    def arrived(self, now: float) -> None:
        """Count one message."""
        self.received += 1
        self.last_received = now
        self.arrivals.append(now)

    def rate(self) -> float:
        """Messages per second over the last few."""
        if len(self.arrivals) < 2 or self.arrivals[-1] == self.arrivals[0]:
            return 0.0
        return (len(self.arrivals) - 1) / (self.arrivals[-1] - self.arrivals[0])


class Health:
    """Counters and times of one node. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.inputs: dict[str, InputHealth] = {}
        self.faults: Counter[str] = Counter()
        self.last_fault = ""
        self.failure = ""  # what keeps the node from being active
        self.alarm: tuple[bytes, str] | None = None  # what its pipeline reports while active
        self.notes: dict[str, str] = {}
        self.processed = 0
        self.processing_ms: deque[float] = deque(maxlen=_RATE_WINDOW)
        self._busy_since: float | None = None
        self._silent_from = 0.0

    def start(self, now: float) -> None:
        """Begin a new active period: silence is measured from here."""
        with self._lock:
            self._silent_from = now
            self.alarm = None
            self._busy_since = None

    def input_arrived(self, name: str, now: float) -> None:
        """Count a message of an input."""
        with self._lock:
            self.inputs[name].arrived(now)

    def fault(self, kind: str, text: str) -> bool:
        """Count a fault.

        Returns:
            Whether it is the first of its kind, which is the one to log.
        """
        with self._lock:
            self.faults[kind] += 1
            self.last_fault = text
            return self.faults[kind] == 1

    def work_begins(self, now: float) -> None:
        """The pipeline took an input."""
        with self._lock:
            self._busy_since = now

    def work_ends(self, now: float) -> float:
        """The pipeline is done.

        Returns:
            The processing time in ms.
        """
        with self._lock:
            began = now if self._busy_since is None else self._busy_since
            self._busy_since = None
            self.processed += 1
            self.processing_ms.append((now - began) * 1e3)
            return self.processing_ms[-1]

    def silent_inputs(self, now: float, limit: float) -> list[InputHealth]:
        """Required inputs that brought nothing for longer than limit seconds."""
        with self._lock:
            return [
                health
                for health in self.inputs.values()
                if health.required
                and now - max(health.last_received or 0.0, self._silent_from) > limit
            ]

    def judge(
        self, now: float, active: bool, silence_limit: float, slow_ms: float
    ) -> tuple[bytes, str]:
        """Diagnostic level and one-line summary.

        Args:
            now: steady-clock time in s.
            active: whether the node is in the active state.
            silence_limit: silence of a required input in s that is an error.
            slow_ms: processing time in ms that is a warning; ten times as much is an error.
        """
        with self._lock:
            if self.failure:
                return ERROR, self.failure
            if not active:
                return WARN, "not active"
            busy_ms = 0.0 if self._busy_since is None else (now - self._busy_since) * 1e3
            if busy_ms > 10 * slow_ms:
                return ERROR, f"processing hangs since {busy_ms / 1e3:.1f} s"
            silent = self.silent_inputs(now, silence_limit)
            if silent:
                return ERROR, "no data on " + ", ".join(health.topic for health in silent)
            if self.alarm:
                return self.alarm
            mean_ms = sum(self.processing_ms) / max(1, len(self.processing_ms))
            if mean_ms > slow_ms:
                return WARN, f"slow: {mean_ms:.0f} ms a step, expected at most {slow_ms:.0f} ms"
            return OK, "running"

    def values(self, now: float) -> dict[str, str]:
        """Everything known, as the key-value pairs of a diagnostic status."""
        with self._lock:
            values = {"processed": str(self.processed)}
            if self.processing_ms:
                values["processing_ms"] = f"{self.processing_ms[-1]:.2f}"
                ordered = sorted(self.processing_ms)
                for percent in (50, 95):
                    nearest = ordered[round((len(ordered) - 1) * percent / 100)]
                    values[f"processing_p{percent}_ms"] = f"{nearest:.2f}"
            for name, health in self.inputs.items():
                age = (
                    "never" if health.last_received is None else f"{now - health.last_received:.2f}"
                )
                values[f"{name}.topic"] = health.topic
                values[f"{name}.received"] = str(health.received)
                values[f"{name}.dropped"] = str(health.dropped)
                values[f"{name}.rate_hz"] = f"{health.rate():.2f}"
                values[f"{name}.age_s"] = age
                if health.incompatible_qos:
                    values[f"{name}.incompatible_qos"] = health.incompatible_qos
            for kind, count in self.faults.items():
                values[f"fault.{kind}"] = str(count)
            if self.last_fault:
                values["last_fault"] = self.last_fault
            return values | self.notes
