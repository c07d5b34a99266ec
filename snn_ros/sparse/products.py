"""Matrix products of the reference back end: the same bits for any number of threads.

On a CPU, float32 products go to oneDNN by the operator that torch.compile uses for linear layers.
It rounds the same for any number of threads (tried with 1, 2 and 4 over thousands of shapes), and
on AMD processors takes half the time of MKL, which torch calls by default. MKL picks its kernel for
some small numbers of rows by the number of threads; for multiples of 16 rows it does not.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

ROW_BLOCK = 16
_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(
    torch.ops.mkldnn, "_linear_pointwise"
)


def rows_times(rows: Tensor, matrix: Tensor) -> Tensor:
    """(N, outputs): rows (N, inputs) times the transpose of a contiguous (outputs, inputs)."""
    if _HAS_ONEDNN and rows.device.type == "cpu" and rows.dtype == torch.float32:
        return torch.ops.mkldnn._linear_pointwise(rows, matrix, None, "none", [], "")
    return (_padded_to_blocks(rows) @ matrix.T)[: len(rows)]


def sum_of_outer(left: Tensor, right: Tensor) -> Tensor:
    """(A, B): sum over rows of the outer products of left (N, A) and right (N, B)."""
    return (_padded_to_blocks(left.T) @ right)[: left.shape[1]]


def _padded_to_blocks(rows: Tensor) -> Tensor:
    missing = -len(rows) % ROW_BLOCK
    return pad(rows, (0, 0, 0, missing)) if missing else rows
