"""Sparse networks on a GPU: torch, our Triton kernel, and spconv where it is installed.

Example: ``python -m benchmarks.sparse_gpu --json -``; part of ``make test-gpu``. Input as in
``benchmarks.sparse``. The published 3D backbone has drawn weights with which sums are exact, so all
of them spike alike; the edge detector has the shipped weights, or none that were trained. Times are
in ms of one call, rulebooks included, until the GPU is done: median and 99th percentile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.output import json_target, publish
from benchmarks.published import exact_backbone, exact_scan
from benchmarks.sparse import cloud
from snn_ros.lidar_detection.detector_config import DetectorConfig
from snn_ros.lidar_detection.edge_detector import EdgeDetector
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.lidar_detection.speed import SENSOR_HEIGHT, durations, edge_network, percentiles
from snn_ros.sparse.backends.device_network import Backend, BackendMissing
from snn_ros.sparse.backends.fused import Precision
from snn_ros.sparse.backends.network import compile_network
from snn_ros.sparse.backends.spconv_backend import SpconvBackend
from snn_ros.sparse.backends.triton_backend import TritonBackend
from snn_ros.sparse.tensor import SparseTensor

RUNS = 50


def on_device(x: SparseTensor, device: torch.device) -> SparseTensor:
    """The same tensor on a device, without rulebooks."""
    sites = x.sites
    moved = type(sites)(
        sites.coordinates.to(device), sites.spatial_shape, sites.batch_size, sites.level
    )
    return SparseTensor(x.features.to(device), moved)


def backends() -> Mapping[str, Callable[[], Backend]]:
    """By name."""
    return {"triton": TritonBackend, "spconv": SpconvBackend}


def network_figures(name: str, network: nn.Module, x: SparseTensor, runs: int) -> dict[str, float]:
    """One network by every back end, and spconv's time over ours."""
    device = x.features.device

    def timed(what: str, run: Callable[[SparseTensor], Any]) -> dict[str, float]:
        def once() -> None:
            run(SparseTensor(x.features, x.sites))  # without the rulebooks of before
            if device.type == "cuda":
                torch.cuda.synchronize(device)

        return percentiles(f"{name}_{what}", durations(once, runs))

    figures = timed("torch", network)
    for backend_name, make in backends().items():
        try:
            backend = make()
        except BackendMissing as err:
            print(f"{name}: {err}", file=sys.stderr)
            continue
        precisions = [Precision.FLOAT32]
        if backend_name == "triton":
            precisions.append(Precision.INT8)
        for precision in precisions:
            compiled = compile_network(network, precision=precision, backend=backend)
            figures |= timed(f"{backend_name}_{precision.value}", compiled)
    rival = figures.get(f"{name}_spconv_float32_ms_p50", float("nan"))
    for numbers in ("float32", "int8"):
        ours = figures[f"{name}_triton_{numbers}_ms_p50"]
        figures[f"{name}_spconv_over_triton_{numbers}"] = rival / ours
    return figures


@torch.no_grad()
def measure(points: NDArray[np.float32], device: torch.device, runs: int) -> dict[str, float]:
    """All figures by name.

    Args:
        points: (N, 4) of one scan.
        device: to measure.
        runs: of each network.
    """
    scan = exact_scan(points)
    backbone = exact_backbone(lambda: SparseTensor(scan.features, scan.sites))
    edge = edge_network(points)
    above_road = torch.from_numpy(points) + torch.tensor([0.0, 0.0, SENSOR_HEIGHT, 0.0])
    edge_scan = voxel_features(above_road, edge.config.grid).tensor
    detector = EdgeDetector(edge, DetectorConfig(sensor_height=SENSOR_HEIGHT), device)
    return {
        "points": len(points),
        "paper_voxels": len(scan.features),
        **network_figures("paper", backbone.to(device), on_device(scan, device), runs),
        "edge_voxels": len(edge_scan.features),
        **network_figures("edge", edge, on_device(edge_scan, device), runs),
        **percentiles("edge_detector", durations(partial(detector.detect, points), runs)),
    }


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    if not torch.cuda.is_available():
        sys.exit("benchmarks.sparse_gpu: this machine has no CUDA device")
    torch.manual_seed(0)
    points, name = cloud()
    device = torch.device("cuda")
    figures = measure(points, device, RUNS)
    publish("sparse_gpu", f"{name}, {torch.cuda.get_device_name(device)}", figures, target)


if __name__ == "__main__":
    main()
