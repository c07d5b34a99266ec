"""Which samples a step sees: a function of seed and step, so that a run can go on anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


def batch_of(step: int, count: int, batch_size: int, seed: int) -> NDArray[np.int64]:
    """Indices of the samples of a step.

    Every epoch is another permutation; the samples that are left over at its end sit it out.

    Args:
        step: from 0.
        count: number of samples.
        batch_size: samples per step, at most ``count``.
        seed: of the order.

    Returns:
        (batch_size,) int64.

    Raises:
        ValueError: the batch is empty or larger than the data.
    """
    if not 1 <= batch_size <= count:
        raise ValueError(
            f"batch_size = {batch_size!r}: must be 1 to {count}, the number of samples"
        )
    per_epoch = count // batch_size
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[place * batch_size : (place + 1) * batch_size]


class StepSampler(Sampler[list[int]]):
    """Batches of the steps from one on, as ``batch_sampler`` of a ``DataLoader``."""

    def __init__(self, first: int, steps: int, count: int, batch_size: int, seed: int) -> None:
        """Batches of a run.

        Args:
            first: step to begin with.
            steps: in the whole run.
            count: as for ``batch_of``.
            batch_size: as for ``batch_of``.
            seed: as for ``batch_of``.
        """
        self._range = range(first, steps)
        self._arguments = (count, batch_size, seed)

    def __iter__(self) -> Iterator[list[int]]:
        """Indices of step after step."""
        for step in self._range:
            yield batch_of(step, *self._arguments).tolist()

    def __len__(self) -> int:
        return len(self._range)
