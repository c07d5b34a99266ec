"""What every evaluation gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        scores: figures by name.
        latency_ms: ``p50`` and ``p99`` of a step.
        spikes: activity of the network.
        columns: of the table.
        rows: of the table.
    """

    scores: Mapping[str, float]
    latency_ms: Mapping[str, float]
    spikes: Mapping[str, float]
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def latency_ms(durations: NDArray[np.floating]) -> dict[str, float]:
    """``p50`` and ``p99`` of durations in ms."""
    return {f"p{p}": float(np.percentile(durations, p)) for p in (50, 99)}
