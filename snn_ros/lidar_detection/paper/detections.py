"""What the published detectors give, and how they choose among overlapping boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from snn_ros.geometry.nms import rotated_nms


class Detections(NamedTuple):
    """Boxes of one sample.

    Attributes:
        boxes: (K, 7) x y z dx dy dz yaw, or (K, 9) with the velocity behind.
        scores: (K,), 0..1; not probabilities.
        labels: (K,) int64, from 1.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def no_detections(like: Tensor) -> Detections:
    """Of a sample without boxes of seven values, on the device of a tensor."""
    none = like.new_zeros(0)
    return Detections(like.new_zeros(0, 7), none, none.long())


@dataclass(frozen=True)
class Suppression:
    """How boxes are chosen.

    Attributes:
        overlap: bird's-eye intersection over union above which the worse of two boxes goes.
        most_before: best boxes that are looked at.
        most_after: boxes that are kept.
    """

    overlap: float
    most_before: int
    most_after: int

    def keep(self, boxes: Tensor, scores: Tensor) -> Tensor:
        """(K,) rows of boxes (N, 7) that are kept, best score first."""
        rows = rotated_nms(
            boxes.cpu().numpy(),
            scores.cpu().numpy(),
            self.overlap,
            most_before=self.most_before,
            most_after=self.most_after,
        )
        return torch.from_numpy(rows).to(boxes.device)
