"""Our voxeliser against the authors': order, counts and means of the first points of each cell."""

import numpy as np
import pytest
import torch

from snn_ros.sparse.voxels import VoxelCaps, VoxelGrid, voxelise

PUBLISHED_CAPS = VoxelCaps(points_per_voxel=5, voxels=40_000)
TOLERANCE = 1e-5


def test_voxels_of_the_detector(parity_dir):
    files = sorted((parity_dir / "lidar_detection").glob("detector_input_[A-Z].npz"))
    if not files:
        pytest.skip(f"authors' vectors: no detector_input_*.npz in {parity_dir}")
    for path in files:
        vectors = np.load(path)
        low, high = np.split(vectors["point_cloud_range"], 2)
        grid = VoxelGrid(*(tuple(corner.tolist()) for corner in (low, high, vectors["voxel_size"])))
        assert grid.shape[::-1] == tuple(vectors["grid_size_xyz"]), path.name
        batch, points = vectors["points"][:, 0], vectors["points"][:, 1:]
        found = voxelise(
            torch.from_numpy(points), grid, batch=torch.from_numpy(batch), caps=PUBLISHED_CAPS
        )
        np.testing.assert_array_equal(found.coordinates, vectors["voxel_coords"], path.name)
        np.testing.assert_array_equal(found.point_counts, vectors["voxel_num_points"], path.name)
        np.testing.assert_allclose(
            found.features, vectors["voxel_features"], rtol=0, atol=TOLERANCE, err_msg=path.name
        )
        dropped = found.dropped
        kept = int(found.point_counts.sum())
        assert kept + sum(vars(dropped).values()) == len(points)
