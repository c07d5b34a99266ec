"""How the published detectors choose among overlapping boxes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snn_ros.geometry.nms import rotated_nms


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
