"""Checks of cell parameters, which may be numbers or arrays with one entry per neuron."""

from collections.abc import Collection, Sequence
from typing import Literal

from snn_ros.configuration import ConfigurationError
from snn_ros.spiking.arrays import Array

Reset = Literal["hard", "soft"]
RESETS = ("hard", "soft")
MIN_THRESHOLD = 1e-6  # at 0 a soft reset would take nothing away: the cell would fire for ever


def outside(field: str, value: Array | None, low: float, high: float = float("inf")) -> list[str]:
    """The problem of a number or array that leaves [low, high] or is NaN; empty if none.

    None passes: it stands for something switched off.
    """
    if value is None:
        return []
    inside = (value >= low) & (value <= high)
    holds = bool(inside.all()) if hasattr(inside, "all") else inside
    return [] if holds else [f"{field} = {value!r}: must lie in [{low:g}, {high:g}]"]


def not_one_of(field: str, value: str, choices: Collection[str]) -> list[str]:
    """The problem of a switch set to an unknown value; empty if none."""
    known = ", ".join(map(repr, choices))
    return [] if value in choices else [f"{field} = {value!r}: must be one of {known}"]


def refuse(owner: object, problems: Sequence[str]) -> None:
    """Report all problems of one parameter set at once.

    Raises:
        ConfigurationError: if there is any problem.
    """
    if problems:
        raise ConfigurationError(type(owner).__name__, problems)
