"""What the simulation node runs: a scenario as messages, in and out, without a ROS graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

CLOCK = "/clock"


class Topic(NamedTuple):
    """A topic of the simulation; relative names are in the simulation's namespace."""

    name: str
    type: type
    latched: bool = False


class Stamped(NamedTuple):
    """A message, and the simulated time in ns at which it is there."""

    stamp_ns: int
    topic: str
    message: Any


class Input(NamedTuple):
    """The input ``~/input/<name>`` that controls a world."""

    name: str
    type: type
    required: bool


class SimulatedWorld(Protocol):
    """A scenario that is run period by period.

    Attributes:
        kind: what one run is called.
        period: length of a step in s.
        topics: all it publishes, by the names that ``Stamped`` has.
        input: what controls it; None when nothing does.
        awaited: topics that must be listened to before lock step with the input begins.
    """

    kind: str
    period: float
    topics: tuple[Topic, ...]
    input: Input | None
    awaited: tuple[str, ...]

    @property
    def time(self) -> float:
        """Since the start in s."""

    @property
    def finished(self) -> bool:
        """Whether the scenario is over."""

    @property
    def warning(self) -> str:
        """What is not as it should be at this time; empty when all is well."""

    def static_messages(self) -> Iterable[Stamped]:
        """What is said once."""

    def receive(self, message: Any) -> int:
        """Take a message of the input; it counts from the next period on.

        Returns:
            Its stamp in ns; in lock step that of the period that it answers.

        Raises:
            SnnRosError: the message must not be used.
        """

    def advance(self) -> Iterable[Stamped]:
        """Run one period; what it brought, ``/clock`` last: who acts on it has the rest already."""

    def notes(self) -> dict[str, str]:
        """Figures for diagnostics."""

    def outcome(self) -> str:
        """How the run went, for the last line of the log."""

    def close(self) -> None:
        """Free what it holds."""
