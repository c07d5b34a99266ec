"""The grid seen from above: rows go forward along x, columns to the left along y.

The origin is that of the flattened ego frame. Cell i of an axis covers the interval
[start + i size, start + (i + 1) size).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Bound = tuple[float, float, float]
"""First edge, last edge and size of cells along an axis, in m."""


@dataclass(frozen=True)
class Grid:
    """Extent of the grid; along z it has one cell in everything published."""

    x: Bound = (-50.0, 50.0, 0.5)
    y: Bound = (-50.0, 50.0, 0.5)
    z: Bound = (-10.0, 10.0, 20.0)

    @property
    def cell_size(self) -> list[float]:
        """Along x, y, z in m."""
        return [bound[2] for bound in (self.x, self.y, self.z)]

    @property
    def first_centre(self) -> list[float]:
        """Centre of cell 0 along x, y, z in m."""
        return [bound[0] + bound[2] / 2 for bound in (self.x, self.y, self.z)]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along x, y, z."""
        x, y, z = (round((end - start) / size) for start, end, size in (self.x, self.y, self.z))
        return x, y, z

    def cells_of(self, points: Tensor, *, truncate: bool) -> tuple[Tensor, Tensor]:
        """The cells that hold points.

        Args:
            points: (..., 3) in m.
            truncate: round toward zero as the published code does, which draws points up to one
                cell before the first edge into cell 0; else round down.

        Returns:
            Index (...) into a grid flattened from (x, y, z), 0 outside; and whether inside.
        """
        size = points.new_tensor(self.cell_size)
        start = points.new_tensor(self.first_centre) - size / 2
        position = (points - start) / size
        cells = (position.trunc() if truncate else position.floor()).long()
        shape = cells.new_tensor(self.shape)
        inside = ((cells >= 0) & (cells < shape)).all(-1)
        x, y, z = cells.unbind(-1)
        index = (x * self.shape[1] + y) * self.shape[2] + z
        return torch.where(inside, index, 0), inside
