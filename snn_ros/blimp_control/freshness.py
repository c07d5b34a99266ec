"""How old the altitude may be for what: the states of the controller.

==========  ==================================================================================
state       meaning
==========  ==================================================================================
starting    waiting for fresh altitudes, then output ramped up from zero
running     altitude fresh
hold        older than 150 ms: the last command stays, nothing is integrated
degraded    older than 500 ms: only the I term (the trim) flies
failsafe    older than 2 s: the command ramps to a fixed one within 3 s
off         after that, or not active: no thrust
==========  ==================================================================================

Fresh altitudes bring hold and degraded back to running at once. After failsafe the controller
starts anew once enough of them have come.
"""

from __future__ import annotations

from dataclasses import dataclass

from snn_ros.configuration import setting

STARTING, RUNNING, HOLD = "starting", "running", "hold"
DEGRADED, FAILSAFE, OFF = "degraded", "failsafe", "off"
STATES = (STARTING, RUNNING, HOLD, DEGRADED, FAILSAFE, OFF)


@dataclass(frozen=True)
class FreshnessConfig:
    """Ages of the altitude and durations of the transitions."""

    hold_after: float = setting(
        0.15, "age of the altitude after which the last command is held", unit="s", minimum=0.05
    )
    degrade_after: float = setting(
        0.5, "age after which only the I term flies", unit="s", minimum=0.1
    )
    failsafe_after: float = setting(
        2.0, "age after which the failsafe begins", unit="s", minimum=0.2
    )
    failsafe_ramp: float = setting(
        3.0, "time from failsafe to motors off", unit="s", minimum=0.1, maximum=30.0
    )
    start_ramp: float = setting(
        1.0, "time over which the output rises from 0", unit="s", minimum=0.0, maximum=10.0
    )
    fresh_samples: int = setting(5, "altitudes needed to start", minimum=1, maximum=100)

    def problems(self) -> list[str]:
        """What is wrong with the order of the ages."""
        if self.hold_after < self.degrade_after < self.failsafe_after:
            return []
        return [
            "hold_after, degrade_after and failsafe_after must rise, are "
            f"{self.hold_after}, {self.degrade_after}, {self.failsafe_after}"
        ]


class Freshness:
    """The state machine; it only watches times, others act on its state.

    Args:
        config: ages and durations.

    Attributes:
        state: one of ``STATES``.
        since: time at which the state was entered in s.
    """

    def __init__(self, config: FreshnessConfig | None = None) -> None:
        self.config = config or FreshnessConfig()
        self.deactivate(0.0)

    def activate(self, now: float) -> None:
        """Begin to wait for fresh altitudes."""
        self._active, self._flying = True, False
        self._enter(STARTING, now)
        self._started = now

    def deactivate(self, now: float) -> None:
        """Off until the next activation."""
        self._active = self._flying = False
        self._enter(OFF, now)
        self._started = now

    @property
    def active(self) -> bool:
        """Whether it was activated and not deactivated since."""
        return self._active

    @property
    def flying(self) -> bool:
        """Whether enough altitudes have come since the activation or the last failsafe."""
        return self._flying

    def update(self, now: float, age: float, fresh: int) -> str:
        """Next state.

        Args:
            now: monotonic time in s.
            age: of the newest accepted altitude in s; infinite before the first.
            fresh: altitudes accepted in a row without a gap long enough for a failsafe.

        Returns:
            The state, also kept in ``state``.
        """
        if self._active:
            state = self._airborne(now, age) if self._flying else self._waiting(now, age, fresh)
            if state != self.state:
                self._enter(state, now)
        return self.state

    def ramp(self, now: float) -> float:
        """Share of the output let through while it rises, 0 to 1."""
        if not self._flying:
            return 0.0
        duration = self.config.start_ramp
        return 1.0 if duration <= 0.0 else min(max((now - self._started) / duration, 0.0), 1.0)

    def _waiting(self, now: float, age: float, fresh: int) -> str:
        if fresh >= self.config.fresh_samples and age <= self.config.hold_after:
            self._flying, self._started = True, now
            return STARTING
        if self.state == FAILSAFE and now - self.since >= self.config.failsafe_ramp:
            return OFF
        return self.state

    def _airborne(self, now: float, age: float) -> str:
        config = self.config
        if age > config.failsafe_after:
            self._flying = False
            return FAILSAFE
        if age > config.degrade_after:
            return DEGRADED
        if age > config.hold_after:
            return HOLD
        return RUNNING if self.ramp(now) >= 1.0 else STARTING

    def _enter(self, state: str, now: float) -> None:
        self.state, self.since = state, now
