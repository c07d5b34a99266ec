"""The voxeliser against a loop over points, and what may not change its result."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.configuration import ConfigurationError
from snn_ros.sparse.voxels import VoxelCaps, VoxelGrid, voxelise

GRID = VoxelGrid((0.0, -2.0, -1.0), (4.0, 2.0, 1.0), (0.5, 0.25, 0.5))


def cloud(count, seed=0, features=4):
    """Points in and around the grid."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(count, features, generator=generator)
    points[:, :3] = points[:, :3] * torch.tensor([5.0, 5.0, 3.0]) - torch.tensor([0.5, 2.5, 1.5])
    return points


def loop(points, batch, caps=None):
    """(first-come voxels {(b, z, y, x): [points]}, dropped counts), one point at a time."""
    voxels, dropped = {}, {"not_finite": 0, "out_of_range": 0, "points": 0, "voxels": 0}
    low, size = (np.float32(values) for values in (GRID.minimum, GRID.size))
    z_extent, y_extent, x_extent = GRID.shape
    for point, sample in zip(points.numpy(), batch.tolist(), strict=True):
        if not np.isfinite(point).all():
            dropped["not_finite"] += 1
            continue
        x, y, z = (math.floor(value) for value in (point[:3] - low) / size)
        if not (0 <= x < x_extent and 0 <= y < y_extent and 0 <= z < z_extent):
            dropped["out_of_range"] += 1
            continue
        cell = sample, z, y, x
        if cell not in voxels:
            if caps and sum(key[0] == sample for key in voxels) == caps.voxels:
                dropped["voxels"] += 1
                continue
            voxels[cell] = []
        if caps and len(voxels[cell]) == caps.points_per_voxel:
            dropped["points"] += 1
        else:
            voxels[cell].append(point)
    return voxels, dropped


def assert_equal_to_loop(result, expected, dropped):
    assert result.coordinates.tolist() == [list(cell) for cell in expected]
    assert result.point_counts.tolist() == [len(points) for points in expected.values()]
    means = [np.float64(points).mean(0) for points in expected.values()]
    np.testing.assert_allclose(result.features.numpy(), np.reshape(means, (-1, 4)), atol=1e-6)
    assert [*vars(result.dropped).values()] == [*dropped.values()]


def interleaved(count, seed=1):
    """Samples 0 and 2 in any order; sample 1 is empty."""
    return torch.randint(0, 2, (count,), generator=torch.Generator().manual_seed(seed)) * 2


def test_mean_of_all_points_equals_the_loop():
    points, batch = cloud(3000), interleaved(3000)
    points[5, 3], points[70, 0], points[99, 2] = math.nan, math.inf, -math.inf
    voxels, dropped = loop(points, batch)
    result = voxelise(points, GRID, batch=batch)
    assert dropped["not_finite"] == 3
    assert dropped["out_of_range"] > 100
    assert_equal_to_loop(result, dict(sorted(voxels.items())), dropped)
    assert result.coordinates.dtype == torch.int32
    assert result.features.dtype == torch.float32


@pytest.mark.parametrize("caps", [VoxelCaps(5, 10_000), VoxelCaps(2, 60), VoxelCaps(1, 1)])
def test_first_come_equals_the_loop(caps):
    points, batch = cloud(2000), interleaved(2000)
    voxels, dropped = loop(points, batch, caps)
    by_sample = dict(sorted(voxels.items(), key=lambda item: item[0][0]))  # stable: first come
    assert dropped["points"] > 0
    assert_equal_to_loop(voxelise(points, GRID, batch=batch, caps=caps), by_sample, dropped)


@given(st.randoms(use_true_random=False), st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_any_order_gives_the_same_bits(random, count):
    points, batch = cloud(count), interleaved(count)
    points[::3, :3] = torch.tensor([0.1, 0.1, 0.1])  # one crowded voxel
    points[::3, 3] = torch.logspace(-8, 4, len(points[::3]))  # sums that rounding would tell apart
    order = list(range(count))
    random.shuffle(order)
    first, second = (
        voxelise(points, GRID, batch=batch),
        voxelise(points[order], GRID, batch=batch[order]),
    )
    assert torch.equal(first.coordinates, second.coordinates)
    assert torch.equal(first.features, second.features)
    assert first.dropped == second.dropped


def test_bounds():
    """Lower bounds are inside, upper bounds outside."""
    low, high = torch.tensor(GRID.minimum), torch.tensor(GRID.maximum)
    just_inside = torch.tensor([4.0 - 1e-3, -2.0, -1.0])
    just_outside = torch.tensor([0.0, -2.0, -1.0 - 1e-6])
    upper = [torch.where(torch.arange(3) == axis, high, low) for axis in range(3)]
    result = voxelise(torch.stack([low, just_inside, just_outside, high, *upper]), GRID)
    assert result.coordinates.tolist() == [[0, 0, 0, 0], [0, 0, 0, 7]]
    assert result.dropped.out_of_range == 5


def test_a_single_point_keeps_its_values():
    point = torch.tensor([[1.2345678, -0.987654, 0.123456, 0.75]])
    assert torch.equal(voxelise(point, GRID).features, point)


@pytest.mark.parametrize("caps", [None, VoxelCaps(5, 100)])
@pytest.mark.parametrize("points", [torch.zeros(0, 5), torch.full((3, 5), math.nan)])
def test_no_points_give_no_voxels(points, caps):
    result = voxelise(points, GRID, caps=caps)
    assert result.coordinates.shape == (0, 4)
    assert result.features.shape == (0, 5)
    assert result.dropped.not_finite == len(points)


def test_shape_of_the_published_grid():
    assert VoxelGrid((0, -40, -3), (70.4, 40, 1), (0.05, 0.05, 0.1)).shape == (40, 1600, 1408)


def test_a_wrong_grid_is_refused_with_all_its_problems():
    with pytest.raises(ConfigurationError) as refused:
        VoxelGrid((0, 0, 0), (1, 0, math.nan), (0.1, -1, math.inf))
    assert len(refused.value.problems) == 4
    with pytest.raises(ConfigurationError, match="voxels = 0"):
        VoxelCaps(5, 0)
