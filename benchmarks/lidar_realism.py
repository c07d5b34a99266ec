"""The simulated 64-beam LiDAR against KITTI's: a table of ratios and plots.

Example: ``python -m benchmarks.lidar_realism``, or with ``--json -`` for figures alone. The real
scans are read from ``SNN_ROS_DATA`` (default ``../shared/data``); without them nothing is compared.
Plots go to ``build/lidar_realism``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.output import json_target, publish
from benchmarks.street_worlds import DriveThrough, drives_through
from snn_ros.bags.convert.kitti_calibration import read_object_calibration
from snn_ros.geometry.rigid import inverse
from snn_ros.simulation.sensors.lidar import Lidar
from snn_ros.simulation.sensors.lidar_config import LIDARS
from snn_ros.simulation.sensors.mounts import KITTI_LIDAR

DATA = Path(os.environ.get("SNN_ROS_DATA", "../shared/data"))
PLOTS = Path("build/lidar_realism")
BOUNDS = (0.67, 1.5)  # ratio of at least 90 % of the entries
LARGEST = 3.0  # of any ratio, either way

_RANGE = 80.0  # m; KITTI's files end there
_BINS = np.arange(0.0, _RANGE + 1.0, 10.0)
_LOWEST, _HIGHEST = np.array([0.0, -40.0, -3.0]), np.array([70.4, 40.0, 1.0])  # of the voxels
_VOXEL = np.array([0.05, 0.05, 0.1])
_CARS = ("Car", "Van")
_FEWEST_CARS = 3  # real ones in a bin that is compared
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


def real_scans(data: Path) -> Iterator[Scan]:
    """Every scan of KITTI's object and odometry sets that is there."""
    objects = data / "kitti_object" / "training"
    for file in sorted((objects / "velodyne").glob("*.bin")):
        yield _read_scan(file, _labelled_cars(objects, file.stem))
    for file in sorted((data / "kitti_odometry_lidar" / "velodyne").glob("*.bin")):
        yield _read_scan(file, np.zeros((0, 7)))


def _read_scan(file: Path, cars: NDArray[np.float64]) -> Scan:
    """A velodyne file; its points come ring by ring, the highest first, counter-clockwise."""
    points = np.fromfile(file, dtype="<f4").reshape(-1, 4)[:, :3].astype(np.float64)
    azimuth = np.arctan2(points[:, 1], points[:, 0]) % (2 * np.pi)
    begins = np.concatenate([[0], np.diff(azimuth) < -np.pi])
    return Scan(points, _RINGS - 1 - np.cumsum(begins), cars)


def _labelled_cars(folder: Path, name: str) -> NDArray[np.float64]:
    calibration = read_object_calibration(folder / "calib" / f"{name}.txt")
    T_velodyne_camera = inverse(calibration.sensors["velodyne"][1])
    cars = []
    for line in (folder / "label_2" / f"{name}.txt").read_text().splitlines():
        kind, *words = line.split()
        if kind in _CARS:
            height, width, length, x, y, z, rotation = map(float, words[7:14])
            centre = (T_velodyne_camera @ [x, y - height / 2, z, 1.0])[:3]
            cars.append([*centre, length, width, height, -rotation - np.pi / 2])
    return np.array(cars).reshape(-1, 7)


def simulated_scans(drives: Iterable[DriveThrough]) -> Iterator[Scan]:
    """Scans of simulated streets, motion-compensated as KITTI's are."""
    for number, drive in enumerate(drives):
        lidar = Lidar(
            drive.scene.model,
            LIDARS["hdl_64e"],
            drive.scene.surfaces,
            np.random.default_rng(number),
        )
        own = [drive.scene.model.body("ego").id]
        for T_world_base, boxes in drive.stops():
            pose = T_world_base @ KITTI_LIDAR
            scan = lidar.scan(drive.scene.data, pose, exclude=own)
            yield Scan(
                scan.positions.astype(np.float64),
                scan.points["ring"].astype(np.int64),
                _seen_from(pose, boxes),
            )


