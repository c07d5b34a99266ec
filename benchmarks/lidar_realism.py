"""The simulated 64-beam LiDAR against KITTI's: a table of ratios and plots.

Example: ``python -m benchmarks.lidar_realism``, or with ``--json -`` for figures alone. The real
scans are read from ``SNN_ROS_DATA`` (default ``../shared/data``); without them nothing is compared.
Table and plots go to ``build/lidar_realism/report.html``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import realism_report
from benchmarks.output import json_target, publish
from benchmarks.scan_statistics import FEWEST_CARS, Scan, compare, verdict
from benchmarks.street_worlds import DriveThrough, drives_through
from snn_ros.geometry.rigid import inverse
from snn_ros.kitti.calibration import read_object_calibration
from snn_ros.simulation.sensors.lidar import Lidar
from snn_ros.simulation.sensors.lidar_config import LIDARS
from snn_ros.simulation.sensors.mounts import KITTI_LIDAR

DATA = Path(os.environ.get("SNN_ROS_DATA", "../shared/data"))
REPORT = Path("build/lidar_realism/report.html")
CARS = ("Car", "Van")
_RINGS = 64


def real_scans(data: Path) -> Iterator[Scan]:
    """Every scan of KITTI's object and odometry sets that is there."""
    objects = data / "kitti_object" / "training"
    for file in sorted((objects / "velodyne").glob("*.bin")):
        yield _read_scan(file, labelled_cars(objects, file.stem))
    for file in sorted((data / "kitti_odometry_lidar" / "velodyne").glob("*.bin")):
        yield _read_scan(file, np.zeros((0, 7)))


def _read_scan(file: Path, cars: NDArray[np.float64]) -> Scan:
    """A velodyne file; its points come ring by ring, the highest first, counter-clockwise."""
    points = np.fromfile(file, dtype="<f4").reshape(-1, 4)[:, :3].astype(np.float64)
    azimuth = np.arctan2(points[:, 1], points[:, 0]) % (2 * np.pi)
    begins = np.concatenate([[0], np.diff(azimuth) < -np.pi])
    return Scan(points, _RINGS - 1 - np.cumsum(begins), cars)


def labelled_cars(folder: Path, name: str) -> NDArray[np.float64]:
    """(M, 7) boxes, in the LiDAR's frame, of the cars in a frame of KITTI's object set."""
    calibration = read_object_calibration(folder / "calib" / f"{name}.txt")
    T_velodyne_camera = inverse(calibration.sensors["velodyne"][1])
    cars = []
    for line in (folder / "label_2" / f"{name}.txt").read_text().splitlines():
        kind, *words = line.split()
        if kind in CARS:
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
    found = verdict(rows)
    realism_report.write(REPORT, rows, found, real, simulated)
    lines = [f"{'':16}{'KITTI':>12}{'simulated':>12}{'ratio':>8}"]
    for row in rows:
        mark = "" if row.is_close else "  <- outside"
        lines.append(f"{row.name:16}{row.real:12.4g}{row.simulated:12.4g}{row.ratio:8.2f}{mark}")
    cars = sum(len(scan.cars) for scan in real)
    lines.append(f"{cars} labelled cars in the real scans; bins of less than {FEWEST_CARS} are out")
    lines += [f"{name:24}{value:8.3g}" for name, value in found.items()]
    publish(
        "simulation",
        f"{len(real)} scans of KITTI, {len(simulated)} simulated",
        found | {f"ratio {row.name}": row.ratio for row in rows},
        target,
        lines,
    )
    if target != "-":
        print(REPORT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
