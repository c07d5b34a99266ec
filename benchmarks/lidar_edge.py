"""The edge detector: message to message, against its twin with ReLU, and by number of points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.sparse import best, scans
from snn_ros.kitti.files import read_scan
from snn_ros.lidar_detection.edge import EdgeNetwork, HeadOutput
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.lidar_detection.preparation import (
    PreparationConfig,
    ScanPreparation,
    refuse_upside_down,
)
from snn_ros.lidar_detection.scans import CLASSES
from snn_ros.lidar_detection.speed import (
    SENSOR_HEIGHT,
    detector_of,
    drawn_street,
    durations,
    edge_network,
    percentiles,
)
from snn_ros.ros.conversions.detections import Detections, write_detections
from snn_ros.ros.conversions.point_clouds import read_points, write_points
from snn_ros.sparse.backends.network import InferenceNetwork, Precision, compile_network
from snn_ros.sparse.layers import ChannelAffine
from snn_ros.sparse.tensor import SparseTensor

TWIN = Path("build/training/lidar_detection/relu/weights.safetensors")
CLOUDS = 200
POINT_COUNTS = (10_000, 30_000, 100_000, 200_000, 300_000)
SCALING_CLOUDS = 30
THRESHOLD_SHIFTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)  # membranes are about 1 wide

Cloud = NDArray[np.float32]


def message_figures(points: Cloud) -> dict[str, float]:
    """PointCloud2 in, Detection3DArray out, in a process of its own for each number of threads."""
    figures: dict[str, float] = {}
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for threads in (1, 2):
            figures |= pool.apply(_message_figures, (points, threads))
    return figures


def _peak_memory() -> float:
    """Largest memory of this process so far in GB.

    Not from getrusage, whose figure begins with the memory of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes.split()[1]) * 1024 / 1e9


def _message_figures(points: Cloud, threads: int) -> dict[str, float]:
    message = write_points(points, ("x", "y", "z", "intensity"), 1_000_000_000, "lidar")
    detector = detector_of(edge_network(points), threads)
    preparation = ScanPreparation(PreparationConfig())

    def answer() -> None:
        cloud = read_points(message)
        refuse_upside_down(cloud.points[:, :3], SENSOR_HEIGHT)
        prepared = preparation.prepare(cloud.points[:, :3], cloud.points[:, 3])
        found = detector.detect(prepared.points).detections
        names = [CLASSES[label] for label in found.labels]
        write_detections(Detections(found.boxes, found.scores, names), cloud.stamp_ns, "lidar")

    name = f"message_{threads}_threads"
    times = percentiles(name, durations(answer, CLOUDS))
    peak = _peak_memory()
    return {**times, f"{name}_peak_memory_gb": peak}


@torch.no_grad()
def twin_figures(points: Cloud) -> dict[str, float]:
    """The network with spikes and its twin with ReLU, each by its back ends, on one thread.

    Of both the fastest counts. Then spikes become fewer and fewer by higher thresholds.
    """
    torch.set_num_threads(1)
    x = _features(points)

    def timed(name: str, run: Callable[[SparseTensor], Any]) -> dict[str, float]:
        return best(name, lambda: run(SparseTensor(x.features, x.sites)))

    twin = edge_network(points, "relu", TWIN)
    figures = timed("twin_torch_float32", twin)
    expected: HeadOutput = twin(SparseTensor(x.features, x.sites))
    for precision in (Precision.FLOAT32, Precision.INT8_CALIBRATED):
        compiled = compile_network(twin, x, precision=precision)
        figures |= timed(f"twin_{precision.value}", compiled)
    rounded = compiled(x).heat.sigmoid() - expected.heat.sigmoid()
    figures["twin_int8_calibrated_largest_heat_deviation"] = float(rounded.abs().max())

    network = edge_network(points)
    sweep = list(_by_density(network, x, timed))
    figures["spiking_density"] = sweep[0][0]
    for shift, (density, times) in zip(THRESHOLD_SHIFTS, sweep, strict=True):
        name = "spiking_int8" if shift == 0.0 else f"spiking_int8_thresholds_{shift}_higher"
        figures |= {f"{name}_density": density, **{f"{name}_{k}": v for k, v in times.items()}}
    for clock in ("wall_ms", "cpu_ms"):
        exact, fastest = (
            min(figures[f"twin_{name}_{clock}"] for name in names)
            for names in (("torch_float32", "float32"), ("float32", "int8_calibrated"))
        )
        spiking = figures[f"spiking_int8_{clock}"]
        figures[f"twin_float32_over_spiking_{clock[:-3]}"] = exact / spiking
        figures[f"twin_over_spiking_{clock[:-3]}"] = min(exact, fastest) / spiking
        densities, taken = zip(*((d, t[clock]) for d, t in sweep), strict=True)
        figures[f"density_where_spiking_stops_winning_{clock[:-3]}"] = crossing(
            densities, taken, min(exact, fastest)
        )
    return figures


def crossing(densities: tuple[float, ...], times: tuple[float, ...], limit: float) -> float:
    """The density up to which times stay below a limit, between measurements by a straight line.

    Args:
        densities: falling.
        times: of each.
        limit: to stay below.

    Returns:
        1 if the time stays below at the largest density, 0 if at none.
    """
    if times[0] < limit:
        return 1.0
    for i in range(1, len(times)):
        if times[i] < limit:
            share = (limit - times[i]) / (times[i - 1] - times[i])
            return densities[i] + share * (densities[i - 1] - densities[i])
    return 0.0


def scaling_figures() -> dict[str, float]:
    """Median time of a cloud by number of points, on one and two threads."""
    random = np.random.default_rng(0)
    pool = np.concatenate([read_scan(file) for file in scans()] or [drawn_street(columns=5000)])
    figures: dict[str, float] = {}
    for count in POINT_COUNTS:
        points = pool[random.choice(len(pool), count, replace=False)]
        network = edge_network(points)
        for threads in (1, 2):
            detector = detector_of(network, threads)
            took = durations(partial(detector.detect, points), SCALING_CLOUDS)
            name = f"scaling_{count}_points"
            figures[f"{name}_{threads}_threads_ms"] = 1e3 * float(np.median(took))
        figures[f"{name}_voxels"] = detector.detect(points).voxels
    return figures


def _features(points: Cloud) -> SparseTensor:
    above_road = torch.tensor(points) + torch.tensor([0.0, 0.0, SENSOR_HEIGHT, 0.0])
    return voxel_features(above_road, edge_network(points).config.grid).tensor


def _by_density(
    network: EdgeNetwork, x: SparseTensor, timed: Callable[..., dict[str, float]]
) -> Iterator[tuple[float, dict[str, float]]]:
    """Share of counts that are not zero, and the times, from many spikes to few."""
    affines = [
        module
        for name, module in network.named_modules()
        if isinstance(module, ChannelAffine) and name not in ("heat.3", "boxes.3")
    ]
    before = 0.0
    for shift in THRESHOLD_SHIFTS:
        for affine in affines:
            affine.shift.sub_(shift - before)
        before = shift
        compiled = compile_network(network, x, precision=Precision.INT8)
        assert isinstance(compiled, InferenceNetwork)
        densities = [layer.density for layer in compiled.plan if not np.isnan(layer.density)]
        times = timed("t", compiled)
        yield float(np.mean(densities)), {k.removeprefix("t_"): v for k, v in times.items()}
