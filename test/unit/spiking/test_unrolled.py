"""The oracle: an integer network and its binary form, T x D sub-steps, are the same network."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from snn_ros.spiking.folding import fold_network
from snn_ros.spiking.integer_lif import IntegerLIFParameters, unrolled_count
from snn_ros.spiking.modules import IntegerLIF, IntegerSpike
from snn_ros.spiking.synapses import SynapseError
from snn_ros.spiking.unrolled import UnrolledSynapse, unroll_network


class ResidualNetwork(nn.Module):
    """Stem on real input, a membrane-shortcut block, a stateful cell, a readout on spikes."""

    def __init__(self, max_count: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6))
        self.block = nn.Sequential(
            IntegerSpike(max_count),
            nn.Conv2d(6, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            IntegerSpike(max_count),
            nn.Conv2d(6, 6, 1),
        )
        self.cell = IntegerLIF(IntegerLIFParameters(max_count=max_count, decay=0.25))
        self.readout = nn.Linear(6 * 25, 3)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        outputs, counts, state = [], [], None
        for frame in frames:
            membrane = self.stem(frame)
            spikes, state = self.cell(membrane + self.block(membrane), state)
            outputs.append(self.readout(spikes.flatten(1)))
            counts.append(spikes)
        return torch.stack(outputs), torch.stack(counts)


def dyadic_network(max_count: int, seed: int) -> ResidualNetwork:
    """Weights on a grid of 1/64, so that every sum is exact in float32 in any order."""
    generator = torch.Generator().manual_seed(seed)
    network = ResidualNetwork(max_count).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randint(-24, 25, parameter.shape, generator=generator) / 64)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
                module.running_var.fill_(0.25)
                module.weight.copy_(torch.ones(module.num_features))
                module.running_mean.copy_(
                    torch.randint(-16, 17, module.running_mean.shape, generator=generator) / 64
                )
    return network


def frames_of(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-64, 65, (3, 2, 2, 5, 5), generator=generator) / 16


@given(max_count=st.integers(1, 8), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_unrolled_network_equals_integer_network_exactly(max_count, seed):
    network, frames = dyadic_network(max_count, seed), frames_of(seed + 1)
    with torch.no_grad():
        expected, counts = network(frames)
        for form in (network, fold_network(network)):
            outputs, unrolled_counts = unroll_network(form, ["stem.0"])(frames)
            assert torch.equal(unrolled_counts, counts)
            assert torch.equal(outputs, expected)
    assert 0 < counts.mean() < max_count


def test_with_any_weights_it_agrees_to_rounding():
    with torch.random.fork_rng():
        torch.manual_seed(4)
        layer, counts = nn.Conv2d(8, 8, 3, padding=1), torch.randint(0, 5, (2, 8, 6, 6)).float()
    unrolled = UnrolledSynapse(layer, 4)(counts)
    torch.testing.assert_close(unrolled, layer(counts), rtol=0, atol=1e-5)


def test_a_synapse_of_the_unrolled_network_only_sees_zeros_and_ones():
    network = dyadic_network(4, seed=0)
    unrolled = unroll_network(network, ["stem.0"])
    seen: list[Tensor] = []
    synapses = [m for m in unrolled.modules() if isinstance(m, UnrolledSynapse)]
    assert len(synapses) == 3
    cells = [m for m in unrolled.modules() if isinstance(m, IntegerSpike | IntegerLIF)]
    assert [cell.count for cell in cells] == [unrolled_count] * 3
    for synapse in synapses:
        synapse.layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].unique()))
    with torch.no_grad():
        unrolled(frames_of(1))
    assert len(seen) == 3 * 3 * 4  # layers x steps x sub-steps
    assert set(torch.cat(seen).tolist()) == {0.0, 1.0}


def test_the_bias_is_added_once():
    layer = nn.Linear(2, 1)
    nn.init.zeros_(layer.weight)
    nn.init.ones_(layer.bias)
    assert UnrolledSynapse(layer, 4)(torch.tensor([[4.0, 2.0]])).item() == 1.0


@pytest.mark.parametrize("value", [0.5, -1.0, 5.0])
def test_real_input_cannot_be_unrolled(value):
    with pytest.raises(SynapseError, match=f"Linear.*{value:g}"):
        UnrolledSynapse(nn.Linear(1, 1), 4)(torch.tensor([[value]]))
