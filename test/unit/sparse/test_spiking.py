"""Sparse layers in spiking networks: metering, folding, unrolling."""

import pytest
import torch
from support.sparse import sparse
from torch import nn

from snn_ros.sparse.convolution import (
    InverseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.layers import SparseLayer, SparseSequential
from snn_ros.spiking.folding import fold_network
from snn_ros.spiking.metering import ActivityMeter
from snn_ros.spiking.modules import IntegerSpike
from snn_ros.spiking.synapses import SynapseError
from snn_ros.spiking.unrolled import unroll_network


class Block(SparseLayer):
    """A membrane shortcut around spikes and a convolution."""

    def __init__(self, channels):
        super().__init__()
        self.block = SparseSequential(
            IntegerSpike(), SubmanifoldConvolution(channels, channels), norm(channels)
        )

    def forward(self, x):
        return x + self.block(x)


def norm(channels):
    made = nn.BatchNorm1d(channels, eps=1e-3).eval()
    made.running_mean.normal_(0, 0.3)
    made.running_var.uniform_(0.5, 1.5)
    nn.init.uniform_(made.weight, 0.5, 1.5)
    nn.init.normal_(made.bias, 0.3, 0.3)
    return made


@pytest.fixture
def network():
    """Stem, block, down, up, as the published networks are built; weights on an int8 grid."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = SparseSequential(
            SparseSequential(SubmanifoldConvolution(4, 8), norm(8)),
            Block(8),
            SparseSequential(IntegerSpike(), StridedConvolution(8, 12, 2, 2, bias=True), norm(12)),
            SparseSequential(IntegerSpike(), InverseConvolution(12, 8), norm(8)),
            SparseSequential(IntegerSpike(), nn.Linear(8, 3)),
        )
        with torch.no_grad():
            for layer in made.modules():
                if hasattr(layer, "kernel_size") or isinstance(layer, nn.Linear):
                    for parameter in layer.parameters():
                        parameter.copy_((parameter * 512).round() / 128)
        yield made


def synapses(network):
    return [m for m in network.modules() if hasattr(m, "kernel_size")]


def test_operations_are_those_of_the_real_pairs(network):
    x = sparse("odd extents", 4)
    inputs = {}
    handles = [
        layer.register_forward_pre_hook(lambda layer, args: inputs.update({layer: args[0]}))
        for layer in synapses(network)
    ]
    with torch.no_grad(), ActivityMeter(network, real_input_layers=["0.0"]) as meter:
        network(x)
        activity = meter.read()
    assert len(handles) == len(inputs) == 4

    macs = additions = 0
    for layer in inputs:
        rulebook, _ = layer.rulebook(inputs[layer])
        counts = inputs[layer].features.sum(1)
        for _, rows, targets in rulebook.segments():
            for row, _ in zip(rows.tolist(), targets.tolist(), strict=True):
                if layer.in_channels == 4:
                    macs += layer.in_channels * layer.out_channels
                else:
                    additions += int(counts[row]) * layer.out_channels
    linear_counts = activity.layers[-1].spikes
    assert activity.macs == macs > 0
    assert activity.synaptic_operations == additions + 3 * linear_counts
    assert [layer.name for layer in activity.layers] == ["1.block.0", "2.0", "3.0", "4.0"]
    assert all(layer.spikes > 0 for layer in activity.layers)


def test_real_input_to_a_spiking_layer_is_refused(network):
    with (
        ActivityMeter(network, real_input_layers=[]),
        pytest.raises(SynapseError, match=r"layer '0\.0'"),
    ):
        network(sparse("batch of two", 4))


def test_folding_keeps_the_spikes(network):
    network.double()
    folded = fold_network(network)
    assert not any(isinstance(module, nn.BatchNorm1d) for module in folded.modules())
    x = sparse("batch of two", 4, torch.float64)
    with torch.no_grad():
        expected, actual = network(x).features, folded(x).features
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("fold", [False, True])
def test_unit_spikes_give_what_their_counts_give(network, fold):
    """Weights on a grid make sums exact, so that both forms agree to the bit."""
    network = fold_network(network) if fold else network
    unrolled = unroll_network(network, ["0.0"])
    x = sparse("odd extents", 4)
    with torch.no_grad():
        spikes, expected = network[:4](x), network(x)
        actual = unrolled(x)
    assert spikes.features.abs().max() > 0.1
    tolerance = 1e-5 if fold else 0  # folded weights leave the grid
    torch.testing.assert_close(actual.features, expected.features, rtol=0, atol=tolerance)


def test_no_voxels_pass_through(network):
    with torch.no_grad():
        y = network(sparse("no voxels", 4))
    assert y.features.shape == (0, 3)
    assert y.dense().shape == (2, 3, 6, 7, 8)
    assert not y.dense().any()


def test_training_reaches_every_weight(network):
    network.train()
    network(sparse("odd extents", 4)).features.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())
