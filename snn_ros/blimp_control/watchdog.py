"""The last line of defence, on the motors' side: no thrust without fresh, sane commands."""

from __future__ import annotations

import math
from dataclasses import dataclass

DEFAULT_TIMEOUT = 0.3  # s


@dataclass(frozen=True)
class AppliedCommand:
    """What the motors get.

    Attributes:
        thrust_left: duty, 0 to 1; negative where the motor reverses.
        thrust_right: as ``thrust_left``.
        tilt: shaft angle in rad.
        fault: why the thrust is zero; None for a command that was passed on.
    """

    thrust_left: float = 0.0
    thrust_right: float = 0.0
    tilt: float = 0.0
    fault: str | None = None


class MotorWatchdog:
    """Passes valid commands on and cuts the thrust when they stop; it never shuts down.

    Args:
        timeout: silence after which thrust is zero in s.
        reversible: let negative duties pass.
    """

    def __init__(self, timeout: float = DEFAULT_TIMEOUT, *, reversible: bool = False) -> None:
        self.timeout = timeout
        self._lowest = -1.0 if reversible else 0.0
        self._tilt = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget the last command: zero thrust until the next one."""
        self._last: float | None = None
        self._applied = AppliedCommand(tilt=self._tilt, fault="no command yet")

    def accept(
        self, thrust_left: float, thrust_right: float, tilt: float, now: float
    ) -> AppliedCommand:
        """Take a command.

        Args:
            thrust_left: duty, clamped to [0, 1], or to [-1, 1] with reversible motors.
            thrust_right: as ``thrust_left``.
            tilt: shaft angle in rad.
            now: monotonic time in s.

        Returns:
            What to apply. A command that is not finite is dropped: the one before stays until it
            is too old.
        """
        if not all(map(math.isfinite, (thrust_left, thrust_right, tilt))):
            return self.tick(now)
        self._last, self._tilt = now, tilt
        self._applied = AppliedCommand(
            self._limited(thrust_left), self._limited(thrust_right), tilt
        )
        return self._applied

    def expired(self, now: float) -> bool:
        """Whether the last valid command is too old, or there is none."""
        return self._last is None or not 0.0 <= now - self._last <= self.timeout

    def tick(self, now: float) -> AppliedCommand:
        """What to apply now; call it more often than the timeout."""
        if self._last is not None and self.expired(now):
            self._applied = AppliedCommand(
                tilt=self._tilt, fault=f"no valid command for {self.timeout:g} s"
            )
        return self._applied

    def _limited(self, duty: float) -> float:
        return min(max(duty, self._lowest), 1.0)
