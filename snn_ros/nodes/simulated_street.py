"""A simulated drive that runs live: every sensor and truth out, a path to follow in."""

from __future__ import annotations

from collections.abc import Iterator

from nav_msgs.msg import Path

from snn_ros.nodes.path_control import PathControl
from snn_ros.nodes.simulated_world import CLOCK, Input, SimulatedWorld, Stamped
from snn_ros.nodes.street_topics import messages, static_messages, topics
from snn_ros.simulation.street.drive import Collision
from snn_ros.simulation.street.scenario import StreetScenario
from snn_ros.simulation.street.simulation import StreetSimulation
from snn_ros.simulation.street.spawn import EGO


class SimulatedStreet(SimulatedWorld):
    """One drive, along the ego's route or along paths that come in."""

    kind = "drive"
    awaited = (CLOCK,)

    def __init__(self, scenario: StreetScenario, *, path_timeout: float | None) -> None:
        """Make the place and switch the sensors on.

        Args:
            scenario: what to drive.
            path_timeout: age of a path in s up to which it is followed; None: the ego drives its
                route by itself.

        Raises:
            ConfigurationError: names every actor that cannot start where the scenario says.
            RendererError: it has cameras, and there is no off-screen renderer on this machine.
        """
        self.period = scenario.period
        self._street = StreetSimulation(scenario)
        self.topics = topics(self._street)
        self._paths: PathControl | None = None
        self.input = None
        if path_timeout is not None:
            self._paths = PathControl(
                self._street.start_pose, period=scenario.period, timeout=path_timeout
            )
            self.input = Input("path", Path, required=True)
        self._collisions: list[Collision] = []

    @property
    def time(self) -> float:
        """Since the start in s."""
        return self._street.drive.time

    @property
    def finished(self) -> bool:
        """Whether the drive is over."""
        return self._street.finished

    @property
    def warning(self) -> str:
        """Why the ego brakes although it is to follow a path."""
        return self._paths.warning if self._paths else ""

    def static_messages(self) -> Iterator[Stamped]:
        """Where the sensors sit, and the route."""
        return static_messages(self._street)

    def receive(self, message: Path) -> int:
        """Follow a path; see ``PathControl.receive``."""
        assert self._paths is not None
        return self._paths.receive(message)

    def advance(self) -> list[Stamped]:
        """Drive one period."""
        control = self._paths.control(self._street.drive.frame.ego) if self._paths else None
        readings = self._street.advance(control)
        self._collisions += readings.frame.collisions
        found = messages(self._street, readings)
        if self._paths:
            self._paths.observe(found)
        return found

    def notes(self) -> dict[str, str]:
        """Speed, collisions and the age of the path."""
        notes = {
            "ego.speed_mps": f"{self._street.drive.frame.ego.speed:.2f}",
            "ego.collisions": str(len(self._hits())),
        }
        if self._paths:
            age = self._paths.age
            notes["path.stamp_age_s"] = "never" if age is None else f"{age:.2f}"
        return notes

    def outcome(self) -> str:
        """What the ego hit, and how often others met."""
        hits = self._hits()
        among_others = len(self._collisions) - len(hits)
        others = f"; collisions among others: {among_others}" if among_others else ""
        return f"the ego hit: {', '.join(hits) or 'nothing'}{others}"

    def close(self) -> None:
        """Free the graphics context."""
        self._street.close()

    def _hits(self) -> list[str]:
        kinds = {spec.identifier: spec.kind for spec in self._street.drive.specs}
        hits = []
        for collision in self._collisions:
            pair = {collision.first, collision.second}
            if EGO in pair:
                (other,) = pair - {EGO}
                hits.append(f"{kinds[other]} {other} at {collision.time:.1f} s")
        return hits
