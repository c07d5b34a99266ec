"""Sites as single integers: batch first, the last axis fastest, so keys sort as coordinates do."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def linear_keys(coordinates: Tensor, extents: Sequence[int]) -> Tensor:
    """(V,) int64 keys of coordinates (V, 1 + axes) in a grid of these extents, axis by axis."""
    keys = coordinates[:, 0].long()
    for axis, extent in enumerate(extents, start=1):
        keys = keys * extent + coordinates[:, axis]
    return keys


def coordinates_of(keys: Tensor, extents: Sequence[int]) -> Tensor:
    """(V, 1 + axes) int32: the inverse of `linear_keys`."""
    columns = []
    for extent in reversed(extents):
        columns.append(keys % extent)
        keys = keys.div(extent, rounding_mode="floor")
    return torch.stack([keys, *reversed(columns)], dim=1).int()
