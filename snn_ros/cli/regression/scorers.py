"""How entries of the suite are answered and scored. A new system adds a function to ``SCORERS``."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn_ros.bags import BagReader
from snn_ros.bags.replay import CLOCK_TOPIC
from snn_ros.cli.flight_report import CONTROLLERS, altitude_figure, score
from snn_ros.cli.regression.outcome import (
    EntryDoesNotFit,
    Outcome,
    answer_scores,
    replayed,
    replayed_to_nodes,
    stamp_of,
)
from snn_ros.cli.regression.recordings import Made
from snn_ros.cli.regression.replays import Heard
from snn_ros.nodes.bag_player import message_class
from snn_ros.nodes.flight_recorder import fly
from snn_ros.simulation.scenario import Scenario

_ENOUGH = 5  # messages from which a rate is told


def blimp_flight(made: Made) -> Outcome:
    """Fly closed loop in lock step, once with the network and once with the PID."""
    scenario = made.scenario
    if not isinstance(scenario, Scenario):
        raise EntryDoesNotFit(f"scenario = {made.entry.scenario!r}: must be a flight")
    logs = {
        controller: fly(
            {"scenario": str(made.scenario_file), "controller": controller, "pace": "0.0"},
            timeout=made.entry.timeout,
            output=sys.stderr,
        )
        for controller in CONTROLLERS
    }
    snn, pid = (score(logs[controller]) for controller in CONTROLLERS)
    scores = {
        "rmse_m": snn["rmse_m"],
        "rmse_over_pid": snn["rmse_m"] / pid["rmse_m"],
        "overshoot_m": snn["overshoot_m"],
        "overshoot_beyond_pid_m": snn["overshoot_m"] - pid["overshoot_m"],
        "settled_error_m": snn["settled_error_m"],
        "contacts": float(len(logs["snn"].contacts)),
    }
    rows = [(name, f"{value:.4g}", f"{pid[name]:.4g}") for name, value in snn.items()]
    columns = ("figure", *CONTROLLERS.values())
    return Outcome(scores, columns, rows, altitude_figure(scenario, logs))


def delivery(made: Made) -> Outcome:
    """Every message of the recording arrives over DDS: whole, unchanged, in order and in time."""
    found = replayed(made)
    reports = []
    with BagReader(made.bag) as bag:
        recorded: dict[str, list[tuple[int, bytes]]] = {name: [] for name in bag.topics}
        for message in bag.messages():
            recorded[message.topic].append((message.stamp_ns, message.cdr))
        kinds = {name: topic.type for name, topic in bag.topics.items()}
    for name, sent in recorded.items():
        if name != CLOCK_TOPIC:
            heard = found.heard[name]
            reports.append(_delivered(name, kinds[name], sent, heard, made.entry.rate))
    ratios = [report.rate_ratio for report in reports if np.isfinite(report.rate_ratio)]
    scores = {
        "messages": float(sum(report.heard for report in reports)),
        "silent_topics": float(sum(report.sent > 0 and not report.heard for report in reports)),
        "arrived_share": min(r.heard / r.sent for r in reports if r.sent),
        "altered": float(sum(report.altered for report in reports)),
        "backward_stamps": float(sum(report.backward for report in reports)),
        "rate_over_recorded": min(ratios, default=1.0),
        "late_p99_ms": found.lateness_ms["p99"],
    }
    columns = ("topic", "recorded", "arrived", "altered", "stamps back", "Hz", "arrived at Hz")
    return Outcome(scores, columns, [report.row() for report in reports])


def answers(made: Made) -> Outcome:
    """The nodes launched answer each ``input`` with one ``output`` of the same stamp."""
    return Outcome(answer_scores(made, replayed_to_nodes(made)))


def lidar_detection(made: Made) -> Outcome:
    """The nodes launched answer each ``input``, a cloud, with the road users in it."""
    from snn_ros.cli.regression.lidar_scorer import score_lidar  # loads torch, which takes seconds

    return score_lidar(made)


Scorer = Callable[[Made], Outcome]
SCORERS: Mapping[str, Scorer] = {
    "blimp_flight": blimp_flight,
    "delivery": delivery,
    "answers": answers,
    "lidar_detection": lidar_detection,
}
"""By the name that entries give."""


@dataclass(frozen=True)
class _Delivered:
    """What became of one topic."""

    topic: str
    sent: int
    heard: int
    altered: int
    backward: int
    rate: float
    rate_heard: float

    @property
    def rate_ratio(self) -> float:
        return self.rate_heard / self.rate

    def row(self) -> tuple[object, ...]:
        rates = (
            f"{rate:.1f}" if np.isfinite(rate) else "" for rate in (self.rate, self.rate_heard)
        )
        return (self.topic, self.sent, self.heard, self.altered, self.backward, *rates)


def _delivered(
    topic: str, kind: str, sent: Sequence[tuple[int, bytes]], heard: Sequence[Heard], speed: float
) -> _Delivered:
    altered = sum(
        not _same(cdr, arrived.cdr) for (_, cdr), arrived in zip(sent, heard, strict=False)
    )
    stamps = [stamp_of(message.cdr) for message in heard] if _has_header(kind) else []
    return _Delivered(
        topic=topic,
        sent=len(sent),
        heard=len(heard),
        altered=altered,
        backward=sum(b < a for a, b in itertools.pairwise(stamps)),
        rate=_rate([stamp * 1e-9 for stamp, _ in sent]) * speed,
        rate_heard=_rate([message.time for message in heard]),
    )


def _same(sent: bytes, heard: bytes) -> bool:
    """DDS fills messages up to a multiple of four bytes."""
    return heard[: len(sent)] == sent and len(heard) - len(sent) < 4


def _rate(times: Sequence[float]) -> float:
    """Messages per second; NaN of too few."""
    if len(times) < _ENOUGH or times[-1] <= times[0]:
        return float("nan")
    return (len(times) - 1) / (times[-1] - times[0])


def _has_header(kind: str) -> bool:
    """Whether messages of a type begin with a header."""
    found: Any = message_class(kind)
    fields: dict[str, str] = found.get_fields_and_field_types()
    return next(iter(fields.values()), "") == "std_msgs/Header"
