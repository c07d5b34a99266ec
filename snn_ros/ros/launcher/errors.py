"""What can be wrong with a launch file, its arguments, and the nodes it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snn_ros.errors import SnnRosError


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a launch file."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class LaunchError(SnnRosError):
    """A launch that cannot go on."""


class LaunchFileError(LaunchError):
    """Raised when a launch file is not understood. Every problem names its file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


class LaunchArgumentError(LaunchError):
    """Raised when an argument given to a launch file is not declared there or not allowed."""


class NotActiveError(LaunchError):
    """Raised when nodes did not become active in time.

    Attributes:
        reasons: what is known of each of them, by fully qualified node name.
    """

    def __init__(self, reasons: dict[str, str]) -> None:
        listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        super().__init__(f"not active: {listed}")
        self.reasons = reasons
