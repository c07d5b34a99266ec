"""Watches the network beside a PID that always computes along, and hands over without a bump."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from snn_ros.blimp_control.pid import NOMINAL_PERIOD
from snn_ros.configuration import setting


@dataclass(frozen=True)
class ShadowConfig:
    """When the network is no longer trusted."""

    window: float = setting(
        3.0, "time over which commands and spikes are averaged", unit="s", minimum=0.5, maximum=30.0
    )
    divergence: float = setting(
        5.0, "largest mean difference between network and PID", unit="u", minimum=0.5, maximum=20.0
    )
    patience: float = setting(
        2.0, "time for which a bound may be broken", unit="s", minimum=0.1, maximum=30.0
    )
    min_spike_rate: float = setting(
        0.005, "least mean spikes per cell and tick", minimum=0.0, maximum=1.0
    )
    max_spike_rate: float = setting(
        0.6, "most mean spikes per cell and tick", minimum=0.0, maximum=1.0
    )
    handover: float = setting(
        1.0, "time constant with which the PID takes over", unit="s", minimum=0.05, maximum=10.0
    )


class ShadowMonitor:
    """Decides when the network has failed.

    Args:
        config: bounds.
    """

    def __init__(self, config: ShadowConfig | None = None) -> None:
        self.config = config or ShadowConfig()
        self._ticks = max(1, round(self.config.window / NOMINAL_PERIOD))
        self._patience = round(self.config.patience / NOMINAL_PERIOD)
        self.reset()

    def reset(self) -> None:
        """Forget the past."""
        self._differences: deque[float] = deque(maxlen=self._ticks)
        self._rates: deque[float] = deque(maxlen=self._ticks)
        self._difference = self._rate = 0.0
        self._broken = 0

    def update(self, u_snn: float, u_pid: float, spike_rate: float) -> str | None:
        """Take one tick.

        Args:
            u_snn: command of the network in u.
            u_pid: command of the PID in u.
            spike_rate: spikes per cell in this tick.

        Returns:
            What is wrong for longer than the patience; None if nothing is.
        """
        if not math.isfinite(u_snn):
            return f"network command is {u_snn!r}"
        self._difference += self._push(self._differences, u_snn - u_pid)
        self._rate += self._push(self._rates, spike_rate)
        problem = self._problem()
        self._broken = self._broken + 1 if problem else 0
        return problem if self._broken > self._patience else None

    @staticmethod
    def _push(window: deque[float], value: float) -> float:
        """Append to a full window; returns by how much its sum changes."""
        leaving = window[0] if len(window) == window.maxlen else 0.0
        window.append(value)
        return value - leaving

    def _problem(self) -> str | None:
        count, config = len(self._differences), self.config
        if count < self._ticks:
            return None
        difference, rate = self._difference / count, self._rate / count
        if abs(difference) > config.divergence:
            return f"network and PID differ by {difference:.1f} u over {config.window:g} s"
        if not config.min_spike_rate <= rate <= config.max_spike_rate:
            return f"{rate:.4f} spikes per cell and tick over {config.window:g} s"
        return None


class Handover:
    """Blends from one command to another without a jump.

    Args:
        time_constant: in s.
    """

    def __init__(self, time_constant: float) -> None:
        self._keep = math.exp(-NOMINAL_PERIOD / time_constant)
        self._offset = 0.0

    def begin(self, last: float, new: float) -> None:
        """Start where the old command ended; both in u."""
        self._offset = last - new if math.isfinite(last) else 0.0

    def blend(self, new: float) -> float:
        """The command of this tick in u."""
        command = new + self._offset
        self._offset *= self._keep
        return command
