"""The compiled 3D backbone against the authors' own code: float32, every spike the same."""

import numpy as np
import pytest
import torch
from support.lidar_vectors import Vectors, assert_sparse, cases, grid_of, sibling, state, weights_of

from snn_ros.lidar_detection.paper.checkpoint import load_published
from snn_ros.lidar_detection.paper.voxel_rcnn import KITTI_CAPS, VoxelRcnn
from snn_ros.sparse.backends.compiled import InstructionSet, is_available
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.network import Precision, compile_network
from snn_ros.sparse.voxels import voxelise

FC_WIDTH = 32
BATCH = 2


built = pytest.mark.skipif(not is_available(), reason="kernels are not built")


def detector_of(path):
    """The detector with the weights of the vectors, and its input."""
    inputs = Vectors(sibling(path, "detector_input"))
    detector = VoxelRcnn(grid=grid_of(inputs), roi_width=FC_WIDTH).eval()
    load_published(detector, state(weights_of(path)))
    points = inputs["points"]
    voxels = voxelise(points[:, 1:], detector.grid, batch=points[:, 0], caps=KITTI_CAPS)
    return detector, detector.tensor_of(voxels, BATCH)


@built
@pytest.mark.parametrize("kernels", InstructionSet)
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_backbone(parity_dir, kernels, threads):
    for path in cases(parity_dir, "detector_backbone3d"):
        vectors = Vectors(path)
        detector, x = detector_of(path)
        compiled = compile_network(
            detector.backbone_3d,
            precision=Precision.FLOAT32,
            execution=Execution(threads, kernels),
        )
        output = compiled(x)
        for number, stage in enumerate(output.stages, start=1):
            assert_sparse(stage, vectors, f"x_conv{number}")
        assert_sparse(output.flat, vectors, "conv_out", tolerance=0)


@built
@torch.no_grad()
def test_boxes_behind_a_compiled_backbone(parity_dir):
    for path in cases(parity_dir, "detector_backbone3d"):
        detector, x = detector_of(path)
        for made, expected in zip(
            detector(x, compile_network(detector.backbone_3d)), detector(x), strict=True
        ):
            assert len(expected.boxes) > 0
            np.testing.assert_allclose(made.boxes, expected.boxes, rtol=0, atol=1e-3)
            np.testing.assert_allclose(made.scores, expected.scores, rtol=0, atol=1e-4)
