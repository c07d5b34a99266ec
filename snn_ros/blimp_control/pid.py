"""The conventional altitude PID: oracle, imitation target, shadow and fallback of the network.

The functions are pure and scalar: the flight code calls them as they are, the simulator compiles
the very same functions with Numba.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

NOMINAL_PERIOD = 0.1  # s; every decay and gain of this system belongs to 10 Hz


class PidGains(NamedTuple):
    """Gains in command units (±10) and the PID's own limits.

    Attributes:
        proportional: u per m.
        integral: u per m s.
        derivative: u per m/s.
        integral_limit: clamp of the integral state in m s.
        output_limit: clamp of the command in u.
        conditional: stop integrating while the command is clipped and the error pushes further.
    """

    proportional: float = 9.0
    integral: float = 0.75
    derivative: float = 14.0
    integral_limit: float = 10.0
    output_limit: float = 10.0
    conditional: bool = False


class RateState(NamedTuple):
    """Memory of the filtered error rate: the last error (NaN: none yet) and two raw rates."""

    error: float = float("nan")
    newest: float = 0.0
    oldest: float = 0.0


def error_rate(
    state: RateState, error: float, period: float, max_rate: float
) -> tuple[RateState, float]:
    """Mean of the last three finite differences of the error, kicks left out.

    Args:
        state: memory of the previous call.
        error: altitude error in m.
        period: time since the previous error in s.
        max_rate: a raw rate above this many m/s is a set-point kick and counts as zero.

    Returns:
        The new memory and the rate in m/s.
    """
    raw = (error - state.error) / period
    if not abs(raw) <= max_rate:  # also true for the NaN of the first call
        raw = 0.0
    rate = (raw + state.newest + state.oldest) / 3.0
    return RateState(error, raw, state.newest), rate


def pid_terms(
    integral: float, error: float, rate: float, period: float, gains: PidGains
) -> tuple[float, float, float]:
    """One PID step.

    Args:
        integral: integral of the error so far in m s.
        error: altitude error in m.
        rate: error rate in m/s.
        period: time since the previous step in s.
        gains: gains and limits.

    Returns:
        The new integral, the PD term and the I term in u; the command is their clamped sum.
    """
    u_pd = gains.proportional * error + gains.derivative * rate
    candidate = min(max(integral + error * period, -gains.integral_limit), gains.integral_limit)
    total = u_pd + gains.integral * candidate
    pushes_further = abs(total) > gains.output_limit and total * error > 0.0
    if not (gains.conditional and pushes_further):
        integral = candidate
    return integral, u_pd, gains.integral * integral


@dataclass
class AltitudePid:
    """The PID with its state, for flight.

    Args:
        gains: gains and limits.
    """

    gains: PidGains
    integral: float = 0.0

    def step(self, error: float, rate: float, period: float) -> tuple[float, float]:
        """Advance one tick; returns the PD and the I term in u (inputs as in ``pid_terms``)."""
        self.integral, u_pd, u_i = pid_terms(self.integral, error, rate, period, self.gains)
        return u_pd, u_i

    def reset(self, u_i: float = 0.0) -> None:
        """Forget the past; ``u_i`` is the I term to go on from (bumpless takeover)."""
        self.integral = u_i / self.gains.integral if self.gains.integral else 0.0
