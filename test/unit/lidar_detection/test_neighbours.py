"""The query of the RoI head against the rule, point by point."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.configuration import ConfigurationError
from snn_ros.lidar_detection.paper.neighbours import Neighbourhood, neighbours, site_centres
from snn_ros.sparse.tensor import sparse_tensor
from snn_ros.sparse.voxels import VoxelGrid

GRID = VoxelGrid((0.0, -2.0, -1.0), (4.0, 2.0, 1.0), (0.1, 0.2, 0.25))


def by_the_rule(point, sample, sites, stride, neighbourhood):
    """Candidates in z, y, x order: near in cells and in metres, of the same sample."""
    z, y, x = [
        int(torch.floor((point[i] - GRID.minimum[i]) / GRID.size[i])) // stride for i in (2, 1, 0)
    ]
    centres = site_centres(sites, stride, GRID)
    found = []
    for row, (of, *cell) in enumerate(sites.coordinates.tolist()):
        near = all(abs(a - b) <= neighbourhood.reach for a, b in zip(cell, (z, y, x), strict=True))
        distance = (centres[row] - point).square().sum()
        if of == sample and near and distance <= neighbourhood.radius**2:
            found.append((cell, row))
    return [row for _, row in sorted(found)][: neighbourhood.most]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), stride=st.sampled_from([1, 2, 4]), most=st.integers(1, 6))
def test_query(seed, stride, most):
    generator = torch.Generator().manual_seed(seed)
    shape = tuple(extent // stride for extent in GRID.shape)
    coordinates = (torch.rand(2, *shape, generator=generator) < 0.15).nonzero()
    coordinates = coordinates[torch.randperm(len(coordinates), generator=generator)]
    sites = sparse_tensor(torch.zeros(len(coordinates), 1), coordinates, shape, 2).sites
    points = torch.rand(20, 3, generator=generator) * torch.tensor([6.0, 6.0, 3.0])
    points = points - torch.tensor([1.0, 3.0, 1.5])  # some outside the grid
    sample = torch.randint(0, 2, (20,), generator=generator)
    neighbourhood = Neighbourhood(radius=0.35 * stride, reach=2, most=most)
    rows, found = neighbours(points, sample, sites, stride, GRID, neighbourhood)
    for i in range(20):
        expected = by_the_rule(points[i], int(sample[i]), sites, stride, neighbourhood)
        assert bool(found[i]) == bool(expected)
        if expected:
            expected += expected[:1] * (most - len(expected))
            assert rows[i].tolist() == expected


def test_bad_neighbourhoods_are_named():
    with pytest.raises(ConfigurationError, match="radius = 0.*reach = 0"):
        Neighbourhood(radius=0, reach=0)
