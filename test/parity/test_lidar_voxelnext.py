"""The nuScenes detector against the authors' own code."""

import numpy as np
import torch
from support.lidar_vectors import (
    VOXEL_TOLERANCE,
    Vectors,
    assert_near,
    assert_same_boxes,
    assert_sparse,
    assert_spikes,
    cases,
    grid_of,
    spike_sums,
    state,
    weights_of,
)

from snn_ros.lidar_detection.paper.checkpoint import load_published
from snn_ros.lidar_detection.paper.voxelnext import VoxelNext

MOST_CANDIDATES = 100
SHARE_WITHOUT_TIES = 0.9


@torch.no_grad()
def test_voxelnext(parity_dir):
    for path in cases(parity_dir, "voxelnext"):
        vectors = Vectors(path)
        weights = state(weights_of(path))
        network = VoxelNext(
            grid=grid_of(vectors),
            in_channels=vectors["voxels"].shape[-1],
            widths=tuple(vectors[f"conv{stage}.features"].shape[1] for stage in range(1, 6)),
            out_channels=vectors["conv_out.features"].shape[1],
            most_candidates=MOST_CANDIDATES,
        ).eval()
        load_published(network, weights)
        features = vectors["voxels"].sum(1) / vectors["voxel_num_points"][:, None]
        assert_near(features, vectors["voxel_features"], path.name, VOXEL_TOLERANCE)
        coordinates = vectors["voxel_coords"]
        samples = int(coordinates[:, 0].max()) + 1
        x = network.tensor_of(vectors["voxel_features"], coordinates, samples)
        with spike_sums(network) as sums:
            output = network.backbone_3d(x)
            heads = network.dense_head(output.shared)
        assert_spikes(sums, vectors)
        for number, stage in enumerate(output.stages, start=1):
            assert_sparse(stage, vectors, f"conv{number}")
        assert_sparse(output.merged, vectors, "bev")
        assert_sparse(output.widened, vectors, "conv_out")
        assert_sparse(output.shared, vectors, "shared_conv")
        assert torch.equal(output.shared.sites.coordinates, vectors["shared_conv.indices"])
        for number, values in enumerate(heads):
            expected = vectors.below(f"head{number}.")
            assert values.keys() == expected.keys()
            for branch, value in values.items():
                assert_near(value, expected[branch], f"head{number}.{branch}")
        for number, found in enumerate(network(x)):
            clear = without_ties(found.scores)
            assert clear.mean() > SHARE_WITHOUT_TIES
            assert_same_boxes(found, vectors.below(f"pipeline.final{number}."), clear)
        vectors.assert_all_read()


def without_ties(scores):
    """Rows whose score no other row has: isolated sites are alike, and come in any order."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return counts[inverse] == 1
