"""Labels of everybody in a frame: boxes, track ids, velocities, and how much a sensor sees of each.

Boxes are those of ``snn_ros.geometry.boxes``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.angles import wrap_angle
from snn_ros.geometry.boxes import transform_boxes
from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.street.actors import CLASS_OF, ActorSpec, ActorState
from snn_ros.simulation.street.planar import FloatArray


@dataclass(frozen=True)
class ObjectLabels:
    """Everybody that can be detected.

    Attributes:
        identifiers: (N,) int64 track ids.
        classes: N names of ``CLASS_OF``.
        boxes: (N, 7) float64.
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
        boxes = transform_boxes(self.boxes, pose)
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
