"""The published 3D backbone with weights of 16 bits, on the weights and input of the vectors."""

import pytest
import torch
from support.lidar_vectors import Vectors, cases, grid_of, sibling, state, weights_of

from snn_ros.lidar_detection.paper.checkpoint import load_published
from snn_ros.lidar_detection.paper.voxel_rcnn import KITTI_CAPS, VoxelRcnn
from snn_ros.sparse.backends.compiled import InstructionSet, is_available
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.network import Precision, compile_network
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.sparse.voxels import voxelise
from snn_ros.spiking.firing import spike_count
from snn_ros.spiking.folding import fold_network

pytestmark = pytest.mark.skipif(not is_available(), reason="kernels are not built")
WEIGHT_STEP, FEATURE_STEP = 2.0**-10, 2.0**-6  # sums of such products are exact in float32


def backbones(parity_dir):
    """Folded, with its input, of every file of vectors."""
    for path in cases(parity_dir, "detector_backbone3d"):
        inputs = Vectors(sibling(path, "detector_input"))
        detector = VoxelRcnn(grid=grid_of(inputs), roi_width=32).eval()
        load_published(detector, state(weights_of(path)))
        points = inputs["points"]
        voxels = voxelise(points[:, 1:], detector.grid, batch=points[:, 0], caps=KITTI_CAPS)
        x = detector.tensor_of(voxels, 2)
        yield fold_network(detector.backbone_3d), x


def in_steps(values, step):
    return (values / step).round() * step


@torch.no_grad()
def test_weights_in_fixed_point_change_no_spike_nor_does_the_kernel(parity_dir):
    for network, x in backbones(parity_dir):
        for parameter in network.parameters():
            parameter.copy_(in_steps(parameter, WEIGHT_STEP))
        x = SparseTensor(in_steps(x.features, FEATURE_STEP), x.sites)
        expected = network(x).flat.features
        assert expected.any()
        rounded = compile_network(network, precision=Precision.INT8)(x).flat.features
        assert (rounded != expected).float().mean() > 0.05  # what the grid of int8 does
        for kernels in InstructionSet:
            for threads in (1, 2):
                made = compile_network(
                    network, precision=Precision.INT16, execution=Execution(threads, kernels)
                )(x)
                assert torch.equal(made.flat.features, expected)


@torch.no_grad()
def test_any_weights_change_few_spikes_of_the_first_stage(parity_dir):
    """Few: what lies within rounding of a threshold. Behind it one changed spike changes many."""
    for network, x in backbones(parity_dir):
        expected = spike_count(network(x).stages[0].features.numpy(), 4)
        share = {
            precision: (
                spike_count(
                    compile_network(network, precision=precision)(x).stages[0].features.numpy(), 4
                )
                != expected
            ).mean()
            for precision in (Precision.INT8, Precision.INT16)
        }
        assert share[Precision.INT16] < 1e-3 < share[Precision.INT8]
