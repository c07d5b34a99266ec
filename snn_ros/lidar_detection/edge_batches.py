"""Batches of labelled scans for the `edge` network; those of a step are always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from snn_ros.learning.order import batch_of
from snn_ros.lidar_detection.augmentation import (
    AugmentationConfig,
    CutOut,
    augmented,
    cut_outs,
    from_road,
)
from snn_ros.lidar_detection.edge_targets import IGNORED
from snn_ros.lidar_detection.scans import CLASSES, LabelledScan, ScanFolder

LEAST_POINTS = 3
"""Objects with fewer points need not be found, nor are they wrong."""

NEITHER_WANTED_NOR_WRONG = ("Van",)
"""Classes that cannot be told from ours for sure; all others, such as trucks, are background."""

_DONORS = 6  # scans that objects are pasted from


@dataclass(frozen=True, eq=False)
class DetectionBatch:
    """Scans as the network takes them, z counted from the road.

    Attributes:
        points: (N, 4) float32, those of all scans.
        sample: (N,) int64 index of each point's scan.
        boxes: by scan (M, 7).
        labels: by scan (M,) int64 indices into ``CLASSES``, or ``IGNORED``.
    """

    points: Tensor
    sample: Tensor
    boxes: tuple[NDArray[np.float64], ...]
    labels: tuple[NDArray[np.int64], ...]


def packed(scans: Sequence[LabelledScan]) -> DetectionBatch:
    """A batch of scans whose z is counted from the road."""
    scans = [_without_background(scan) for scan in scans]
    sizes = torch.tensor([len(scan.points) for scan in scans])
    return DetectionBatch(
        points=torch.from_numpy(np.concatenate([scan.points for scan in scans])),
        sample=torch.arange(len(scans)).repeat_interleave(sizes),
        boxes=tuple(scan.boxes for scan in scans),
        labels=tuple(labels_of(scan) for scan in scans),
    )


def _without_background(scan: LabelledScan) -> LabelledScan:
    kept = np.isin(scan.classes, (*CLASSES, *NEITHER_WANTED_NOR_WRONG))
    return replace(
        scan,
        boxes=scan.boxes[kept],
        classes=scan.classes[kept],
        points_in_box=scan.points_in_box[kept],
    )


def labels_of(scan: LabelledScan) -> NDArray[np.int64]:
    """(M,) indices into ``CLASSES``; ``IGNORED`` where an object has other or hardly any points."""
    numbers = {name: index for index, name in enumerate(CLASSES)}
    labels = np.array([numbers.get(str(name), IGNORED) for name in scan.classes], dtype=np.int64)
    return np.where(scan.points_in_box >= LEAST_POINTS, labels, IGNORED)


class AugmentedBatches(Dataset[DetectionBatch]):
    """The batches of all steps of a run."""

    def __init__(
        self, scans: ScanFolder, config: AugmentationConfig, batch_size: int, seed: int
    ) -> None:
        self._scans, self._config = scans, config
        self._batch_size, self._seed = batch_size, seed
        self._cut_outs: dict[int, list[CutOut]] = {}

    def __getitem__(self, step: int) -> DetectionBatch:
        """The batch of a step."""
        indices = batch_of(step, len(self._scans), self._batch_size, self._seed)
        return packed([self._varied(int(i), step, n) for n, i in enumerate(indices)])

    def from_step(self, first: int, steps: int, workers: int) -> Iterator[DetectionBatch]:
        """Batches from a step to the end of the run, made ahead by other processes."""
        return iter(
            DataLoader(self, batch_size=None, sampler=range(first, steps), num_workers=workers)
        )

    def _varied(self, index: int, step: int, place: int) -> LabelledScan:
        rng = np.random.default_rng([self._seed, step, place])
        donors: list[CutOut] = []
        for donor in rng.integers(len(self._scans), size=_DONORS):
            donors += self._cut_outs_of(int(donor))
        return augmented(from_road(self._scans[index]), self._config, donors, rng)

    def _cut_outs_of(self, index: int) -> list[CutOut]:
        if index not in self._cut_outs:
            self._cut_outs[index] = cut_outs(from_road(self._scans[index]))
        return self._cut_outs[index]
