"""Learning rates over a run."""

from __future__ import annotations

import math


def one_cycle(
    step: int, steps: int, *, warm_up: float = 0.4, start: float = 0.1, end: float = 1e-5
) -> float:
    """Share of the peak learning rate: up along a cosine, then down along another.

    L. N. Smith, N. Topin: Super-convergence, 2018.

    Args:
        step: from 0.
        steps: in the run.
        warm_up: share of the run in which the rate rises.
        start: share of the peak at the first step.
        end: share of the peak at the last step.
    """
    rising = warm_up * max(steps - 1, 1)
    if step < rising:
        return _cosine(start, 1.0, step / rising)
    falling = max(steps - 1, 1) - rising
    return _cosine(1.0, end, (step - rising) / falling if falling else 1.0)


def one_cycle_momentum(
    step: int, steps: int, *, warm_up: float = 0.4, high: float = 0.95, low: float = 0.85
) -> float:
    """Momentum that falls while the learning rate rises, and the other way round.

    Args:
        step: from 0.
        steps: in the run.
        warm_up: as for ``one_cycle``.
        high: at both ends.
        low: at the peak of the learning rate.
    """
    share = one_cycle(step, steps, warm_up=warm_up, start=0.0, end=0.0)
    return high + (low - high) * share


def _cosine(start: float, end: float, share: float) -> float:
    return end + 0.5 * (start - end) * (1.0 + math.cos(math.pi * min(share, 1.0)))
