"""Clumps that beams end in: bushes, hedges, mounds, walls, posts, bins.

Roadsides are fuller than the simulator's streets, and what a detector has never seen it may take
for a car. Beams of a scan that meet a clump end in it, at a depth that is drawn for each; so rings
stay rings, and what is behind is hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.angles import wrap_angle
from snn_ros.geometry.boxes import count_points
from snn_ros.geometry.rotated_iou import common_area
from snn_ros.lidar_detection.scans import LabelledScan

Floats = NDArray[np.float64]

_NEAREST, _FARTHEST = 4.0, 50.0  # m from the sensor to the middle of a clump
_REFLECTIVITIES = (0.03, 0.6)
_REFLECTIVITY_NOISE = 0.25
_MARGIN = 0.05  # m around a box, within which points count as its own


@dataclass(frozen=True)
class Kind:
    """Clumps of one sort.

    Attributes:
        sizes: least and most length, width and height in m.
        depth: least and most mean depth in m at which beams end in it.
        rounded: an ellipsoid; otherwise a box.
        sunk: its middle is at the height of the road.
    """

    sizes: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    depth: tuple[float, float]
    rounded: bool = False
    sunk: bool = False


KINDS = (
    Kind(((0.6, 5.0), (0.6, 2.5), (0.5, 2.2)), (0.05, 0.6), rounded=True),  # bushes
    Kind(((4.0, 15.0), (0.6, 1.5), (0.8, 2.5)), (0.05, 0.4)),  # hedges
    Kind(((5.0, 15.0), (3.0, 8.0), (0.6, 3.0)), (0.01, 0.05), rounded=True, sunk=True),  # mounds
    Kind(((3.0, 12.0), (0.15, 0.5), (0.8, 3.0)), (0.005, 0.02)),  # walls
    Kind(((0.08, 0.35), (0.08, 0.35), (0.9, 3.5)), (0.005, 0.02)),  # posts
    Kind(((0.4, 1.6), (0.4, 1.1), (0.5, 1.4)), (0.005, 0.02)),  # bins
    Kind(((4.0, 20.0), (3.0, 12.0), (0.1, 0.6)), (0.3, 3.0)),  # high grass
)


def with_clumps(scan: LabelledScan, most: int, rng: np.random.Generator) -> LabelledScan:
    """The scan among clumps, none of which touches a box.

    Args:
        scan: z counted from the road.
        most: clumps.
        rng: decides.
    """
    origin = np.array([0.0, 0.0, scan.sensor_height])
    points, counts = scan.points.copy(), scan.points_in_box.copy()
    azimuths = np.arctan2(points[:, 1], points[:, 0])  # beams stay where they are
    for place in _visible_places(points, int(rng.integers(0, most + 1)), rng):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        box = _drawn(kind, place, rng)
        if (common_area(box[None], scan.boxes) > 0.0).any():
            continue
        towards = _towards(azimuths, box)
        rays = points[towards, :3] - origin
        ranges = np.linalg.norm(rays, axis=1).clip(min=1e-6)
        rays /= ranges[:, None]
        enters, leaves = _crossed(box, kind.rounded, origin, rays)
        ends = enters + rng.exponential(rng.uniform(*kind.depth), len(enters))
        met = (enters > 0.0) & (ends < leaves) & (ends < ranges)
        hidden = towards[met]
        counts -= count_points(points[hidden], scan.boxes, _MARGIN)
        points[hidden, :3] = origin + rays[met] * ends[met, None]
        brightness = rng.uniform(*_REFLECTIVITIES) * rng.normal(1.0, _REFLECTIVITY_NOISE, met.sum())
        points[hidden, 3] = brightness.clip(0.0, 1.0)
    return replace(scan, points=points, points_in_box=counts.clip(min=0))


def _visible_places(
    points: NDArray[np.float32], count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """(count, 2) x and y of points, those far away as often as those nearby; none without any."""
    squared = (points[:, :2] ** 2).sum(axis=1, dtype=np.float64)
    weights = np.where((squared > _NEAREST**2) & (squared < _FARTHEST**2), squared, 0.0)
    total = weights.sum()
    if not total:
        return points[:0, :2]
    return points[rng.choice(len(points), count, p=weights / total), :2]


def _drawn(kind: Kind, place: NDArray[np.float32], rng: np.random.Generator) -> Floats:
    """(7,) how large a clump is that stands at a place (2,)."""
    size = np.array([rng.uniform(*range_) for range_ in kind.sizes])
    middle = 0.0 if kind.sunk else size[2] / 2
    return np.array([*place, middle, *size, rng.uniform(-np.pi, np.pi)])


def _towards(azimuths: NDArray[np.float32], box: Floats) -> NDArray[np.int64]:
    """Beams that may meet a box."""
    distance, radius = np.hypot(box[0], box[1]), 0.5 * np.hypot(box[3], box[4])
    half = np.arcsin(min(radius / distance, 1.0)) if distance > radius else np.pi
    away = wrap_angle(azimuths - np.float32(np.arctan2(box[1], box[0])))
    rows: NDArray[np.int64] = np.flatnonzero(np.abs(away) <= half)
    return rows


def _crossed(box: Floats, rounded: bool, origin: Floats, rays: Floats) -> tuple[Floats, Floats]:
    """Where rays (N, 3) of length 1 enter and leave a clump, in m; beyond all reach if never."""
    cosine, sine = np.cos(box[6]), np.sin(box[6])
    into = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    half = box[3:6] / 2
    start, along = into @ (origin - box[:3]) / half, rays @ into.T / half
    crossing: Callable[..., tuple[Floats, Floats]] = _of_ball if rounded else _of_cube
    return crossing(start, along)


def _of_ball(start: Floats, along: Floats) -> tuple[Floats, Floats]:
    squared, towards = (along**2).sum(axis=1), along @ start
    root = towards**2 - squared * (start @ start - 1.0)
    meets = root > 0.0
    width = np.sqrt(np.where(meets, root, 0.0))
    enters = np.where(meets, (-towards - width) / squared, np.inf)
    return enters, np.where(meets, (-towards + width) / squared, -np.inf)


def _of_cube(start: Floats, along: Floats) -> tuple[Floats, Floats]:
    along = np.where(np.abs(along) < 1e-9, 1e-9, along)
    planes = np.stack([(-1.0 - start) / along, (1.0 - start) / along])
    enters, leaves = planes.min(axis=0).max(axis=1), planes.max(axis=0).min(axis=1)
    meets = enters < leaves
    return np.where(meets, enters, np.inf), np.where(meets, leaves, -np.inf)
