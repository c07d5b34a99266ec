"""The published detector's 3D and dense backbones: ours, spconv and torch on the same input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.published import IntegerBev, exact_backbone, exact_scan, firing
from benchmarks.rivals import NoRival, spconv_on
from benchmarks.sparse import best
from snn_ros.lidar_detection.paper.anchor_head import AnchorHead
from snn_ros.lidar_detection.paper.backbone3d import OUTPUT_WIDTH, ResidualBackbone
from snn_ros.lidar_detection.paper.bev_backbone import (
    UPPER_WIDTH,
    WIDTHS,
    BevBackbone,
    birds_eye_view,
)
from snn_ros.lidar_detection.paper.blocks import SPIKING
from snn_ros.lidar_detection.paper.voxel_rcnn import CAR_ANCHORS, FLAT_PLANES
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.network import Precision, compile_network
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.spiking.firing import spike_count
from snn_ros.spiking.folding import fold_network

SPIKE_PRECISIONS = Precision.FLOAT32, Precision.INT16, Precision.INT8
DENSE_RUNS = 5  # of up to a second
MOST_DIFFERING = 1e-3
"""Share of the last spikes that may differ from spconv's: those of one layer that rounds."""


@torch.no_grad()
def backbone_figures(points: NDArray[np.float32]) -> dict[str, float]:
    """Both backbones, rulebooks included; times in ms, ratios to ours on one thread."""
    torch.set_num_threads(1)
    x = exact_scan(points)

    def scan() -> SparseTensor:
        return SparseTensor(x.features, x.sites)  # without the rulebooks of before

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = exact_backbone(scan)
        dense = _dense(network(scan()).flat)
        unrounded = _unrounded_figures(scan)
    return _sparse_figures(network, scan) | unrounded | _dense_figures(*dense, network(scan()).flat)


def _sparse_figures(
    network: ResidualBackbone, scan: Callable[[], SparseTensor]
) -> dict[str, float]:
    def on_scan(run: Callable[[SparseTensor], Any]) -> Any:
        return run(scan())

    expected = network(scan()).flat
    figures: dict[str, float] = {"voxels": len(scan().features)}
    figures |= best("backbone_torch_1_threads", on_scan, network)
    for precision in SPIKE_PRECISIONS:
        for threads in (1, 2):
            compiled = compile_network(
                network, scan(), precision=precision, execution=Execution(threads)
            )
            name = f"backbone_ours_{precision.value}"
            figures |= best(f"{name}_{threads}_threads", partial(on_scan, compiled))
            spikes = compiled(scan()).flat.features
            figures[f"{name}_differing_spikes"] = _share(spikes != expected.features)
    try:
        figures |= _spconv_figures(network, scan(), expected)
    except NoRival as err:
        print(f"spconv is left out: {err}", file=sys.stderr)
    for rival in ("torch", "spconv"):
        for ours in SPIKE_PRECISIONS:
            names = f"backbone_{rival}_1_threads", f"backbone_ours_{ours.value}_1_threads"
            figures |= _ratios(figures, *names)
    return figures


def _unrounded_figures(scan: Callable[[], SparseTensor]) -> dict[str, float]:
    """Spikes that differ from torch's where weights are in no whole steps: one flip makes many."""
    network = cast(ResidualBackbone, fold_network(firing(ResidualBackbone(), scan)))
    expected = network(scan()).flat.features
    return {
        f"backbone_unrounded_{precision.value}_differing_spikes": _share(
            compile_network(network, precision=precision)(scan()).flat.features != expected
        )
        for precision in SPIKE_PRECISIONS
    }


def _spconv_figures(
    network: ResidualBackbone, x: SparseTensor, expected: SparseTensor
) -> dict[str, float]:
    """Times of spconv, once what it computes was seen to be the same.

    Raises:
        NoRival: it cannot be had, or computes something else.
    """
    rival = spconv_on(network, x)
    order = np.lexsort(rival.coordinates.T[::-1])
    spikes = spike_count(rival.features[order], SPIKING.max_count)
    if not np.array_equal(rival.coordinates[order], expected.sites.coordinates.numpy()):
        raise NoRival("its output has other sites than ours")
    differing = _share(torch.from_numpy(spikes) != expected.features)
    if differing > MOST_DIFFERING:
        raise NoRival(f"{differing:.1%} of its spikes differ from ours")
    return {
        "backbone_spconv_differing_spikes": differing,
        "backbone_spconv_1_threads_wall_ms": rival.wall_ms,
        "backbone_spconv_1_threads_cpu_ms": rival.cpu_ms,
    }


def _dense(flat: SparseTensor) -> tuple[BevBackbone, AnchorHead]:
    """The dense stack with drawn weights, firing on what the 3D backbone emits."""
    backbone = BevBackbone(OUTPUT_WIDTH * FLAT_PLANES, SPIKING)
    head = AnchorHead(UPPER_WIDTH * len(WIDTHS), len(CAR_ANCHORS.yaws)).eval()
    fired = fold_network(firing(backbone, lambda: birds_eye_view(flat)))
    return cast(BevBackbone, fired), head


def _dense_figures(backbone: BevBackbone, head: AnchorHead, flat: SparseTensor) -> dict[str, float]:
    """From the last sparse spikes to the maps of the head."""

    def in_torch(dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
        x = birds_eye_view(flat).to(dtype).contiguous(memory_format=layout)
        return torch.cat([m.flatten(0, 2) for m in head(backbone(x))], dim=1)

    def fastest(name: str, dtype: torch.dtype) -> dict[str, float]:
        """The better of both memory layouts."""
        tried = []
        for layout in (torch.contiguous_format, torch.channels_last):
            convert(dtype, layout)
            tried.append(best(name, in_torch, dtype, layout, runs=DENSE_RUNS))
        convert(torch.float32, torch.contiguous_format)
        return min(tried, key=lambda figures: figures[f"{name}_wall_ms"])

    def convert(dtype: torch.dtype, layout: torch.memory_format) -> None:
        for part in (backbone, head):
            part.to(dtype=dtype, memory_format=layout)  # type: ignore[call-overload]

    figures: dict[str, float] = {}
    expected = in_torch(torch.float32, torch.contiguous_format)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        run = IntegerBev(backbone, head, flat.sites.spatial_shape[1:], Execution(threads))
        figures |= best(f"dense_ours_int8_{threads}_threads", run, flat)
        figures["dense_ours_int8_deviation"] = float(
            (run(flat) - expected).square().mean().sqrt() / expected.std()
        )
        figures |= fastest(f"dense_torch_float32_{threads}_threads", torch.float32)
        figures |= fastest(f"dense_torch_bfloat16_{threads}_threads", torch.bfloat16)
        reference = f"dense_torch_float32_{threads}_threads"
        for faster in ("dense_ours_int8", "dense_torch_bfloat16"):
            figures |= _ratios(figures, reference, f"{faster}_{threads}_threads")
    torch.set_num_threads(1)
    return figures


def _ratios(figures: dict[str, float], rival: str, ours: str) -> dict[str, float]:
    """How many times faster ours is, by wall and by processor time."""
    return {
        f"{rival}_over_{ours}_{clock}": figures[f"{rival}_{clock}_ms"]
        / figures[f"{ours}_{clock}_ms"]
        for clock in ("wall", "cpu")
        if f"{rival}_{clock}_ms" in figures
    }


def _share(differs: Tensor) -> float:
    return float(differs.float().mean())
