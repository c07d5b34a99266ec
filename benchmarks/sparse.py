"""Speed of the reference sparse core on one thread: voxels, rulebooks, convolutions.

A training step of one convolution is also timed by the compiled kernels, where they are built.

Example: ``python -m benchmarks.sparse --json -``. The cloud is the first of KITTI's object set in
``SNN_ROS_DATA`` (default ``../shared/data``), cut to the camera's wedge; without it, a drawn
street. Times are in ms, the best of many: ``wall`` suffers on a busy machine, ``cpu`` hardly.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.output import json_target, publish
from snn_ros.kitti.files import read_scan
from snn_ros.lidar_detection.speed import drawn_street
from snn_ros.sparse.backends.training import train_compiled
from snn_ros.sparse.convolution import (
    SparseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.tensor import RulebookCache, SparseTensor, sparse_tensor
from snn_ros.sparse.voxels import VoxelCaps, VoxelGrid, voxelise

SCANS = Path("kitti_object/training/velodyne")
DRAWN = "a drawing"
GRID = VoxelGrid((0.0, -40.0, -3.0), (70.4, 40.0, 1.0), (0.05, 0.05, 0.1))
CAPS = VoxelCaps(points_per_voxel=5, voxels=40_000)
CHANNELS = {1: 16, 2: 32, 4: 64, 8: 64}  # by stride, those of the published detector
HALF_VIEW = np.deg2rad(40.5)  # of KITTI's left colour camera
SPIKE_LEVELS = torch.tensor([0.0, 0.0, 0.0, 1.0, 2.0])
RUNS = 20


def scans() -> list[Path]:
    """Scans of KITTI's object set, where they are."""
    folder = Path(os.environ.get("SNN_ROS_DATA", "../shared/data")) / SCANS
    return sorted(folder.glob("*.bin"))


def whole_cloud() -> tuple[NDArray[np.float32], str]:
    """(N, 4) points all around, and what they are."""
    files = scans()
    return (read_scan(files[0]), str(SCANS / files[0].name)) if files else (drawn_street(), DRAWN)


def cloud() -> tuple[NDArray[np.float32], str]:
    """(N, 4) points in the camera's wedge, and what they are."""
    points, name = whole_cloud()
    ahead = np.abs(np.arctan2(points[:, 1], points[:, 0])) < HALF_VIEW
    return points[ahead], name


def best(
    name: str, work: Callable[..., object], *arguments: object, runs: int = RUNS
) -> dict[str, float]:
    """Least wall and processor time of one call, in ms."""
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work(*arguments)
        walls.append(1e3 * (time.perf_counter() - wall))
        cpus.append(1e3 * (time.process_time() - cpu))
    return {f"{name}_wall_ms": min(walls), f"{name}_cpu_ms": min(cpus)}


def counts_at(x: SparseTensor, channels: int) -> SparseTensor:
    """Spike counts at the sites of `x`, two fifths of them not silent."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(SPIKE_LEVELS), (len(x.features), channels), generator=generator)
    return x.with_features(SPIKE_LEVELS[drawn])


def with_new_rulebooks(layer: SparseConvolution, x: SparseTensor) -> None:
    """Build the rulebook of a layer."""
    layer.rulebook(SparseTensor(x.features, x.sites, RulebookCache()))


def training_step(layer: SparseConvolution, x: SparseTensor) -> None:
    """Forward and backward pass."""
    features = x.features.clone().requires_grad_()
    layer(x.with_features(features)).features.sum().backward()


def at_every_stride(x: SparseTensor) -> dict[str, float]:
    """Rulebooks and convolutions down to stride 8."""
    figures: dict[str, float] = {}
    for stride, channels in CHANNELS.items():
        same = SubmanifoldConvolution(channels, channels)
        down = StridedConvolution(channels, channels, 3, 2, 1)
        x = counts_at(x, channels)
        name = f"stride_{stride}"
        figures[f"{name}_sites"] = len(x.features)
        figures[f"{name}_pairs"] = same.rulebook(x)[0].pairs
        kinds = {"submanifold": same} if stride == 8 else {"submanifold": same, "strided": down}
        for kind, layer in kinds.items():
            with torch.no_grad():
                figures |= best(f"{name}_{kind}_rulebook", with_new_rulebooks, layer, x)
                figures |= best(f"{name}_{kind}_{channels}", layer, x)
        if stride == 4:
            figures |= best(f"{name}_training_{channels}", training_step, same, x)
            if train_compiled(same):
                figures |= best(f"{name}_training_compiled_{channels}", training_step, same, x)
        with torch.no_grad():
            x = down(x)
    return figures


def measure(points: Tensor) -> dict[str, float]:
    """All figures by name."""
    voxels = voxelise(points, GRID)
    z, y, x = GRID.shape
    stem = sparse_tensor(voxels.features, voxels.coordinates, (z + 1, y, x), 1)
    return {
        "load_average_before": os.getloadavg()[0],
        "points": len(points),
        "voxels": len(voxels.features),
        **best("voxelise_mean", voxelise, points, GRID),
        **best("voxelise_first_come", partial(voxelise, caps=CAPS), points, GRID),
        **at_every_stride(stem),
    }


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    torch.set_num_threads(1)
    points, name = cloud()
    publish("sparse", name, measure(torch.from_numpy(points)), target)


if __name__ == "__main__":
    main()
