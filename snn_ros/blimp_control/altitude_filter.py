"""From raw range samples to an altitude: attitude compensation, gate, median."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from snn_ros.blimp_control.pid import NOMINAL_PERIOD
from snn_ros.configuration import setting


def passes_gate(step: float, elapsed: float, limit: float) -> bool:
    """Whether an altitude may change by ``step`` m within ``elapsed`` s.

    Args:
        step: change against the last accepted sample in m.
        elapsed: time since the last sample of any kind in s; a gap leaves room to move.
        limit: allowed change per control tick in m.
    """
    return abs(step) <= limit * max(1.0, elapsed / NOMINAL_PERIOD)


@dataclass(frozen=True)
class AltitudeFilterConfig:
    """Limits of the altitude filter."""

    min_range: float = setting(0.1, "shortest valid range", unit="m", minimum=0.0)
    max_range: float = setting(12.0, "longest valid range", unit="m", minimum=0.5)
    max_step: float = setting(
        0.25, "largest believable change of altitude in 0.1 s", unit="m", minimum=0.01
    )
    persistence: float = setting(
        0.5, "a jump that lasts this long is believed", unit="s", minimum=0.1, maximum=5.0
    )
    window: int = setting(5, "raw samples under the median", minimum=1, maximum=50)
    max_tilt: float = setting(
        0.7,
        "beam angle from the vertical above which no sample counts",
        unit="rad",
        minimum=0.0,
        maximum=1.5,
    )


class AltitudeFilter:
    """Keeps the believable samples and gives their median.

    Args:
        config: limits.

    Attributes:
        newest: time of the newest accepted sample in s; None before the first.
        accepted: number of accepted samples since the last reset.
    """

    def __init__(self, config: AltitudeFilterConfig | None = None) -> None:
        self.config = config or AltitudeFilterConfig()
        self.reset()

    def reset(self) -> None:
        """Forget every sample."""
        self._window: deque[float] = deque(maxlen=self.config.window)
        self._rejected_since: float | None = None
        self._seen = -math.inf
        self.newest: float | None = None
        self.accepted = 0

    @property
    def altitude(self) -> float | None:
        """Median of the accepted samples in the window in m; None before the first."""
        return float(np.median(self._window)) if self._window else None

    def add(self, distance: float, now: float, roll: float = 0.0, pitch: float = 0.0) -> str | None:
        """Take one raw sample.

        Args:
            distance: measured along the beam in m.
            now: monotonic time in s.
            roll: of the vehicle in rad.
            pitch: of the vehicle in rad.

        Returns:
            None if the sample was accepted, otherwise the reason it was not.
        """
        reason = self._invalid(distance, now, roll, pitch)
        if reason is not None:
            return reason
        altitude = distance * math.cos(roll) * math.cos(pitch)
        elapsed, self._seen = now - self._seen, now
        if self._window and not self._believable(altitude, now, elapsed):
            return f"altitude jumps from {self._window[-1]:.2f} m to {altitude:.2f} m"
        self._rejected_since = None
        self._window.append(altitude)
        self.newest = now
        self.accepted += 1
        return None

    def _invalid(self, distance: float, now: float, roll: float, pitch: float) -> str | None:
        config = self.config
        if not math.isfinite(distance):
            return f"range is {distance!r}"
        if not config.min_range <= distance <= config.max_range:
            return f"range {distance!r} m outside {config.min_range} to {config.max_range} m"
        if not (math.isfinite(roll) and math.isfinite(pitch)):
            return f"attitude is roll {roll!r}, pitch {pitch!r}"
        tilt = math.acos(math.cos(roll) * math.cos(pitch))
        if tilt > config.max_tilt:
            return f"beam tilted by {tilt:.2f} rad"
        if self.newest is not None and now < self.newest:
            return f"time {now!r} s lies before the last sample's {self.newest!r} s"
        return None

    def _believable(self, altitude: float, now: float, elapsed: float) -> bool:
        if passes_gate(altitude - self._window[-1], elapsed, self.config.max_step):
            return True
        if self._rejected_since is None:
            self._rejected_since = now
        if now - self._rejected_since < self.config.persistence:
            return False
        self._window.clear()  # the jump is real: the old altitude is worth nothing
        return True
