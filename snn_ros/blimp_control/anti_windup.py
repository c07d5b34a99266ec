"""Keeps the integrating half of a network from winding up while the output is clipped.

The integral of a spiking network is spread over many thresholds and cannot simply be set, so what
enters the thresholds is scaled. The bounds of threshold traces and of the I readout are part of
the network itself; in failsafe the network is not ticked at all.
"""

from __future__ import annotations

NONE, CONDITIONAL, BACK_CALCULATION = "none", "conditional", "back_calculation"
METHODS = (NONE, CONDITIONAL, BACK_CALCULATION)

EQUIVALENT_GAIN = 9.0  # u per m: how much error a clipped command stands for
_SMALLEST_ERROR = 1e-3  # m; below it nothing is integrated back


def conditional_integration(error: float, excess: float) -> float:
    """0 while the command is clipped and the error pushes further, else 1.

    Args:
        error: altitude error in m.
        excess: wanted minus clipped command of the last tick in u.
    """
    return 0.0 if error * excess > 0.0 else 1.0


def back_calculation(error: float, excess: float) -> float:
    """Factor that turns the error into ``error - excess / EQUIVALENT_GAIN``, within ±1.

    Args:
        error: altitude error in m.
        excess: wanted minus clipped command of the last tick in u.
    """
    if excess == 0.0:
        return 1.0
    if abs(error) < _SMALLEST_ERROR:
        return 0.0
    return min(max(1.0 - excess / (EQUIVALENT_GAIN * error), -1.0), 1.0)


def unconditional(error: float, excess: float) -> float:  # noqa: ARG001  one shape for all methods
    """Always 1: integrate whatever happens."""
    return 1.0


FACTORS = {
    NONE: unconditional,
    CONDITIONAL: conditional_integration,
    BACK_CALCULATION: back_calculation,
}
