"""What a detector says about one scan."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from snn_ros.sparse.voxels import DroppedPoints
from snn_ros.spiking.activity import NetworkActivity

BOX_VALUES = 7


@dataclass(frozen=True, eq=False)
class Detections:
    """M boxes.

    Attributes:
        boxes: (M, 7) float64 ``x y z dx dy dz yaw``, or (M, 9) with vx, vy in m/s behind.
        scores: (M,) float64 in 0..1; no probabilities.
        labels: (M,) int64 places of the classes in the network's list of them, from 0.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, boxes: Tensor, scores: Tensor, labels: Tensor) -> Detections:
        """The same from tensors of any floating type, on any device."""
        return cls(
            boxes.double().cpu().numpy(), scores.double().cpu().numpy(), labels.long().cpu().numpy()
        )

    @classmethod
    def none(cls) -> Detections:
        """No boxes."""
        return cls(np.zeros((0, BOX_VALUES)), np.zeros(0), np.zeros(0, dtype=np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Detections:
        """All boxes of at least one part, one part after the other."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Detections:
        """Some of the boxes."""
        return Detections(self.boxes[rows], self.scores[rows], self.labels[rows])

    def touching(self, points: NDArray[np.floating]) -> Detections:
        """Boxes that reach into the extent of some points; others are runaway numbers.

        Args:
            points: (N, 3) or wider, x, y, z first; those with NaN or infinity do not count.
        """
        finite = points[np.isfinite(points).all(axis=1), :3]
        if not len(self.boxes) or not len(finite):
            return self.none()
        centre, diagonal = self.boxes[:, :3], np.hypot(self.boxes[:, 3], self.boxes[:, 4])
        half = np.stack([diagonal, diagonal, self.boxes[:, 5]], axis=1) / 2
        beyond = np.maximum(finite.min(axis=0) - centre, centre - finite.max(axis=0))
        sound = np.isfinite(self.boxes).all(axis=1) & (self.boxes[:, 3:6] > 0).all(axis=1)
        return self.select(sound & (beyond <= half).all(axis=1))

    def beside_sensor(self) -> Detections:
        """Boxes whose footprint does not hold the sensor at x = y = 0: there its own vehicle is."""
        x, y, yaw = self.boxes[:, 0], self.boxes[:, 1], self.boxes[:, 6]
        along, across = x * np.cos(yaw) + y * np.sin(yaw), y * np.cos(yaw) - x * np.sin(yaw)
        holds = (2 * np.abs(along) < self.boxes[:, 3]) & (2 * np.abs(across) < self.boxes[:, 4])
        return self.select(~holds)

    def raised(self, metres: float) -> Detections:
        """The same boxes in a frame whose origin is that much lower."""
        boxes = self.boxes.copy()
        boxes[:, 2] += metres
        return dataclasses.replace(self, boxes=boxes)


@dataclass(frozen=True, eq=False)
class DetectionResult:
    """Of one scan.

    Attributes:
        detections: best first, in the frame of the points.
        voxels: that hold points.
        dropped: points that were not looked at.
        voxels_left_out: of them, because they were too many.
        stage_ms: time by stage: ``voxels``, ``network`` and, where that is apart, ``decoding``.
        activity: spikes and operations; None where they are not metered.
    """

    detections: Detections
    voxels: int
    dropped: DroppedPoints
    stage_ms: dict[str, float]
    activity: NetworkActivity | None
    voxels_left_out: int = 0
