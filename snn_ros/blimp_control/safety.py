"""The output chain behind every controller, as small pure pieces.

Order: finite check, clamp, rate limit, dead-zone policy, flip governor; the PWM map follows. Each
function is scalar and pure, so that flight code calls and the simulator compiles the same lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from snn_ros.blimp_control.motors import COMMAND_LIMIT, DEAD_ZONE
from snn_ros.configuration import setting

PASSTHROUGH, COMPENSATE = "passthrough", "compensate"


class GovernorState(NamedTuple):
    """Shaft direction (+1 up, -1 down) and the time since it was last reversed in s."""

    direction: float = 1.0
    since_reversal: float = math.inf


def finite_or_zero(command: float) -> float:
    """The command, or 0 where it is NaN or infinite."""
    return command if math.isfinite(command) else 0.0


def clamped(command: float, limit: float) -> float:
    """The command within ±limit."""
    return min(max(command, -limit), limit)


def rate_limited(
    previous: float, wanted: float, period: float, away: float, towards_zero: float
) -> float:
    """Move from ``previous`` to ``wanted`` no faster than allowed.

    Args:
        previous: last command in u.
        wanted: new command in u.
        period: time between them in s.
        away: allowed rate away from zero in u/s.
        towards_zero: allowed rate towards zero in u/s; a reversal spends it first.

    Returns:
        The command allowed now, between ``previous`` and ``wanted``.
    """
    start, remaining = previous, period
    if previous * (wanted - previous) < 0.0:  # the way leads towards zero first
        target = 0.0 if previous * wanted < 0.0 else wanted
        reach = towards_zero * period
        if abs(previous - target) >= reach:
            return previous - math.copysign(reach, previous)
        start, remaining = target, period - abs(previous - target) / towards_zero
    reach = away * remaining
    return min(max(wanted, start - reach), start + reach) if start != wanted else wanted


def compensated(command: float, engaged: bool, dead_zone: float, hysteresis: float) -> float:
    """Add the dead zone to a command so that the smallest ones move the motors too.

    Args:
        command: in u.
        engaged: whether the previous command was compensated.
        dead_zone: added with the command's sign, in u.
        hysteresis: |u| from which compensation sets in; it ends below half of that.
    """
    threshold = 0.5 * hysteresis if engaged else hysteresis
    return command + math.copysign(dead_zone, command) if abs(command) >= threshold else 0.0


def governed(
    state: GovernorState,
    command: float,
    period: float,
    dead_zone: float,
    flip_time: float,
    min_interval: float,
) -> tuple[GovernorState, float]:
    """Let the shaft turn only now and then, and no thrust while it turns.

    Args:
        state: shaft direction and time since its last reversal.
        command: in u.
        period: time since the last call in s.
        dead_zone: a smaller command does not turn the shaft, in u.
        flip_time: how long a half turn takes in s.
        min_interval: least time between two reversals in s.

    Returns:
        The new state and the command for the motors: 0 while turning or where turning must wait.
    """
    since = state.since_reversal + period
    direction = state.direction
    if abs(command) >= dead_zone and command * direction < 0.0 and since >= min_interval:
        direction, since = -direction, 0.0
    turning = since < flip_time
    blocked = command * direction < 0.0
    return GovernorState(direction, since), 0.0 if turning or blocked else command


@dataclass(frozen=True)
class OutputLimits:
    """Limits of the output chain; defaults are those of the published blimp."""

    command: float = setting(
        COMMAND_LIMIT, "clamp of the command", unit="u", minimum=1.0, maximum=10.0
    )
    rate: float = setting(20.0, "fastest change away from zero", unit="u/s", minimum=1.0)
    rate_towards_zero: float = setting(60.0, "fastest change towards zero", unit="u/s", minimum=1.0)
    dead_zone_policy: str = setting(
        PASSTHROUGH, "what happens to commands in the dead zone", choices=(PASSTHROUGH, COMPENSATE)
    )
    dead_zone: float = setting(
        DEAD_ZONE, "command below which the motors stand still", unit="u", minimum=0.0, maximum=2.0
    )
    hysteresis: float = setting(
        0.15, "command from which compensation sets in", unit="u", minimum=0.0, maximum=2.0
    )
    flip_time: float = setting(0.3, "half turn of the shaft", unit="s", minimum=0.0, maximum=2.0)
    flip_min_interval: float = setting(
        0.6, "least time between two turns of the shaft", unit="s", minimum=0.0, maximum=10.0
    )


class ChainOutput(NamedTuple):
    """What the chain let through.

    Attributes:
        command: for the PWM map, in u.
        direction: of the shaft, +1 up, -1 down.
        saturated: the clamp changed the wanted command.
        finite: the wanted command was a number.
    """

    command: float
    direction: float
    saturated: bool
    finite: bool


class OutputChain:
    """The pieces above in order, with their memory.

    Args:
        limits: what to enforce.
    """

    def __init__(self, limits: OutputLimits | None = None) -> None:
        self.limits = limits or OutputLimits()
        self._governor = GovernorState()
        self.reset()

    def reset(self) -> None:
        """Start from zero thrust; the shaft keeps the direction it has."""
        self._limited = 0.0
        self._engaged = False

    @property
    def direction(self) -> float:
        """Shaft direction, +1 up, -1 down."""
        return self._governor.direction

    def apply(self, wanted: float, period: float) -> ChainOutput:
        """Run one command through the chain.

        Args:
            wanted: command of the controller in u; NaN and infinity count as 0.
            period: time since the last call in s.
        """
        limits = self.limits
        command = finite_or_zero(wanted)
        clipped = clamped(command, limits.command)
        self._limited = rate_limited(
            self._limited, clipped, period, limits.rate, limits.rate_towards_zero
        )
        command = self._limited
        if limits.dead_zone_policy == COMPENSATE:
            command = compensated(command, self._engaged, limits.dead_zone, limits.hysteresis)
            self._engaged = command != 0.0
            command = clamped(command, limits.command)
        self._governor, command = governed(
            self._governor,
            command,
            period,
            limits.dead_zone,
            limits.flip_time,
            limits.flip_min_interval,
        )
        return ChainOutput(
            command, self._governor.direction, abs(wanted) > limits.command, math.isfinite(wanted)
        )
