"""What a run of the suite found: one page, one JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn_ros import machine
from snn_ros.cli.regression.recordings import Made
from snn_ros.cli.regression.scorers import Outcome
from snn_ros.report import Report


@dataclass(frozen=True)
class Verdict:
    """How one entry went.

    Attributes:
        made: the entry.
        outcome: None if it could not be run to its end.
        problems: broken bounds, or why it could not.
        wall_s: how long it took.
    """

    made: Made
    outcome: Outcome | None
    problems: tuple[str, ...]
    wall_s: float

    @property
    def scores(self) -> dict[str, float]:
        """Figures by name."""
        return self.outcome.scores if self.outcome else {}

    def row(self) -> tuple[object, ...]:
        """For the table of all."""
        entry = self.made.entry
        said = "; ".join(self.problems) or "ok"
        return (entry.name, entry.scorer, entry.scenario, f"{self.wall_s:.1f} s", said)


COLUMNS = ("entry", "scorer", "scenario", "took", "result")


def judged(made: Made, outcome: Outcome, wall_s: float) -> Verdict:
    """An outcome against the bounds of its entry."""
    broken = (bound.broken_by(outcome.scores) for bound in made.entry.bounds)
    return Verdict(made, outcome, tuple(reason for reason in broken if reason), wall_s)


def figures(suite: Path, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "system": "suite",
        "input": str(suite),
        "scores": {
            f"{verdict.made.entry.name}.{name}": value if math.isfinite(value) else None
            for verdict in verdicts
            for name, value in verdict.scores.items()
        },
        "entries": {
            verdict.made.entry.name: {
                "scenario": verdict.made.entry.scenario,
                "folder": verdict.made.folder.name,
                "problems": list(verdict.problems),
                "wall_s": verdict.wall_s,
            }
            for verdict in verdicts
        },
        "machine": machine.describe(),
    }


def write_page(path: Path, verdicts: Sequence[Verdict]) -> None:
    """The same for people, with plots and contact sheets."""
    report = Report("Regression suite", machine.describe())
    report.table("All entries", COLUMNS, [verdict.row() for verdict in verdicts])
    for verdict in verdicts:
        _write_entry(report, verdict)
    report.write(path)


def _write_entry(report: Report, verdict: Verdict) -> None:
    entry, outcome = verdict.made.entry, verdict.outcome
    bounds = {bound.score: str(bound) for bound in entry.bounds}
    rows = [(n, f"{value:.4g}", bounds.get(n, "")) for n, value in verdict.scores.items()]
    heading = f"{entry.name}: {verdict.made.scenario.description or entry.scenario}"
    report.table(heading, ("score", "value", "bound"), rows)
    for problem in verdict.problems:
        report.text(f"Failed: {problem}")
    if outcome is not None and outcome.rows:
        report.table(f"{entry.name} in detail", outcome.columns, outcome.rows)
    if outcome is not None and outcome.figure is not None:
        report.figure(f"{entry.name} as a plot", outcome.figure)
    if verdict.made.contact_sheet.exists():
        report.picture(f"{entry.name} at half time", verdict.made.contact_sheet.read_bytes())
