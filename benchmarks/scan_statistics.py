"""What sets of LiDAR scans have in common: counts, and how they compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BOUNDS = (0.67, 1.5)  # ratio of at least 90 % of the entries
LARGEST = 3.0  # of any ratio, either way
FEWEST_CARS = 3  # real ones in a bin that is compared

_RANGE = 80.0  # m; KITTI's files end there
_BINS = np.arange(0.0, _RANGE + 1.0, 10.0)
_LOWEST, _HIGHEST = np.array([0.0, -40.0, -3.0]), np.array([70.4, 40.0, 1.0])  # of the voxels
_VOXEL = np.array([0.05, 0.05, 0.1])
_RINGS = 64
_BOX_MARGIN = 0.05  # m; labels are tight

Entries = dict[str, float]


@dataclass(frozen=True, eq=False)
class Scan:
    """One sweep and the cars in it.

    Attributes:
        points: (N, 3) x forward, y left, z up, in m.
        ring: (N,) 0 lowest.
        cars: (M, 7) x y z of the centre, length, width, height, yaw.
    """

    points: NDArray[np.float64]
    ring: NDArray[np.int64]
    cars: NDArray[np.float64]


def entries(scans: Iterable[Scan]) -> tuple[Entries, Entries]:
    """Everything that is compared, and the number of cars behind each median."""
    totals: list[Entries] = []
    cars: dict[str, list[float]] = {}
    for scan in scans:
        distance = np.linalg.norm(scan.points, axis=1)
        near = distance < _RANGE
        points, ring = scan.points[near], scan.ring[near]
        shares = np.histogram(distance[near], _BINS)[0] / len(points)
        totals.append(
            {"points": float(len(points)), "voxels": float(_occupied(points))}
            | {f"share {_name(i)}": float(share) for i, share in enumerate(shares)}
            | {f"ring {i}": float(n) for i, n in enumerate(np.bincount(ring, minlength=_RINGS))}
        )
        for away, inside in car_points(scan):
            cars.setdefault(f"car {_name(int(away // 10))}", []).append(inside)
    means = {name: float(np.mean([t[name] for t in totals])) for name in totals[0]}
    medians = {name: float(np.median(counts)) for name, counts in sorted(cars.items())}
    return means | medians, {name: float(len(counts)) for name, counts in cars.items()}


def car_points(scan: Scan) -> NDArray[np.float64]:
    """(M, 2) distance in m, and number of points, of each car that has any."""
    rows = [(np.hypot(car[0], car[1]), points_in_box(scan.points, car)) for car in scan.cars]
    found = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return found[(found[:, 0] < _RANGE) & (found[:, 1] > 0)]


def _name(index: int) -> str:
    return f"{_BINS[index]:.0f}-{_BINS[index + 1]:.0f} m"


def _occupied(points: NDArray[np.float64]) -> int:
    """Occupied voxels of the volume in which detectors look."""
    inside = points[((points >= _LOWEST) & (points < _HIGHEST)).all(axis=1)]
    return len(np.unique(((inside - _LOWEST) / _VOXEL).astype(np.int64), axis=0))


def points_in_box(points: NDArray[np.float64], box: NDArray[np.float64]) -> int:
    """How many of (N, 3) points are in a box (7,) x y z of the centre, sizes, yaw."""
    cosine, sine = np.cos(box[6]), np.sin(box[6])
    offset = points - box[:3]
    along = offset[:, 0] * cosine + offset[:, 1] * sine
    across = offset[:, 1] * cosine - offset[:, 0] * sine
    local = np.abs(np.column_stack([along, across, offset[:, 2]]))
    return int((local <= box[3:6] / 2 + _BOX_MARGIN).all(axis=1).sum())


@dataclass(frozen=True)
class Row:
    """One entry of the table."""

    name: str
    real: float
    simulated: float

    @property
    def ratio(self) -> float:
        """Simulated over real; 1 where both are 0."""
        if self.real == 0.0:
            return 1.0 if self.simulated == 0.0 else float("inf")
        return self.simulated / self.real

    @property
    def is_close(self) -> bool:
        """Whether the ratio is within ``BOUNDS``."""
        return BOUNDS[0] <= self.ratio <= BOUNDS[1]


def compare(real: Iterable[Scan], simulated: Iterable[Scan]) -> list[Row]:
    """All entries that both sides have; cars only where there are enough real ones."""
    (real_values, real_cars), (simulated_values, _) = entries(real), entries(simulated)
    return [
        Row(name, value, simulated_values.get(name, 0.0))
        for name, value in real_values.items()
        if real_cars.get(name, FEWEST_CARS) >= FEWEST_CARS
    ]


def verdict(rows: list[Row]) -> dict[str, float]:
    """Share of the entries within bounds, and the ratio that is furthest off."""
    off = [max(row.ratio, 1.0 / row.ratio if row.ratio else float("inf")) for row in rows]
    return {
        "entries": float(len(rows)),
        "share_within_bounds": float(np.mean([row.is_close for row in rows])),
        "furthest_ratio": float(max(off)),
    }
