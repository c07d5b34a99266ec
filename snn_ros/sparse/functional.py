"""Sparse convolution in plain torch: gather rows, multiply, add to rows, one offset at a time.

The reference back end: it runs wherever torch runs and has gradients. On the CPU its bits do not
depend on the number of threads: an output row occurs at most once per offset, offsets are added in
raster order, and matrix products keep to shapes whose rounding is the same for any number of
threads.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from snn_ros.sparse.rulebook import Rulebook

ROW_BLOCK = 16  # with a few rows more than such a multiple, MKL rounds by the number of threads


def sparse_convolution(features: Tensor, weight: Tensor, rulebook: Rulebook) -> Tensor:
    """out[q] = sum over pairs (p, q) of offset k of W_k in[p], with gradients to both arguments.

    Linear in `features`: unit spikes summed over sub-steps give what their counts give.

    Args:
        features: (rulebook.num_inputs, Cin).
        weight: (Cout, *kernel, Cin).
        rulebook: of the kernel.

    Returns:
        (rulebook.num_outputs, Cout).
    """
    kernel = weight.flatten(1, -2).permute(1, 2, 0).contiguous()  # (offsets, Cin, Cout)
    return _SparseConvolution.apply(features, kernel, rulebook)


class _SparseConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, kernel: Tensor, rulebook: Rulebook) -> Tensor:
        ctx.save_for_backward(features, kernel)
        ctx.rulebook = rulebook
        return _gather_multiply_add(features, kernel, rulebook)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        features, kernel = ctx.saved_tensors
        needs_features, needs_kernel, _ = ctx.needs_input_grad
        gradient = gradient.contiguous()
        to_features = to_kernel = None
        if needs_features:
            to_features = _gather_multiply_add(
                gradient, kernel.transpose(1, 2).contiguous(), ctx.rulebook.transposed()
            )
        if needs_kernel:
            to_kernel = _kernel_gradient(features, gradient, ctx.rulebook)
        return to_features, to_kernel, None


def _gather_multiply_add(features: Tensor, kernel: Tensor, rulebook: Rulebook) -> Tensor:
    output = features.new_zeros(rulebook.num_outputs, kernel.shape[2])
    longest = _rounded_up(max(len(inputs) for _, inputs, _ in rulebook.segments()))
    gathered = features.new_zeros(longest, kernel.shape[1])
    product = features.new_empty(longest, kernel.shape[2])
    for offset, inputs, outputs in rulebook.segments():
        pairs, rows = len(inputs), _rounded_up(len(inputs))
        torch.index_select(features, 0, inputs, out=gathered[:pairs])
        torch.mm(gathered[:rows], kernel[offset], out=product[:rows])
        output.index_add_(0, outputs, product[:pairs])
    return output


def _kernel_gradient(features: Tensor, gradient: Tensor, rulebook: Rulebook) -> Tensor:
    """(offsets, Cin, Cout): sum over pairs of the outer product of input and gradient."""
    channels = features.shape[1]
    features = pad(features, (0, _rounded_up(channels) - channels))
    kernel = features.new_empty(rulebook.offsets, features.shape[1], gradient.shape[1])
    for offset, inputs, outputs in rulebook.segments():
        rows = features.index_select(0, inputs)
        torch.mm(rows.T, gradient.index_select(0, outputs), out=kernel[offset])
    return kernel[:, :channels]


def _rounded_up(rows: int) -> int:
    return -(-rows // ROW_BLOCK) * ROW_BLOCK
