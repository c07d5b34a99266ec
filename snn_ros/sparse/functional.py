"""Sparse convolution in plain torch: gather rows, multiply, add to rows, one offset at a time.

The reference back end: it runs wherever torch runs and has gradients. On the CPU its bits do not
depend on the number of threads: an output row occurs at most once per offset, offsets are added in
raster order, and matrix products are those of `products`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn_ros.sparse.products import rows_times, sum_of_outer
from snn_ros.sparse.rulebook import Rulebook


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
    kernel = weight.flatten(1, -2).transpose(0, 1).contiguous()  # (offsets, Cout, Cin)
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
    output = features.new_zeros(rulebook.num_outputs, kernel.shape[1])
    for offset, inputs, outputs in rulebook.segments():
        rows = features.index_select(0, inputs)
        output.index_add_(0, outputs, rows_times(rows, kernel[offset]))
    return output


def _kernel_gradient(features: Tensor, gradient: Tensor, rulebook: Rulebook) -> Tensor:
    """(offsets, Cout, Cin): sum over pairs of the outer product of gradient and input."""
    kernel = features.new_zeros(rulebook.offsets, gradient.shape[1], features.shape[1])
    for offset, inputs, outputs in rulebook.segments():
        rows = features.index_select(0, inputs)
        kernel[offset] = sum_of_outer(gradient.index_select(0, outputs), rows)
    return kernel
