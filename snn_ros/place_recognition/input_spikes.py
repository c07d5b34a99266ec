"""Random input spikes, the same for the same key: no draw depends on what was drawn before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HZ_PER_LEVEL = 0.25  # firing rate of a pixel
_MS_PER_S = 1000.0


@dataclass(frozen=True, eq=False)
class InputSpikes:
    """Spikes of input lines over the steps of one presentation.

    Attributes:
        lines: (events,) uint16 which line, step after step.
        first_event: (steps + 1,) int32 where the events of a step begin.
    """

    lines: NDArray[np.uint16]
    first_event: NDArray[np.int32]


def stream(seed: int, module: int, purpose: str, presentation: int) -> np.random.Generator:
    """The random numbers of one purpose, e.g. ``delays``, independent of all others."""
    text = f"{seed}/{module}/{purpose}/{presentation}"
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))


def poisson_spikes(
    picture: NDArray[np.uint8],
    stimulus_steps: int,
    steps: int,
    dt: float,
    random: np.random.Generator,
) -> InputSpikes:
    """Each line fires in each step of the stimulus with probability rate times dt, alone.

    Candidates are drawn at the rate of the brightest line by their distances and then thinned,
    which is the same and takes one draw per spike instead of one per line and step.

    Args:
        picture: (side, side); a level is 0.25 Hz.
        stimulus_steps: with input.
        steps: of the presentation, the rest of them silent.
        dt: of a step in ms.
        random: of this presentation.
    """
    probability = picture.ravel() * (HZ_PER_LEVEL * dt / _MS_PER_S)
    slots = stimulus_steps * probability.size
    highest = probability.max()
    if highest == 0.0:
        nothing = np.zeros(steps + 1, dtype=np.int32)
        return InputSpikes(np.zeros(0, dtype=np.uint16), nothing)
    expected = slots * highest
    draws = int(expected + 10 * np.sqrt(expected) + 10)  # too few: once in far more than 1e20
    slot = np.cumsum(random.geometric(highest, draws)) - 1
    kept = random.random(draws) * highest < probability[slot % probability.size]
    slot = slot[kept & (slot < slots)]
    return spikes_in_order(slot % probability.size, slot // probability.size, steps)


def spikes_in_order(
    lines: NDArray[np.integer], step: NDArray[np.integer], steps: int
) -> InputSpikes:
    """Spikes whose steps rise.

    Args:
        lines: (events,).
        step: (events,) of each, rising.
        steps: of the presentation.
    """
    first = np.searchsorted(step, np.arange(steps + 1)).astype(np.int32)
    return InputSpikes(lines.astype(np.uint16), first)