def _seen_from(pose: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes in the frame of a sensor that stands upright."""
    to_sensor, moved = inverse(pose), boxes.copy()
    moved[:, :3] = boxes[:, :3] @ to_sensor[:3, :3].T + to_sensor[:3, 3]
    moved[:, 6] -= np.arctan2(pose[1, 0], pose[0, 0])
    return moved


def entries(scans: Iterable[Scan]) -> tuple[Entries, Entries]:
    """Everything that is compared, and the number of cars behind each median."""
    totals: list[Entries] = []
    cars: dict[str, list[int]] = {}
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
        for car in scan.cars:
            inside, away = points_in_box(points, car), float(np.hypot(*car[:2]))
            if inside and away < _RANGE:
                cars.setdefault(f"car {_name(int(away // 10))}", []).append(inside)
    means = {name: float(np.mean([t[name] for t in totals])) for name in totals[0]}
    medians = {name: float(np.median(counts)) for name, counts in sorted(cars.items())}
    return means | medians, {name: float(len(counts)) for name, counts in cars.items()}


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
        if real_cars.get(name, _FEWEST_CARS) >= _FEWEST_CARS
    ]


def verdict(rows: list[Row]) -> dict[str, float]:
    """Share of the entries within bounds, and the ratio that is furthest off."""
    off = [max(row.ratio, 1.0 / row.ratio if row.ratio else float("inf")) for row in rows]
    return {
        "entries": float(len(rows)),
        "share_within_bounds": float(np.mean([row.is_close for row in rows])),
        "furthest_ratio": float(max(off)),
    }


def plot(rows: list[Row], real: Scan, simulated: Scan, folder: Path) -> None:
    """Counts per ring and range beside each other, and one scan of each from above."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(12, 10), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    for column, prefix in enumerate(("ring ", "share ")):
        axes = figure.add_subplot(grid[0, column])
        chosen = [row for row in rows if row.name.startswith(prefix)]
        axes.plot([row.real for row in chosen], "o-", label="KITTI", markersize=3)
        axes.plot([row.simulated for row in chosen], "s-", label="simulated", markersize=3)
        axes.set(title={"ring ": "points per ring, lowest first", "share ": "share of returns "
                        "per 10 m of range"}[prefix])  # fmt: skip
        axes.legend()
    for column, (title, scan) in enumerate((("KITTI", real), ("simulated", simulated))):
        axes = figure.add_subplot(grid[1, column])
        x, y, z = scan.points.T
        axes.scatter(x, y, s=0.2, c=z, vmin=-2, vmax=2, cmap="viridis")
        axes.set(title=title, xlim=(-40, 60), ylim=(-40, 40), aspect="equal")
    figure.savefig(folder / "realism.png", dpi=120)


def main() -> int:
    """Print the table, or write it as JSON.

    Returns:
        0, also where there is nothing to compare with.
    """
    target = json_target(__doc__)
    real = list(real_scans(DATA))
    if not real:
        print(f"skipped: no KITTI scans below {DATA} (set SNN_ROS_DATA)", file=sys.stderr)
        return 0
    simulated = list(simulated_scans(drives_through()))
    rows = compare(real, simulated)
    plot(rows, real[1], simulated[0], PLOTS)
    found = verdict(rows)
    lines = [f"{'':16}{'KITTI':>12}{'simulated':>12}{'ratio':>8}"]
    for row in rows:
        mark = "" if row.is_close else "  <- outside"
        lines.append(f"{row.name:16}{row.real:12.4g}{row.simulated:12.4g}{row.ratio:8.2f}{mark}")
    lines += [f"{name:24}{value:8.3g}" for name, value in found.items()]
    publish(
        "simulation",
        f"{len(real)} scans of KITTI, {len(simulated)} simulated",
        found | {f"ratio {row.name}": row.ratio for row in rows},
        target,
        lines,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
