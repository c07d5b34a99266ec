"""The LiDAR detectors on a GPU: the edge detector to the bit, the published backbone's vectors."""

import numpy as np
import pytest
import torch
from support.lidar_vectors import Vectors, assert_sparse, cases, grid_of, sibling, state, weights_of

from benchmarks.sparse_gpu import on_device
from snn_ros.lidar_detection.detector_config import DetectorConfig
from snn_ros.lidar_detection.edge_decoding import DecodingConfig
from snn_ros.lidar_detection.edge_detector import EdgeDetector
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.lidar_detection.paper.checkpoint import load_published
from snn_ros.lidar_detection.paper.voxel_rcnn import KITTI_CAPS, VoxelRcnn
from snn_ros.lidar_detection.speed import SENSOR_HEIGHT, drawn_street, edge_network
from snn_ros.sparse.backends.fused import Precision
from snn_ros.sparse.backends.network import compile_network
from snn_ros.sparse.voxels import voxelise

FC_WIDTH, BATCH = 32, 2  # of the vectors
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def points():
    return drawn_street()


def test_voxels(cuda, points):
    grid = edge_network(points).config.grid
    made = voxel_features(torch.from_numpy(points).to(cuda), grid)
    expected = voxel_features(torch.from_numpy(points), grid)
    assert torch.equal(made.tensor.sites.coordinates.cpu(), expected.tensor.sites.coordinates)
    assert torch.equal(made.tensor.features.cpu(), expected.tensor.features)
    assert made.dropped == expected.dropped


@torch.no_grad()
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.INT8])
def test_edge_network(cuda, points, precision):
    network = edge_network(points)
    x = voxel_features(torch.from_numpy(points), network.config.grid).tensor
    expected = network(x)
    made = compile_network(network.to(cuda), precision=precision)(on_device(x, cuda))
    assert torch.equal(made.sites.coordinates.cpu(), expected.sites.coordinates)
    assert torch.equal(made.heat.cpu(), expected.heat)
    assert torch.equal(made.boxes.cpu(), expected.boxes)


def test_edge_detector(cuda, points):
    config = DetectorConfig(
        sensor_height=SENSOR_HEIGHT, decoding=DecodingConfig(score_threshold=0.01)
    )
    on_cpu, on_gpu = (
        EdgeDetector(edge_network(points), config, device).detect(points).detections
        for device in (CPU, cuda)
    )
    assert len(on_cpu.boxes) > 0
    np.testing.assert_array_equal(on_gpu.labels, on_cpu.labels)
    np.testing.assert_allclose(on_gpu.boxes, on_cpu.boxes, rtol=0, atol=1e-5)
    np.testing.assert_allclose(on_gpu.scores, on_cpu.scores, rtol=0, atol=1e-5)


@torch.no_grad()
def test_published_backbone(cuda, gpu_parity_dir):
    for path in cases(gpu_parity_dir, "detector_backbone3d"):
        vectors = Vectors(path)
        inputs = Vectors(sibling(path, "detector_input"))
        detector = VoxelRcnn(grid=grid_of(inputs), roi_width=FC_WIDTH).eval()
        load_published(detector, state(weights_of(path)))
        points = inputs["points"]
        voxels = voxelise(points[:, 1:], detector.grid, batch=points[:, 0], caps=KITTI_CAPS)
        x = on_device(detector.tensor_of(voxels, BATCH), cuda)
        output = compile_network(detector.backbone_3d.to(cuda))(x)
        for number, stage in enumerate(output.stages, start=1):
            assert_sparse(on_device(stage, CPU), vectors, f"x_conv{number}")
        assert_sparse(on_device(output.flat, CPU), vectors, "conv_out", tolerance=0)
