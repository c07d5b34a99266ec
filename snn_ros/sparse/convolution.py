"""Convolutions on sparse tensors, 2D and 3D.

Weights are (Cout, *kernel, Cin), kernel axes in the order of the coordinate columns, as spconv 2.x
stores them. Published 1x1 weights need care where they are *imported*, not here: spconv 2.x reads
the memory of a (Cout, 1, 1, 1, Cin) weight as (Cin, Cout), so that a checkpoint W acts as
x @ W.reshape(Cin, Cout), and import has to store W.reshape(Cin, Cout).T in our layout.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from snn_ros.configuration import ConfigurationError
from snn_ros.sparse.functional import sparse_convolution
from snn_ros.sparse.layers import SparseLayer
from snn_ros.sparse.rulebook import Kernel, Rulebook, Size
from snn_ros.sparse.tensor import Sites, SparseTensor
from snn_ros.spiking.folding import OUTPUT_AXIS
from snn_ros.spiking.synapses import SYNAPSE_KINDS, SynapseKind

Convolve = Callable[[Tensor, Tensor, Rulebook], Tensor]


class SparseConvolution(SparseLayer):
    """What the convolutions have in common; use one of its subclasses.

    Initialised as torch's own convolutions: uniform within 1 / sqrt(fan-in).

    Attributes:
        convolve: back end, called with features, weight and rulebook; torch by default.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, *, bias: bool = False
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = kernel_size
        self.weight = nn.Parameter(torch.empty(out_channels, *kernel_size, in_channels))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.convolve: Convolve = sparse_convolution
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        bound = 1.0 / math.sqrt(self.in_channels * math.prod(self.kernel_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def rulebook(self, x: SparseTensor) -> tuple[Rulebook, Sites]:
        """The rulebook of this layer for `x`, from the cache of `x`, and the output's sites."""
        raise NotImplementedError

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Convolve; the bias is added at the output's sites alone."""
        rulebook, sites = self.rulebook(x)
        features = self.convolve(x.features, self.weight, rulebook)
        return x.moved(features if self.bias is None else features + self.bias, sites)

    def extra_repr(self) -> str:
        """Shown when a network is printed."""
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"


class SubmanifoldConvolution(SparseConvolution):
    """Stride 1, output sites = input sites, in the same row order.

    out[p] = sum over k with p + k - kernel_size // 2 occupied of W_k in[p + k - kernel_size // 2]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Size = 3,
        *,
        dimensions: int = 3,
        bias: bool = False,
    ) -> None:
        """Choose the shape.

        Args:
            in_channels: Cin.
            out_channels: Cout.
            kernel_size: odd; one number for all axes, or one per axis.
            dimensions: 2 or 3, where `kernel_size` is one number.
            bias: whether to add one.

        Raises:
            ConfigurationError: for an even kernel.
        """
        size = _per_axis(kernel_size, dimensions)
        if any(extent % 2 == 0 for extent in size):
            raise ConfigurationError(
                type(self).__name__, [f"kernel_size = {kernel_size!r}: must be odd"]
            )
        super().__init__(in_channels, out_channels, size, bias=bias)

    def rulebook(self, x: SparseTensor) -> tuple[Rulebook, Sites]:
        """Shared by all submanifold layers of this kernel size on these sites."""
        return x.rulebooks.submanifold(x.sites, self.kernel_size), x.sites


class StridedConvolution(SparseConvolution):
    """Output sites are all those whose window holds an input site, in lexicographic order.

    out[q] = sum over k with stride q + k - padding occupied of W_k in[stride q + k - padding]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Size,
        stride: int | Size,
        padding: int | Size = 0,
        *,
        dimensions: int = 3,
        bias: bool = False,
    ) -> None:
        """Choose the shape.

        Args:
            in_channels: Cin.
            out_channels: Cout.
            kernel_size: one number for all axes, or one per axis.
            stride: likewise.
            padding: likewise.
            dimensions: 2 or 3, where `kernel_size` is one number.
            bias: whether to add one.

        Raises:
            ConfigurationError: naming each value that is too small or has too few entries.
        """
        size = _per_axis(kernel_size, dimensions)
        self.kernel = Kernel(size, _per_axis(stride, len(size)), _per_axis(padding, len(size)))
        super().__init__(in_channels, out_channels, size, bias=bias)

    def rulebook(self, x: SparseTensor) -> tuple[Rulebook, Sites]:
        """Built once per input sites and kernel."""
        return x.rulebooks.strided(x.sites, self.kernel)

    def extra_repr(self) -> str:
        """Shown when a network is printed."""
        return f"{super().extra_repr()}, stride={self.kernel.stride}, padding={self.kernel.padding}"


class InverseConvolution(SparseConvolution):
    """Back to the sites that the last strided convolution came from, along the same pairs.

    Where the strided kernel is 2 with stride 2, every fine site has one parent:
    out[p] = W_k in[p // 2], k = p mod 2. A fine site that the strided convolution did not see (the
    last plane of an odd extent) receives nothing and stays zero, but for the bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Size = 2,
        *,
        dimensions: int = 3,
        bias: bool = False,
    ) -> None:
        """Choose the shape; `kernel_size` must be that of the strided convolution."""
        super().__init__(in_channels, out_channels, _per_axis(kernel_size, dimensions), bias=bias)

    def rulebook(self, x: SparseTensor) -> tuple[Rulebook, Sites]:
        """The strided convolution's, with inputs and outputs swapped.

        Raises:
            SparseTensorError: if no strided convolution led to these sites.
            ConfigurationError: if its kernel has another size.
        """
        rulebook, finer = x.rulebooks.inverse(x.sites)
        if x.sites.level[-1].size != self.kernel_size:
            raise ConfigurationError(
                type(self).__name__,
                [f"kernel_size = {self.kernel_size!r}: the strided convolution it inverts "
                 f"has {x.sites.level[-1].size!r}"],
            )  # fmt: skip
        return rulebook, finer


def _per_axis(value: int | Size, axes: int) -> Size:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _multiply_accumulates(layer: SparseConvolution, x: SparseTensor, _: SparseTensor) -> int:
    return layer.rulebook(x)[0].pairs * layer.in_channels * layer.out_channels


def _spike_additions(layer: SparseConvolution, x: SparseTensor, _: SparseTensor) -> int:
    rulebook = layer.rulebook(x)[0]
    targets = torch.bincount(rulebook.inputs, minlength=rulebook.num_inputs)
    return int(x.features.double().sum(1) @ targets.double()) * layer.out_channels


SYNAPSE_KINDS[SparseConvolution] = SynapseKind(_multiply_accumulates, _spike_additions)
OUTPUT_AXIS[SparseConvolution] = 0
