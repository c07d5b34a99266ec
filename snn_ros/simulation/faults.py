"""What goes wrong in a flight, as data: which fault, from when, for how long."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from snn_ros.configuration import setting

RANGE_SILENT = "range_silent"  # no range readings
RANGE_NAN = "range_nan"  # readings are not a number
RANGE_OUTLIER = "range_outlier"  # readings are off by `size` m
RANGE_FROZEN = "range_frozen"  # the last reading again and again, with new stamps
SETPOINT_SILENT = "setpoint_silent"  # no setpoints
CLOCK_JUMP = "clock_jump"  # from `start` on every stamp and clock is off by `size` s
HOLD = "hold"  # a hand holds the blimp where it is

KINDS = (
    RANGE_SILENT,
    RANGE_NAN,
    RANGE_OUTLIER,
    RANGE_FROZEN,
    SETPOINT_SILENT,
    CLOCK_JUMP,
    HOLD,
)
_SIZED = (RANGE_OUTLIER, CLOCK_JUMP)
_EPSILON = 1e-6  # s; times are multiples of the control period but for rounding


@dataclass(frozen=True)
class Fault:
    """One fault, active while start <= time < start + duration."""

    kind: str = setting(dataclasses.MISSING, "what goes wrong", choices=KINDS)
    start: float = setting(dataclasses.MISSING, "when it begins", unit="s", minimum=0.0)
    duration: float = setting(math.inf, "how long it lasts", unit="s", minimum=0.0)
    size: float = setting(0.0, "m for range_outlier, s for clock_jump", minimum=-60.0, maximum=60.0)

    def problems(self) -> list[str]:
        """What does not fit together, as ``name = value: reason``."""
        if (self.size != 0.0) == (self.kind in _SIZED):
            return []
        needed = "must not be 0" if self.kind in _SIZED else "has no meaning"
        return [f"size = {self.size!r}: {needed} for {self.kind}"]

    def active(self, time: float) -> bool:
        """Whether the fault is there at a time in s."""
        return self.start - _EPSILON <= time < self.start + self.duration - _EPSILON


class FaultSchedule:
    """The faults of one flight, asked by kind and time."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = tuple(faults)
        self._last_range: float | None = None

    def active(self, kind: str, time: float) -> bool:
        """Whether a fault of this kind is there at a time in s."""
        return any(fault.kind == kind and fault.active(time) for fault in self._faults)

    def size(self, kind: str, time: float) -> float:
        """Sum of the sizes of the faults of this kind at a time in s."""
        return sum(f.size for f in self._faults if f.kind == kind and f.active(time))

    def apply_to_range(self, reading: float | None, time: float) -> float | None:
        """What the driver of a range finder delivers.

        Args:
            reading: the sensor's range in m, None if it is silent.
            time: in s.
        """
        if self.active(RANGE_FROZEN, time):
            return self._last_range
        self._last_range = reading
        if reading is None or self.active(RANGE_SILENT, time):
            return None
        if self.active(RANGE_NAN, time):
            return math.nan
        return reading + self.size(RANGE_OUTLIER, time)
