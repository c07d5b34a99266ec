"""The edge detector's network, compiled: the same whole sums, so the same bits."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork, HeadOutput
from snn_ros.lidar_detection.edge_detector import REAL_INPUT_LAYERS
from snn_ros.lidar_detection.edge_features import CHANNELS
from snn_ros.lidar_detection.edge_grid import deployed
from snn_ros.sparse.backends.compiled import InstructionSet, is_available
from snn_ros.sparse.backends.kernels import Execution, Method
from snn_ros.sparse.backends.network import InferenceNetwork, Precision, compile_network
from snn_ros.sparse.backends.triton_backend import TritonBackend
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.spiking.metering import ActivityMeter
from snn_ros.spiking.unrolled import unroll_network

CONFIG = EdgeConfig(reach=6.4, voxel=0.4, height_cells=8, widths=(8, 16), flat_widths=(16, 24, 32))


def voxels():
    z, y, x = CONFIG.grid.shape
    coordinates = (torch.rand(2, z, y, x) < 0.2).nonzero()
    features = torch.randint(-20, 21, (len(coordinates), CHANNELS)).float()
    return sparse_tensor(features, coordinates, (z, y, x), 2)


def normalised(config):
    """A deployed network whose statistics fit its input, the input, and its output in torch."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network, x = EdgeNetwork(config), voxels()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = 1.0
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.2)
        network.train()(x)
        for branch in (network.heat, network.boxes):
            nn.init.normal_(branch[2].bias, std=0.3)
        network = deployed(network.eval())
        x = SparseTensor(x.features, x.sites)  # without the rulebooks of before
        return network, x, network(x)


@pytest.fixture(scope="module")
def trained():
    return normalised(CONFIG)


@torch.no_grad()
def test_binary_spikes_give_identical_results(trained):
    network, x, expected = trained
    made = unroll_network(network, REAL_INPUT_LAYERS)(x)
    assert torch.equal(made.heat, expected.heat)
    assert torch.equal(made.boxes, expected.boxes)


@pytest.mark.skipif(not is_available(), reason="kernels are not built")
@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("kernels", InstructionSet)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_deployed_network_gives_identical_results(trained, precision, kernels, threads):
    network, x, expected = trained
    compiled = compile_network(
        network, x, precision=precision, execution=Execution(threads, kernels)
    )
    assert isinstance(compiled, InferenceNetwork)
    made = compiled(x)
    assert isinstance(made, HeadOutput)
    assert torch.equal(made.heat, expected.heat)
    assert torch.equal(made.boxes, expected.boxes)
    assert torch.equal(made.sites.coordinates, expected.sites.coordinates)
    assert made.sites.spatial_shape == expected.sites.spatial_shape
    if precision is Precision.INT8:
        spiking = [layer for layer in compiled.plan if layer.name != "stem.0"]
        assert all(layer.density > 0.02 for layer in spiking)


@pytest.mark.skipif(not is_available(), reason="kernels are not built")
@pytest.mark.parametrize("precision", Precision)
def test_the_compiled_network_counts_what_the_meter_in_torch_counts(trained, precision):
    network, x, expected = trained
    with torch.no_grad(), ActivityMeter(network, real_input_layers=["stem.0"]) as meter:
        network(SparseTensor(x.features, x.sites))
        counted = meter.read()
    made, activity = compile_network(network, precision=precision).metered(x)
    assert torch.equal(made.heat, expected.heat)
    assert activity.figures() == counted.figures()
    assert counted.synaptic_operations > 0 < counted.macs
    assert {layer.name: layer for layer in activity.layers} == {
        layer.name: layer for layer in counted.layers
    }


@torch.no_grad()
def test_the_same_tensor_may_be_given_again(trained):
    """Its rulebooks are kept, and with them the sites seen from above."""
    network, x, expected = trained
    for _ in range(2):
        made = network(x)
        assert torch.equal(made.heat, expected.heat)
        assert torch.equal(made.boxes, expected.boxes)
        assert made.sites is network(x).sites


@pytest.mark.skipif(not is_available(), reason="kernels are not built")
def test_the_twin_with_relu_runs_compiled():
    """Float32 but for the order of sums; int8 in the compiled kernels but for its steps."""
    network, x, expected = normalised(replace(CONFIG, activation="relu"))
    made = compile_network(network, precision=Precision.INT8)(x)
    rounded = compile_network(network, x, precision=Precision.INT8_CALIBRATED)
    assert isinstance(rounded, InferenceNetwork)
    assert [layer.name for layer in rounded.plan if layer.method is Method.FLOATS] == ["stem.0"]
    in_steps = rounded(x)
    for name in ("heat", "boxes"):
        wanted, found = getattr(expected, name), getattr(made, name)
        spread = wanted.std()
        assert (found - wanted).abs().max() <= 1e-4 * spread
        deviation = (getattr(in_steps, name) - wanted).square().mean().sqrt()
        assert 1e-4 * spread < deviation < 0.2 * spread


@torch.no_grad()
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.INT8])
def test_the_kernel_for_a_gpu_gives_identical_results(trained, precision):
    """A few voxels, since Triton's interpreter is slow."""
    network, x, _ = trained
    few = SparseTensor(
        x.features[:40], replace(x.sites, coordinates=x.sites.coordinates[:40], batch_size=1)
    )
    expected = network(few)
    made = compile_network(network, precision=precision, backend=TritonBackend())(few)
    assert isinstance(made, HeadOutput)
    assert torch.equal(made.heat, expected.heat)
    assert torch.equal(made.boxes, expected.boxes)
    assert torch.equal(made.sites.coordinates, expected.sites.coordinates)
