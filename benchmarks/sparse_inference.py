"""Fast inference of sparse networks against the torch reference: what was tried, and the whole.

Example: ``python -m benchmarks.sparse_inference --json -``. Input as in ``benchmarks.sparse``; the
network is the published 3D backbone with random weights, normalised on the scan so that it fires.
Times are in ms, the best of many: ``wall`` suffers on a busy machine, ``cpu`` hardly. All use one
thread unless their name says two.

One layer is a 3x3x3 submanifold convolution at each stride, tried as gather, product and index_add
in torch (float32, bfloat16, int8) and as our kernels, whose names are method_instruction-set. The
dense layer is the 3x3 convolution of the bird's-eye view, 64 to 64 channels on 200 x 176 cells.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.output import json_target, publish
from benchmarks.published import firing
from benchmarks.sparse import CHANNELS, GRID, best, cloud
from snn_ros.lidar_detection.paper.backbone3d import ResidualBackbone
from snn_ros.lidar_detection.paper.bev_backbone import BevBackbone
from snn_ros.lidar_detection.paper.blocks import HALVING_3, SPIKING
from snn_ros.sparse import rulebook as reference
from snn_ros.sparse.backends import rulebooks
from snn_ros.sparse.backends.compiled import InstructionSet, best_instruction_set
from snn_ros.sparse.backends.grid import GridChain, counts_of
from snn_ros.sparse.backends.kernels import Execution, Method, Outputs, convolve
from snn_ros.sparse.backends.network import Precision, compile_network
from snn_ros.sparse.backends.rulebooks import PackedRulebook
from snn_ros.sparse.backends.weights import pack_floats, pack_integers, padded, quantised
from snn_ros.sparse.functional import sparse_convolution
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.sparse.voxels import voxelise
from snn_ros.spiking.folding import fold_network

DENSITIES = (0.02, 0.1, 0.2, 0.4)  # share of counts that are not zero
USUAL_DENSITY = 0.2
BEV_CELLS = (200, 176)
BEV_CHANNELS = 64


def drawn_counts(rows: int, channels: int, density: float) -> NDArray[np.uint8]:
    """(rows, channels) counts 1 to 4 where they are not zero."""
    random = np.random.default_rng(0)
    counts = random.integers(1, 5, (rows, channels), np.uint8)
    return counts * (random.random((rows, channels)) < density)


def drawn_weight(offsets: int, channels: int) -> NDArray[np.float32]:
    """(channels, offsets, channels)."""
    drawn = np.random.default_rng(1).normal(0.0, 0.05, (channels, offsets, channels))
    return drawn.astype(np.float32)


def kernel_figures(name: str, book: PackedRulebook, channels: int) -> dict[str, float]:
    """Our kernels on one layer: all densities by the best instruction set, one by the others."""
    weight, bias = drawn_weight(len(book.starts) - 1, channels), np.zeros(channels, np.float32)
    integers, floats = pack_integers(*quantised(weight), bias), pack_floats(weight, bias)
    shape = book.num_outputs, padded(channels)
    outputs = Outputs(counts=np.empty(shape, np.uint8), active=np.empty(shape[0], np.uint8))
    figures: dict[str, float] = {}
    for density in DENSITIES:
        counts = drawn_counts(book.num_inputs, channels, density)
        awake = np.any(counts, axis=1).astype(np.uint8)
        for method in Method:
            real = method in (Method.FLOATS, Method.FLOAT_EVENTS)
            features = counts.astype(np.float32) if real else counts
            for kernels in InstructionSet:
                newest = kernels is best_instruction_set()
                if not newest and (density != USUAL_DENSITY or kernels > best_instruction_set()):
                    continue
                work = partial(
                    convolve, method, features, book, floats if real else integers, outputs,
                    active=awake if method is Method.COUNTS else None,
                    execution=Execution(1, kernels),
                )  # fmt: skip
                figures |= best(
                    f"{name}_density_{density}_{method.value}_{kernels.name.lower()}", work
                )
    return figures


def in_torch(
    features: Tensor,
    weight: Tensor,
    book: reference.Rulebook,
    product: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Gather, product, index_add, in any number format."""
    sums: Tensor | None = None
    for offset, inputs, outputs in book.segments():
        rows = product(features[inputs], weight[offset])
        if sums is None:
            sums = rows.new_zeros(book.num_outputs, weight.shape[2])
        sums.index_add_(0, outputs, rows)
    assert sums is not None
    return sums


def torch_figures(name: str, book: reference.Rulebook, channels: int) -> dict[str, float]:
    """What torch offers on one layer."""
    counts = torch.from_numpy(drawn_counts(book.num_inputs, channels, USUAL_DENSITY))
    weight = torch.from_numpy(drawn_weight(book.offsets, channels))
    by_offset = weight.permute(1, 2, 0).contiguous()
    integers, _ = quantised(weight.numpy())
    int8 = torch.from_numpy(integers).permute(1, 2, 0).contiguous()
    side = round(book.offsets ** (1 / 3))
    shaped = weight.reshape(channels, side, side, side, channels)
    return {
        **best(f"{name}_torch_reference", sparse_convolution, counts.float(), shaped, book),
        **best(f"{name}_torch_bfloat16", in_torch, counts.bfloat16(), by_offset.bfloat16(), book,
               torch.mm),
        **best(f"{name}_torch_int8", in_torch, counts.to(torch.int8), int8, book, torch._int_mm),
    }  # fmt: skip


