"""Labels of everybody in a frame: boxes, track ids, velocities, and how much a sensor sees of each.

Boxes are (7,) ``x y z dx dy dz yaw``: geometric centre in m, length, width, height in m, heading in
rad counter-clockwise from the frame's x axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.street.actors import CLASS_OF, ActorSpec, ActorState
from snn_ros.simulation.street.planar import FloatArray, wrap_angle

_CORNER_SIGNS = 0.5 * np.array(
    [(x, y, z) for z in (-1, 1) for x, y in ((1, -1), (1, 1), (-1, 1), (-1, -1))]
)


@dataclass(frozen=True)
class ObjectLabels:
    """Everybody that can be detected.

    Attributes:
        identifiers: (N,) int64 track ids.
        classes: N names of ``CLASS_OF``.
        boxes: (N, 7) float64, see above.
        velocities: (N, 3) float64 in m/s, in the frame of the boxes.
    """

    identifiers: NDArray[np.int64]
    classes: tuple[str, ...]
    boxes: FloatArray
    velocities: FloatArray

    def __len__(self) -> int:
        return len(self.identifiers)

    def seen_from(self, pose: Transform) -> ObjectLabels:
        """The same in another frame.

        Args:
            pose: ``T_frame_here``, (4, 4); boxes stay upright, of its rotation the yaw turns them.
        """
        boxes = self.boxes.copy()
        boxes[:, :3] = boxes[:, :3] @ pose[:3, :3].T + pose[:3, 3]
        boxes[:, 6] = wrap_angle(boxes[:, 6] + math.atan2(pose[1, 0], pose[0, 0]))
        velocities = self.velocities @ pose[:3, :3].T
        return ObjectLabels(self.identifiers, self.classes, boxes, velocities)

    def select(self, chosen: NDArray[np.bool_]) -> ObjectLabels:
        """Those of a mask (N,)."""
        classes = tuple(name for name, keep in zip(self.classes, chosen, strict=True) if keep)
        return ObjectLabels(
            self.identifiers[chosen], classes, self.boxes[chosen], self.velocities[chosen]
        )


def _flat(x: float, y: float) -> float:
    """Height of a ground without kerbs."""
    del x, y
    return 0.0


def object_labels(
    specs: Sequence[ActorSpec],
    states: Mapping[int, ActorState],
    ground_height: Callable[[float, float], float] = _flat,
) -> ObjectLabels:
    """Labels in the world of all who are there.

    Args:
        specs: everybody.
        states: by identifier; who is not among them gets no label.
        ground_height: of the ground under a point x, y in m, e.g. ``StreetScene.ground_height``.
    """
    there = [(spec, states[spec.identifier]) for spec in specs if spec.identifier in states]
    boxes = np.zeros((len(there), 7))
    for box, (spec, state) in zip(boxes, there, strict=True):
        height = ground_height(state.x, state.y) + spec.height / 2
        box[:] = state.x, state.y, height, spec.length, spec.width, spec.height, state.yaw
    boxes[:, 6] = wrap_angle(boxes[:, 6])
    speed = np.array([state.speed for _, state in there])
    heading = boxes[:, 6]
    velocities = np.stack([speed * np.cos(heading), speed * np.sin(heading), 0.0 * speed], axis=1)
    return ObjectLabels(
        np.array([spec.identifier for spec, _ in there], dtype=np.int64),
        tuple(CLASS_OF[spec.kind] for spec, _ in there),
        boxes,
        velocities,
    )


def box_corners(boxes: FloatArray) -> FloatArray:
    """Corners of boxes.

    ::

          6 ---- 5        x forward (heading), y left, z up
         /|     /|        0..3 below: front right, front left,
        7 ---- 4 |        rear left, rear right; 4..7 above them
        | 2 ---|-1
        3 ---- 0

    Args:
        boxes: (N, 7).

    Returns:
        (N, 8, 3) in m.
    """
    local = _CORNER_SIGNS * boxes[:, None, 3:6]
    cosine, sine = np.cos(boxes[:, 6])[:, None], np.sin(boxes[:, 6])[:, None]
    x = boxes[:, 0, None] + local[..., 0] * cosine - local[..., 1] * sine
    y = boxes[:, 1, None] + local[..., 0] * sine + local[..., 1] * cosine
    return np.stack([x, y, boxes[:, 2, None] + local[..., 2]], axis=-1)


def count_points(
    points: NDArray[np.floating], boxes: FloatArray, margin: float = 0.0
) -> NDArray[np.int64]:
    """How many points lie in each box, its faces included.

    Args:
        points: (M, 3 or more) x, y, z in m first, in the frame of the boxes.
        boxes: (N, 7).
        margin: by which the boxes are larger on each side, in m, e.g. for range noise.

    Returns:
        (N,) int64.
    """
    counts = np.zeros(len(boxes), dtype=np.int64)
    x, y, z = (np.ascontiguousarray(points[:, i], dtype=np.float64) for i in range(3))
    for i, (cx, cy, cz, length, width, height, yaw) in enumerate(boxes.tolist()):
        half_length, half_width = length / 2 + margin, width / 2 + margin
        near = np.flatnonzero(np.abs(x - cx) <= math.hypot(half_length, half_width))
        dx, dy, dz = x[near] - cx, y[near] - cy, z[near] - cz
        along = dx * math.cos(yaw) + dy * math.sin(yaw)
        across = dy * math.cos(yaw) - dx * math.sin(yaw)
        inside = (np.abs(along) <= half_length) & (np.abs(across) <= half_width)
        counts[i] = np.count_nonzero(inside & (np.abs(dz) <= height / 2 + margin))
    return counts


def unobstructed_shares(
    origin: FloatArray,
    directions: FloatArray,
    hit: NDArray[np.integer],
    distance: FloatArray,
    labels: ObjectLabels,
) -> FloatArray:
    """Share of each box, as seen from a point, that nothing stands before.

    Args:
        origin: (3,) of the rays in m, in the frame of the boxes.
        directions: (N, K, 3) unit vectors of K rays for each box; those that miss it do not count.
        hit: (N, K) track id of what each ray met, negative for anything else.
        distance: (N, K) to what each ray met, in m.
        labels: (N) whose boxes are looked at.

    Returns:
        (N,) in [0, 1]; NaN where no ray points at the box.
    """
    entry = _entries(origin, directions, labels.boxes)
    pointing = np.isfinite(entry)
    before = pointing & (hit != labels.identifiers[:, None]) & (distance < entry)
    count = pointing.sum(axis=1)
    return np.where(count > 0, 1.0 - before.sum(axis=1) / np.maximum(count, 1), np.nan)


def _entries(origin: FloatArray, directions: FloatArray, boxes: FloatArray) -> FloatArray:
    """(N, K) where rays enter boxes, inf where they miss: the slab test in the boxes' own axes."""
    cosine, sine = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    zero, one = np.zeros(len(boxes)), np.ones(len(boxes))
    rows = [[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, one]]
    turns = np.moveaxis(np.array(rows), -1, 0)
    start = np.einsum("ni,nij->nj", origin - boxes[:, :3], turns)[:, None, :]
    way = directions @ turns
    way = np.where(np.abs(way) < 1e-12, 1e-12, way)
    half = boxes[:, None, 3:6] / 2
    first, second = (-half - start) / way, (half - start) / way
    enter = np.minimum(first, second).max(axis=-1)
    leave = np.maximum(first, second).min(axis=-1)
    return np.where((leave >= enter) & (leave >= 0.0), np.maximum(enter, 0.0), np.inf)
