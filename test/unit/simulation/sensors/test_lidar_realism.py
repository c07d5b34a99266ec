"""The comparison with KITTI: its counting in closed form, and its verdict on a small sample."""

import numpy as np
import pytest

from benchmarks import lidar_realism, realism_report
from benchmarks import scan_statistics as statistics
from benchmarks.street_worlds import drives_through


def scan(points: list, ring: list, cars: list | None = None) -> statistics.Scan:
    boxes = np.array(cars or [], dtype=float).reshape(-1, 7)
    return statistics.Scan(np.array(points, dtype=float), np.array(ring), boxes)


def test_points_in_a_turned_box() -> None:
    box = np.array([10.0, 0.0, 0.0, 4.0, 2.0, 1.5, np.pi / 2])
    points = np.array([[10, 1.9, 0], [10.9, 0, 0.7], [11.2, 0, 0], [10, 0, 0.9]], dtype=float)
    assert statistics.points_in_box(points, box) == 2


def test_entries_of_a_scan() -> None:
    car = [15.0, 0.0, 0.0, 4.0, 2.0, 2.0, 0.0]
    points = [[5, 0, 0], [5.01, 0, 0], [15, 0, 0], [15, 0.5, 0], [0, 75, 0], [0, 85, 0]]
    values, cars = statistics.entries([scan(points, [0, 0, 1, 1, 2, 3], [car])])
    assert values["points"] == 5.0  # the last one is too far away
    assert values["voxels"] == 3.0  # two share a voxel, one is to the side
    assert values["share 0-10 m"] == pytest.approx(0.4)
    assert values["share 70-80 m"] == pytest.approx(0.2)
    assert [values[f"ring {i}"] for i in range(4)] == [2.0, 2.0, 1.0, 0.0]
    assert values["car 10-20 m"] == 2.0
    assert cars == {"car 10-20 m": 1.0}


def test_cars_count_only_where_there_are_enough_real_ones() -> None:
    few = [scan([[15, 0, 0]], [0], [[15.0, 0, 0, 4, 2, 2, 0]])] * 2
    assert not any(row.name.startswith("car") for row in statistics.compare(few, few))
    enough = few * 2
    rows = {row.name: row for row in statistics.compare(enough, enough)}
    assert rows["car 10-20 m"].ratio == 1.0


def test_verdict() -> None:
    rows = [
        statistics.Row("a", 1.0, 1.4),
        statistics.Row("b", 1.0, 0.25),
        statistics.Row("c", 0.0, 0.0),
    ]
    found = statistics.verdict(rows)
    assert found["share_within_bounds"] == pytest.approx(2 / 3)
    assert found["furthest_ratio"] == pytest.approx(4.0)


def test_a_simulated_street_looks_like_kitti(data_dir, tmp_path) -> None:
    real = list(lidar_realism.real_scans(data_dir))
    if not real:
        pytest.skip(f"no KITTI scans below {data_dir}")
    assert all(len(np.unique(s.ring)) == 64 for s in real)
    simulated = list(lidar_realism.simulated_scans(drives_through(range(2), looks=2)))
    rows = statistics.compare(real, simulated)
    found = statistics.verdict(rows)
    assert found["share_within_bounds"] >= 0.9
    assert found["furthest_ratio"] <= 3.0
    report = tmp_path / "report.html"
    realism_report.write(report, rows, found, real, simulated)
    assert report.read_text().count("data:image/png") == 4