def layer_figures(coordinates: NDArray[np.int32], shape: tuple[int, ...]) -> dict[str, float]:
    """Rulebooks and one layer at every stride."""
    figures: dict[str, float] = {}
    for stride, channels in CHANNELS.items():
        name, size = f"stride_{stride}", (3, 3, 3)
        sites = torch.from_numpy(coordinates)
        book = rulebooks.submanifold_rulebook(coordinates, shape, size)
        torch_book = reference.submanifold_rulebook(sites, shape, size)
        figures |= {f"{name}_sites": len(coordinates), f"{name}_pairs": book.pairs}
        makers: dict[str, Any] = {"ours": rulebooks, "torch": reference}
        for made, maker in makers.items():
            given: Any = coordinates if made == "ours" else sites
            figures |= best(
                f"{name}_submanifold_rulebook_{made}",
                maker.submanifold_rulebook, given, shape, size,
            )  # fmt: skip
            figures |= best(
                f"{name}_strided_rulebook_{made}",
                maker.strided_rulebook, given, shape, HALVING_3,
            )  # fmt: skip
        figures |= torch_figures(name, torch_book, channels)
        figures |= kernel_figures(name, book, channels)
        _, coordinates = rulebooks.strided_rulebook(coordinates, shape, HALVING_3)
        shape = HALVING_3.output_shape(shape)
    return figures


def dense_figures() -> dict[str, float]:
    """The dense layer: torch's formats, and our kernels with a rulebook of the full grid."""
    rows, columns = BEV_CELLS
    counts = drawn_counts(rows * columns, BEV_CHANNELS, USUAL_DENSITY).astype(np.float32)
    planes = torch.from_numpy(counts.reshape(1, rows, columns, -1)).permute(0, 3, 1, 2)
    layer = nn.Conv2d(BEV_CHANNELS, BEV_CHANNELS, 3, padding=1, bias=False)
    figures = best("dense_torch_float32", layer, planes.contiguous())
    layer.weight.data = layer.weight.contiguous(memory_format=torch.channels_last)
    figures |= best("dense_torch_float32_channels_last", layer, planes)
    figures |= best("dense_torch_bfloat16_channels_last", layer.bfloat16(), planes.bfloat16())
    cells = np.stack(np.meshgrid([0], range(rows), range(columns), indexing="ij"), -1)
    coordinates = cells.reshape(-1, 3).astype(np.int32)
    book = rulebooks.submanifold_rulebook(coordinates, BEV_CELLS, (3, 3))
    return figures | kernel_figures("dense", book, BEV_CHANNELS)


def network_figures(features: Tensor, coordinates: Tensor) -> dict[str, float]:
    """The published 3D backbone as a whole, rulebooks included."""
    z, y, x = GRID.shape

    checked = sparse_tensor(features, coordinates, (z + 1, y, x), 1)

    def scan() -> SparseTensor:
        return SparseTensor(checked.features, checked.sites)  # without the rulebooks of before

    def on_scan(run: Callable[[SparseTensor], Any]) -> None:
        run(scan())

    network = firing(ResidualBackbone(), scan)
    figures = best("backbone_torch_reference", on_scan, network)
    for precision in (Precision.FLOAT32, Precision.INT8):
        for threads in (1, 2):
            compiled = compile_network(
                network, scan(), precision=precision, execution=Execution(threads)
            )
            name = f"backbone_{precision.value}_{threads}_threads"
            figures |= best(name, partial(on_scan, compiled))
    for ours in ("float32", "int8"):
        figures[f"reference_over_{ours}_cpu"] = (
            figures["backbone_torch_reference_cpu_ms"]
            / figures[f"backbone_{ours}_1_threads_cpu_ms"]
        )
    return figures


def bev_figures() -> dict[str, float]:
    """The published dense backbone seen from above, a twelfth of its cells not empty."""
    random = torch.Generator().manual_seed(0)
    occupied = torch.rand(1, 1, *BEV_CELLS, generator=random) < 0.08
    x = (torch.rand(1, 256, *BEV_CELLS, generator=random) < USUAL_DENSITY) * occupied.float()
    network = fold_network(firing(BevBackbone(256, SPIKING), lambda: x))
    figures = best("bev_torch_float32", network, x)
    last = x.contiguous(memory_format=torch.channels_last)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    figures |= best("bev_torch_float32_channels_last", network, last)
    chains = []
    shape: tuple[int, ...] = BEV_CELLS
    for block, deblock in zip(network.blocks, network.deblocks, strict=True):
        chain = GridChain(block, shape)
        chains.append((chain, GridChain(deblock, chain.shape)))
        shape = chain.shape
    counts, active = counts_of(x)

    def by_chains() -> None:
        given: Any = counts, active
        for chain, upper in chains:
            outputs = chain(*given)
            given = outputs.counts, outputs.active
            upper(*given)

    figures |= best("bev_int8", by_chains)
    figures |= best("bev_torch_bfloat16_channels_last", network.bfloat16(), last.bfloat16())
    ratio = figures["bev_torch_float32_cpu_ms"] / figures["bev_int8_cpu_ms"]
    return figures | {"bev_float32_over_int8_cpu": ratio}


@torch.no_grad()
def measure(points: Tensor) -> dict[str, float]:
    """All figures by name."""
    voxels = voxelise(points, GRID)
    z, y, x = GRID.shape
    return {
        "load_average_before": os.getloadavg()[0],
        "voxels": len(voxels.features),
        **network_figures(voxels.features, voxels.coordinates),
        **bev_figures(),
        **dense_figures(),
        **layer_figures(voxels.coordinates.numpy(), (z + 1, y, x)),
    }


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    points, name = cloud()
    publish("sparse_inference", name, measure(torch.from_numpy(points)), target)


if __name__ == "__main__":
    main()
