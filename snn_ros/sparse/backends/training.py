"""Sparse convolutions with gradients by the compiled kernels: float32 on the CPU.

They compute what `snn_ros.sparse.functional` does but for the rounding of float32: sums are taken
in another order. Bits do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from snn_ros.sparse.backends.compiled import is_available
from snn_ros.sparse.backends.kernels import (
    Execution,
    Method,
    Outputs,
    add_weight_gradient,
    convolve,
)
from snn_ros.sparse.backends.rulebooks import PackedRulebook, packed
from snn_ros.sparse.backends.weights import pack_floats, padded
from snn_ros.sparse.convolution import SparseConvolution
from snn_ros.sparse.rulebook import Rulebook

# of rulebooks in use: forward, and transposed for the gradient of the input
_packed: WeakKeyDictionary[Rulebook, tuple[PackedRulebook, PackedRulebook]] = WeakKeyDictionary()


def train_compiled(network: nn.Module) -> bool:
    """Let every sparse convolution of a network run by the compiled kernels, gradients too.

    The network then takes float32 on the CPU. Its weights, and their names, stay as they are.

    Returns:
        Whether the kernels are available; where they are not, the network is left as it is.
    """
    if not is_available():
        return False
    for layer in network.modules():
        if isinstance(layer, SparseConvolution):
            layer.convolve = compiled_convolution
    return True


def compiled_convolution(features: Tensor, weight: Tensor, rulebook: Rulebook) -> Tensor:
    """`sparse_convolution` by the compiled kernels, on as many threads as torch uses.

    Args:
        features: (rulebook.num_inputs, Cin) float32 on the CPU.
        weight: (Cout, *kernel, Cin) likewise.
        rulebook: of the kernel; packed for the kernels at its first use.

    Returns:
        (rulebook.num_outputs, Cout).

    Raises:
        TypeError: for another number format or device.
        LibraryMissing: if the kernels were not built.
    """
    for name, given in (("features", features), ("weight", weight)):
        if given.dtype != torch.float32 or given.device.type != "cpu":
            raise TypeError(f"{name} of {given.dtype} on {given.device}: must be float32 on cpu")
    result: Tensor = _CompiledConvolution.apply(features, weight, rulebook)
    return result


class _CompiledConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, rulebook: Rulebook) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.rulebooks = _packed_both_ways(rulebook)
        kernel = weight.flatten(1, -2)  # (Cout, offsets, Cin)
        return _convolve(features, kernel, ctx.rulebooks[0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        features, weight = ctx.saved_tensors
        forward, transposed = ctx.rulebooks
        needs_features, needs_weight, _ = ctx.needs_input_grad
        to_features = to_weight = None
        if needs_features:
            to_features = _convolve(gradient, weight.flatten(1, -2).transpose(0, 2), transposed)
        if needs_weight:
            to_weight = _weight_gradient(features, gradient, forward).view_as(weight)
        return to_features, to_weight, None


def _convolve(features: Tensor, kernel: Tensor, rulebook: PackedRulebook) -> Tensor:
    """(V', Cout) of a kernel (Cout, offsets, Cin)."""
    channels = len(kernel)
    weights = pack_floats(_array(kernel), np.zeros(channels, np.float32))
    output = torch.empty(rulebook.num_outputs, padded(channels))
    outputs = Outputs(membrane=output.numpy())
    convolve(Method.FLOATS, _rows(features), rulebook, weights, outputs, execution=_execution())
    return output[:, :channels].contiguous()


def _weight_gradient(features: Tensor, gradient: Tensor, rulebook: PackedRulebook) -> Tensor:
    """(Cout, offsets, Cin)."""
    channels = features.shape[1]
    features = pad(features, (0, padded(channels) - channels))
    sums = torch.zeros(gradient.shape[1], len(rulebook.starts) - 1, features.shape[1])
    add_weight_gradient(
        _rows(features), _rows(gradient), rulebook, sums.numpy(), execution=_execution()
    )
    return sums[..., :channels].contiguous()


def _rows(features: Tensor) -> NDArray[np.float32]:
    return _array(features.contiguous())


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().numpy()
    return array


def _execution() -> Execution:
    return Execution(torch.get_num_threads())


def _packed_both_ways(rulebook: Rulebook) -> tuple[PackedRulebook, PackedRulebook]:
    if rulebook not in _packed:
        _packed[rulebook] = packed(rulebook), packed(rulebook.transposed())
    return _packed[rulebook]
