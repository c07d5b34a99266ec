"""Average precision by recall sampling, as KITTI's development kit computes it.

Thresholds are chosen so that recall grows by 1/40 from one to the next; precision is measured at
each and made monotone. R11 is the mean of Pascal VOC 2007 (recalls 0, 0.1, .. 1); R40 leaves recall
0 out (1/40, 2/40, .. 1), since one lucky detection decides the precision there: A. Simonelli et
al., Disentangling Monocular 3D Object Detection, ICCV 2019.

There are no more samples than objects: with fewer than 41 even a perfect detector stays below 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.metrics.precision_recall import PrecisionRecall

SAMPLES = 41


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """Figures of one class, difficulty and measure of overlap.

    Attributes:
        r40: in percent, over 40 recalls above 0.
        r11: in percent, over 11 recalls from 0.
        curve: measured at the sampled thresholds, at most 41.
        objects: how many there were to find; with none, both figures are NaN.
    """

    r40: float
    r11: float
    curve: PrecisionRecall
    objects: int


def sampled_thresholds(scores: Sequence[float], objects: int) -> NDArray[np.float64]:
    """Scores at which recall comes nearest to 0, 1/40, 2/40 and so on.

    Args:
        scores: of the objects that are found, in any order.
        objects: number of all, found or not.

    Returns:
        (at most 41,) falling.
    """
    falling = np.sort(np.asarray(scores, dtype=np.float64))[::-1].tolist()
    thresholds = []
    wanted = 0.0
    for i, score in enumerate(falling):
        last = i == len(falling) - 1
        here, next_one = (i + 1) / objects, (i + 2) / objects
        if not last and next_one - wanted < wanted - here:
            continue  # the next score is nearer
        thresholds.append(score)
        wanted += 1.0 / (SAMPLES - 1)
    return np.array(thresholds)


def average_precision(curve: PrecisionRecall, objects: int) -> AveragePrecision:
    """The two means of a curve measured at ``sampled_thresholds``.

    Args:
        curve: sample i stands for a recall of i/40; recalls that were not reached count 0.
        objects: how many there were to find.
    """
    if not objects:
        return AveragePrecision(np.nan, np.nan, curve, 0)
    precision = np.zeros(SAMPLES)
    precision[: len(curve.precision)] = np.maximum.accumulate(curve.precision[::-1])[::-1]
    step = (SAMPLES - 1) // 10
    r40 = 100.0 * float(precision[1:].mean())
    return AveragePrecision(r40, 100.0 * float(precision[::step].mean()), curve, objects)
