"""The compiled voxeliser gives the bits of the one in torch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.lidar_detection import edge_features
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.sparse.backends import compiled
from snn_ros.sparse.backends.voxels import voxelise_with_octants
from snn_ros.sparse.voxels import VoxelGrid, voxelise

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="kernels are not built")
GRID = VoxelGrid((-1.6, -0.8, -0.4), (1.6, 0.8, 0.8), (0.2, 0.2, 0.2))
LARGE_GRID = VoxelGrid((-1e5, -1e5, -1e5), (1e5, 1e5, 1e5), (0.2, 0.2, 0.2))  # keys of 62 bits


def near(value, steps):
    """The float32 that is so many steps from a value."""
    value = np.float32(value)
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.float32(math.copysign(math.inf, steps)))
    return float(value)


borders = st.builds(near, st.integers(-9, 9).map(lambda n: 0.1 * n), st.integers(-2, 2))
values = st.one_of(
    borders,
    st.floats(width=32),  # NaN, infinities, the largest ones
    st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 65536.0, -7e4, 1e-30]),
)
rows = st.tuples(values, borders, borders, values, st.integers(0, 2))


def expected_octants(points, batch, grid):
    """By cell, the set of octants that hold a point."""
    low, size = (np.float32(entry) for entry in (grid.minimum, grid.size))
    found = {}
    for point, sample in zip(points.numpy(), batch.tolist(), strict=True):
        position = (point[:3] - low) / size
        cell = np.floor(position)
        if np.isfinite(point).all():
            upper = position - cell >= 0.5
            found.setdefault((sample, *cell[::-1]), set()).add(int(upper @ [1, 2, 4]))
    return found


def assert_same(points, batch, grid=GRID):
    made, octants = voxelise_with_octants(points, grid, batch=batch)
    expected = voxelise(points, grid, batch=batch)
    for name in ("coordinates", "features", "point_counts"):
        one, other = getattr(made, name), getattr(expected, name)
        assert torch.equal(one, other), name
        assert one.dtype == other.dtype
    assert made.dropped == expected.dropped
    return made, octants


@settings(max_examples=100, deadline=None)
@given(st.lists(rows, max_size=60))
def test_bits_are_those_of_the_reference(drawn):
    points = torch.tensor([row[:4] for row in drawn], dtype=torch.float32).reshape(-1, 4)
    batch = torch.tensor([row[4] for row in drawn], dtype=torch.int64)
    made, octants = assert_same(points, batch)
    with np.errstate(all="ignore"):
        by_cell = expected_octants(points, batch, GRID)
    for cell, seen in zip(made.coordinates.tolist(), octants, strict=True):
        assert set(seen.nonzero().flatten().tolist()) == by_cell[tuple(cell)]


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 50, 4000]),
    st.sampled_from([3, 4, 7]),
    st.sampled_from([GRID, LARGE_GRID]),
)
def test_clouds_of_any_width_and_grids_of_any_size(seed, count, width, grid):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, width, generator=generator)
    points[: count // 3] = torch.tensor([0.05] * width)  # one crowded voxel
    batch = torch.randint(0, 3, (count,), generator=generator)
    made, octants = assert_same(points, batch, grid)
    order = torch.randperm(count, generator=generator)
    again, octants_again = voxelise_with_octants(points[order], grid, batch=batch[order])
    assert torch.equal(again.features, made.features)
    assert torch.equal(octants_again, octants)
    assert_same(points[::2], None, grid)  # columns that are not contiguous


@settings(max_examples=40, deadline=None)
@given(st.lists(rows, max_size=60))
def test_features_of_the_detector_do_not_depend_on_the_library(drawn):
    points = torch.tensor([row[:4] for row in drawn], dtype=torch.float32).reshape(-1, 4)
    made = voxel_features(points, GRID)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge_features, "is_available", lambda: False)
        expected = voxel_features(points, GRID)
    assert torch.equal(made.tensor.features, expected.tensor.features)
    assert torch.equal(made.tensor.sites.coordinates, expected.tensor.sites.coordinates)
    assert made.dropped == expected.dropped
