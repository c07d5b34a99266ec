"""What scorers give, and what several of them need: a recording replayed, and its answers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from snn_ros.cli.regression.recordings import Made
from snn_ros.cli.regression.replays import Replayed, replay
from snn_ros.errors import SnnRosError
from snn_ros.simulation.street.scenario import StreetScenario

_CDR_HEADER = 4  # bytes


class EntryDoesNotFit(SnnRosError):
    """An entry lacks what its scorer needs."""


@dataclass(frozen=True)
class Outcome:
    """What an entry showed.

    Attributes:
        scores: figures by name, those that bounds are put on.
        columns: of a table of details.
        rows: of that table.
        figure: a plot.
    """

    scores: dict[str, float]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    figure: Figure | None = None


def replayed(made: Made) -> Replayed:
    """Play the recording of an entry to this process and to the nodes of its launch file.

    Raises:
        EntryDoesNotFit: it is a flight, of which there is no recording.
        ReplayFailed: the recording did not get through.
    """
    entry = made.entry
    if not isinstance(made.scenario, StreetScenario):
        raise EntryDoesNotFit(f"scenario = {entry.scenario!r}: must be a drive, for a recording")
    return replay(
        made.bag,
        launch=(entry.launch, *entry.arguments) if entry.launch else (),
        results={entry.output: entry.output_type} if entry.output else {},
        rate=entry.rate,
        timeout=entry.timeout,
    )


def replayed_to_nodes(made: Made) -> Replayed:
    """The same of an entry whose ``input`` is to be answered by ``output``.

    Raises:
        EntryDoesNotFit: it does not name them, or the recording has no such input.
        ReplayFailed: the recording did not get through.
    """
    entry = made.entry
    missing = [n for n in ("launch", "input", "output", "output_type") if not getattr(entry, n)]
    if missing:
        raise EntryDoesNotFit(
            f"{', '.join(missing)}: missing in an entry of the scorer {entry.scorer}"
        )
    found = replayed(made)
    if entry.input not in found.sent:
        raise EntryDoesNotFit(f"input = {entry.input!r}: must be of {', '.join(found.sent)}")
    return found


def answer_scores(made: Made, found: Replayed) -> dict[str, float]:
    """How many inputs were answered by an output of the same stamp, and how soon."""
    entry = made.entry
    asked = {stamp_of(heard.cdr): heard.time for heard in found.heard[entry.input]}
    answered = [(stamp_of(heard.cdr), heard.time) for heard in found.heard[entry.output]]
    delays = [time - asked[stamp] for stamp, time in answered if stamp in asked]
    p50, p99 = np.percentile(delays, (50, 99)) if delays else (np.inf, np.inf)
    stamps = [stamp for stamp, _ in answered]
    return {
        "inputs": float(len(asked)),
        "answered_share": len(set(stamps) & set(asked)) / max(len(asked), 1),
        "foreign_stamps": float(sum(stamp not in asked for stamp in stamps)),
        "repeated": float(len(stamps) - len(set(stamps))),
        "latency_p50_ms": float(p50) * 1e3,
        "latency_p99_ms": float(p99) * 1e3,
    }


def stamp_of(cdr: bytes) -> int:
    """Header stamp in ns of a message that begins with a header."""
    order = "<" if cdr[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", cdr, _CDR_HEADER)
    return int(seconds) * 10**9 + int(nanoseconds)
