"""How fast the edge detector is: a scan in, boxes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from snn_ros.lidar_detection.detector_config import DetectorConfig
from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork
from snn_ros.lidar_detection.edge_detector import EdgeDetector
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.lidar_detection.edge_grid import deployed
from snn_ros.lidar_detection.edge_weights import load_edge
from snn_ros.lidar_detection.weights import default_path
from snn_ros.weight_files import WeightsError

SENSOR_HEIGHT = 1.73  # m; KITTI's, and that of the drawn street
_WARM_UP, _SCANS = 5, 100

Cloud = NDArray[np.float32]


def measure(points: Cloud | None = None, scans: int | None = None) -> dict[str, float]:
    """Time of one scan in ms by number of threads, and of its stages on one thread.

    Args:
        points: (N, 4) of one scan; None for a drawn street.
        scans: how often it is looked at; None for enough.
    """
    points = drawn_street() if points is None else points
    scans = scans or _SCANS
    network = edge_network(points)
    figures: dict[str, float] = {"points": len(points)}
    for threads in (1, 2):
        detector = detector_of(network, threads)
        name = f"{threads}_threads"
        figures |= percentiles(name, durations(partial(detector.detect, points), scans))
    detector = detector_of(network, threads=1)
    results = [detector.detect(points) for _ in range(scans)]
    figures["voxels"] = results[0].voxels
    for stage in results[0].stage_ms:
        figures[f"{stage}_ms_p50"] = float(np.median([r.stage_ms[stage] for r in results]))
    return figures


def detector_of(network: EdgeNetwork, threads: int) -> EdgeDetector:
    """A detector on the CPU."""
    torch.set_num_threads(threads)
    config = DetectorConfig(sensor_height=SENSOR_HEIGHT, threads=threads)
    return EdgeDetector(network, config, torch.device("cpu"))


def edge_network(
    points: Cloud, activation: str = "spike", weights: Path | None = None
) -> EdgeNetwork:
    """A deployed network: of a file, else the shipped one, else one that was never trained.

    Args:
        points: (N, 4) of a scan; an untrained network is normalised on it, so that it fires.
        activation: ``spike``, or ``relu`` for the twin, which is not shipped.
        weights: file to use if it exists.
    """
    if weights is not None and weights.is_file():
        return load_edge(weights)
    try:
        if activation == "spike":
            return load_edge(default_path("edge"))
    except WeightsError:
        pass
    return _untrained(EdgeConfig(activation=activation), points)


def durations(work: Callable[[], Any], times: int) -> NDArray[np.float64]:
    """(times,) wall time of calls in s, after some that do not count."""
    for _ in range(_WARM_UP):
        work()
    ends = [time.perf_counter()]
    for _ in range(times):
        work()
        ends.append(time.perf_counter())
    return np.diff(ends)


def percentiles(name: str, seconds: NDArray[np.float64]) -> dict[str, float]:
    """``NAME_ms_p50`` and ``NAME_ms_p99`` of durations in s."""
    return {f"{name}_ms_p{p}": float(np.percentile(seconds, p)) * 1e3 for p in (50, 99)}


def drawn_street(beams: int = 64, columns: int = 2000) -> Cloud:
    """(N, 4) a flat road between walls at random distances, with noise of the range."""
    random = np.random.default_rng(0)
    elevation, azimuth = np.meshgrid(
        np.deg2rad(np.linspace(-24.8, 2.0, beams)),
        np.linspace(-np.pi, np.pi, columns),
        indexing="ij",
    )
    wall = np.repeat(random.uniform(8.0, 60.0, 100), -(-columns // 100))[:columns]
    road = np.where(elevation < 0, -SENSOR_HEIGHT / np.sin(np.minimum(elevation, -1e-3)), np.inf)
    distance = np.minimum(wall, road) + random.normal(0.0, 0.02, elevation.shape)
    directions = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
                  np.sin(elevation)]  # fmt: skip
    points = [*(distance * direction for direction in directions), random.random(distance.shape)]
    return np.stack(points, -1).reshape(-1, 4).astype(np.float32)


@torch.no_grad()
def _untrained(config: EdgeConfig, points: Cloud) -> EdgeNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = EdgeNetwork(config)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 1.0
    above_road = torch.tensor(points) + torch.tensor([0.0, 0.0, SENSOR_HEIGHT, 0.0])
    network.train()(voxel_features(above_road, config.grid).tensor)
    return deployed(network.eval())
