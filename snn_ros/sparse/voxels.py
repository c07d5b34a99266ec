"""Voxels from points: which cells a cloud occupies, and the mean of its points in each."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from snn_ros.sparse.keys import linear_keys
from snn_ros.sparse.rulebook import Size
from snn_ros.spiking.parameters import refuse

# Sums are those of integers, so that their order does not matter: 2^30 per unit leaves room for
# 2^17 points at the limit in one voxel, and rounds by 5e-10.
FIXED_POINT = 2.0**30
LARGEST_FEATURE = 2.0**16


@dataclass(frozen=True)
class VoxelGrid:
    """A box in the sensor's frame, cut into cells.

    Attributes:
        minimum: lower corner x, y, z in m; a point on it is inside.
        maximum: upper corner x, y, z in m; a point on it is outside.
        size: of a cell in x, y, z in m.
    """

    minimum: tuple[float, float, float]
    maximum: tuple[float, float, float]
    size: tuple[float, float, float]

    def __post_init__(self) -> None:
        problems = []
        for axis, low, high, size in zip("xyz", self.minimum, self.maximum, self.size, strict=True):
            if not (isfinite(size) and size > 0):
                problems.append(f"size = {self.size!r}: must be above 0 in {axis}")
            if not (isfinite(low) and isfinite(high) and low < high):
                problems.append(f"maximum = {self.maximum!r}: must be above minimum in {axis}")
        refuse(self, problems)

    @property
    def shape(self) -> Size:
        """Number of cells along z, y, x, the order of coordinates."""
        extents = zip(self.minimum, self.maximum, self.size, strict=True)
        x, y, z = (round((high - low) / size) for low, high, size in extents)
        return z, y, x


@dataclass(frozen=True)
class VoxelCaps:
    """Limits of the published detectors, first come, first kept: the order of points matters.

    Attributes:
        points_per_voxel: points beyond these are left out of the mean.
        voxels: per sample; points of further cells are left out.
    """

    points_per_voxel: int
    voxels: int

    def __post_init__(self) -> None:
        refuse(
            self,
            [
                f"{name} = {value}: must be at least 1"
                for name, value in vars(self).items()
                if value < 1
            ],
        )


@dataclass(frozen=True)
class DroppedPoints:
    """Points that are in no voxel's mean, by reason.

    Attributes:
        not_finite: with NaN or infinity in any column.
        out_of_range: outside the grid.
        over_point_cap: beyond `VoxelCaps.points_per_voxel`.
        over_voxel_cap: in cells beyond `VoxelCaps.voxels`.
    """

    not_finite: int
    out_of_range: int
    over_point_cap: int = 0
    over_voxel_cap: int = 0


@dataclass(frozen=True, eq=False)
class Voxels:
    """Occupied cells.

    Attributes:
        coordinates: (V, 4) int32: batch, z, y, x.
        features: (V, F) float32, mean over the kept points; positions stay absolute.
        point_counts: (V,) int64, kept points.
        dropped: points that were left out.
    """

    coordinates: Tensor
    features: Tensor
    point_counts: Tensor
    dropped: DroppedPoints


def voxelise(
    points: Tensor,
    grid: VoxelGrid,
    *,
    batch: Tensor | None = None,
    caps: VoxelCaps | None = None,
) -> Voxels:
    """Mean of the points in every occupied cell.

    A point's cell is floor((position - minimum) / size), in float32. Without caps the result does
    not depend on the order of the points, not even in its last bit: voxels are in lexicographic
    order of their coordinates, and sums are taken in fixed point. With caps they are in the order
    of their first point, samples one after the other.

    Args:
        points: (N, F) float32, x, y, z in m and then any features of up to ±2^16.
        grid: the cells.
        batch: (N,) integer, the sample of each point; None for one sample.
        caps: limits, for the published detectors.
    """
    finite = points.isfinite().all(1)
    position = (points[:, :3] - points.new_tensor(grid.minimum)) / points.new_tensor(grid.size)
    cell = position.floor().flip(1)  # x, y, z to z, y, x
    inside = finite & ((cell >= 0) & (cell < cell.new_tensor(grid.shape))).all(1)
    kept = inside.nonzero().squeeze(1)
    sample = kept.new_zeros(len(kept)) if batch is None else batch[kept].long()
    points, coordinates = points[kept], torch.cat([sample[:, None], cell[kept].long()], 1)

    # stable: within a voxel the points keep their order
    sorted_keys, order = linear_keys(coordinates, grid.shape).sort(stable=True)
    _, voxel, counts = torch.unique_consecutive(
        sorted_keys, return_inverse=True, return_counts=True
    )
    starts = counts.cumsum(0) - counts
    coordinates = coordinates[order[starts]].int()

    num_finite = int(finite.sum())
    not_finite, out_of_range = len(finite) - num_finite, num_finite - len(kept)
    if caps is None:
        features = _means(points[order], voxel, counts)
        return Voxels(coordinates, features, counts, DroppedPoints(not_finite, out_of_range))

    capped = counts.clamp(max=caps.points_per_voxel)
    rank = torch.arange(len(order), device=order.device) - starts[voxel]
    early = rank < caps.points_per_voxel
    features = _means(points[order[early]], voxel[early], capped)
    chosen = _first_come(coordinates[:, 0].long(), order[starts], caps.voxels)
    over_voxel_cap = len(order) - int(counts[chosen].sum())
    over_point_cap = int((counts - capped)[chosen].sum())
    dropped = DroppedPoints(not_finite, out_of_range, over_point_cap, over_voxel_cap)
    return Voxels(coordinates[chosen], features[chosen], capped[chosen], dropped)


def _means(points: Tensor, voxel: Tensor, counts: Tensor) -> Tensor:
    """(V, F) means of the points of each voxel; exact but for one rounding of each point."""
    limited = points.double().clamp(-LARGEST_FEATURE, LARGEST_FEATURE)
    fixed = (limited * FIXED_POINT).round().long()
    sums = fixed.new_zeros(len(counts), points.shape[1]).index_add_(0, voxel, fixed)
    return (sums.double() / (counts.double()[:, None] * FIXED_POINT)).to(points.dtype)


def _first_come(sample: Tensor, first_point: Tensor, limit: int) -> Tensor:
    """Voxels of each sample in the order of their first points, at most `limit` of them."""
    order = first_point.argsort()
    order = order[sample[order].argsort(stable=True)]
    sizes = torch.bincount(sample)
    rank = torch.arange(len(order), device=order.device)
    return order[rank - (sizes.cumsum(0) - sizes)[sample[order]] < limit]
