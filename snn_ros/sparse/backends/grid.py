"""Dense 2D layers on spikes, by the sparse kernels: a grid is a sparse tensor without gaps.

Cells without a spike are left out as sparse sites are, and rulebooks are made once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snn_ros.sparse.backends.kernels import ONE_THREAD, Execution, Method, Outputs, convolve
from snn_ros.sparse.backends.program import NotCompiled
from snn_ros.sparse.backends.rulebooks import PackedRulebook, strided_rulebook
from snn_ros.sparse.backends.weights import (
    PackedWeights,
    pack_integers,
    padded,
    quantised,
)
from snn_ros.sparse.rulebook import Kernel, Size
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.spiking.folding import fold_batch_norm
from snn_ros.spiking.modules import IntegerSpike

Dense = nn.Conv2d | nn.ConvTranspose2d


@dataclass(frozen=True, eq=False)
class _Layer:
    rulebook: PackedRulebook
    weights: PackedWeights
    max_count: int  # of the cell behind
    outputs: Outputs


class GridChain:
    """Inference of nn.Sequential(cell, convolution, normalisation, cell, ...) in int8.

    Keeps its buffers, so it serves one call at a time, and a result is valid until the next one.
    """

    def __init__(
        self,
        chain: nn.Sequential,
        spatial_shape: Size,
        *,
        max_count: int = 4,
        execution: Execution = ONE_THREAD,
    ) -> None:
        """Pack the weights and make the rulebooks.

        Args:
            chain: in evaluation mode: nn.ZeroPad2d in front of the first cell, then cells,
                nn.Conv2d or nn.ConvTranspose2d with a kernel as large as its stride, and batch
                normalisations.
            spatial_shape: rows and columns of the input.
            max_count: D of the cells that take the result.
            execution: threads and kernels.

        Raises:
            NotCompiled: for another layer.
            FoldingError: for a batch normalisation in training mode.
        """
        self._execution = execution
        self._layers: list[_Layer] = []
        self.shape = spatial_shape
        margin = 0
        for layer, after in zip(chain, [*list(chain)[1:], nn.Identity()], strict=True):
            if isinstance(layer, nn.ZeroPad2d):
                margin = layer.padding[0]
            elif isinstance(layer, Dense):
                if isinstance(after, nn.BatchNorm2d):
                    layer = fold_batch_norm(layer, after)
                self._append(layer, margin, max_count)
                margin = 0
            elif not isinstance(layer, IntegerSpike | nn.BatchNorm2d | nn.Identity):
                raise NotCompiled(f"{layer}: no part of a chain on a grid")

    def __call__(self, counts: NDArray[np.uint8], active: NDArray[np.uint8]) -> Outputs:
        """Membranes and counts of the last layer.

        Args:
            counts: (rows * columns, padded channels), what the first cell emits.
            active: (rows * columns,), 0 where all counts of a cell are 0.
        """
        inputs = Outputs(counts=counts, active=active)
        for layer in self._layers:
            assert inputs.counts is not None  # every layer has them
            convolve(
                Method.COUNTS, inputs.counts, layer.rulebook, layer.weights, layer.outputs,
                active=inputs.active, max_count=layer.max_count, execution=self._execution,
            )  # fmt: skip
            inputs = layer.outputs
        return inputs

    def _append(self, layer: Dense, margin: int, max_count: int) -> None:
        rulebook, self.shape = _rulebook(layer, margin, self.shape)
        if self._layers:
            last = self._layers[-1]
            self._layers[-1] = replace(last, outputs=replace(last.outputs, membrane=None))
        rows, channels = rulebook.num_outputs, padded(layer.out_channels)
        outputs = Outputs(
            membrane=np.empty((rows, channels), np.float32),
            counts=np.empty((rows, channels), np.uint8),
            active=np.empty(rows, np.uint8),
        )
        self._layers.append(_Layer(rulebook, _packed(layer), max_count, outputs))


def counts_of(membrane: Tensor, max_count: int = 4) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What a cell emits on a map (1, C, rows, columns), as `GridChain` takes it."""
    fired = (membrane[0].clamp(0, max_count) + 0.5).to(torch.uint8)
    channels = fired.shape[0]
    counts = np.zeros((fired[0].numel(), padded(channels)), np.uint8)
    counts[:, :channels] = fired.flatten(1).T.numpy()
    return counts, np.any(counts, axis=1).astype(np.uint8)


def counts_from_above(x: SparseTensor) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Counts of one sample (z, y, x) as `GridChain` takes them, planes next to each other.

    As `counts_of(x.dense().flatten(1, 2))`, channel = c * planes + z, without the dense tensor.
    """
    planes, rows, columns = x.sites.spatial_shape
    channels = x.features.shape[1]
    counts = np.zeros((rows * columns, padded(channels * planes)), np.uint8)
    _, z, row, column = x.sites.coordinates.numpy().T.astype(np.int64)
    places = np.arange(channels) * planes + z[:, None]
    counts[(row * columns + column)[:, None], places] = x.features.numpy()
    return counts, np.any(counts, axis=1).astype(np.uint8)


def _rulebook(layer: Dense, margin: int, shape: Size) -> tuple[PackedRulebook, Size]:
    size, stride = tuple(layer.kernel_size), tuple(layer.stride)
    padding = tuple(int(entry) + margin for entry in layer.padding)
    if isinstance(layer, nn.ConvTranspose2d):
        if size != stride or any(padding):
            raise NotCompiled(f"{layer}: kernel and stride differ, or it is padded")
        finer = tuple(extent * step for extent, step in zip(shape, stride, strict=True))
        down, _ = strided_rulebook(_cells(finer), finer, Kernel(size, stride, (0, 0)))
        up = replace(
            down,
            inputs=down.outputs,
            outputs=down.inputs,
            num_inputs=down.num_outputs,
            num_outputs=down.num_inputs,
        )
        return up, finer
    kernel = Kernel(size, stride, padding)
    return strided_rulebook(_cells(shape), shape, kernel)[0], kernel.output_shape(shape)


def _cells(shape: Size) -> NDArray[np.int32]:
    axes = np.meshgrid([0], *map(np.arange, shape), indexing="ij")
    return np.stack(axes, -1).reshape(-1, len(shape) + 1).astype(np.int32)


def _packed(layer: Dense) -> PackedWeights:
    order = (1, 2, 3, 0) if isinstance(layer, nn.ConvTranspose2d) else (0, 2, 3, 1)
    weight = layer.weight.detach().permute(order).flatten(1, 2)  # (Cout, offsets, Cin)
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
    return pack_integers(*quantised(weight.contiguous().numpy()), bias.numpy())
