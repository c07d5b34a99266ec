"""Activity figures by hand, operation counts by brute force, energy by the formula."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from snn_ros.spiking.activity import EnergyModel, LayerActivity, LayerMeter, NetworkActivity
from snn_ros.spiking.metering import ActivityMeter
from snn_ros.spiking.modules import LIF, IntegerSpike, run_sequence
from snn_ros.spiking.synapses import SynapseError, multiply_accumulates, spike_additions


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy])
def test_layer_figures_of_a_hand_made_raster(convert):
    steps = np.array([[0, 1, 4, 0], [0, 0, 4, 3]], np.float32)
    meter = LayerMeter("hidden", max_count=4)
    for counts in steps:
        meter.add(convert(counts))
    layer = meter.result()
    assert layer == LayerActivity(
        "hidden", neurons=4, neuron_steps=8, spikes=12, silent=1, saturated=2
    )
    assert (layer.firing_rate, layer.silent_share, layer.saturated_share) == (1.5, 0.25, 0.25)


def test_a_layer_called_on_two_sizes_counts_the_neurons_of_both():
    meter = LayerMeter("shared")
    meter.add(np.array([1.0, 0.0]))
    meter.add(np.array([[0.0, 0.0, 1.0]]))
    meter.add(np.array([0.0, 1.0]))
    assert meter.result() == LayerActivity(
        "shared", neurons=5, neuron_steps=7, spikes=3, silent=2, saturated=3
    )


def test_counts_beyond_the_precision_of_float32_are_exact():
    meter = LayerMeter("large")
    ones = np.ones(2**24 + 1, np.float32)
    meter.add(ones)
    assert meter.result().spikes == 2**24 + 1


def test_energy_is_that_of_the_stated_formula():
    """One million MACs and two million additions: 4.6 uJ + 1.8 uJ."""
    activity = NetworkActivity((), synaptic_operations=2_000_000, macs=1_000_000)
    assert activity.energy_mj == pytest.approx(6.4e-3, rel=1e-12)
    other = NetworkActivity((), 2_000_000, 1_000_000, EnergyModel(1.0, 0.5))
    assert other.energy_mj == pytest.approx(2e-3, rel=1e-12)


def test_figures_weigh_layers_by_their_neuron_steps():
    small = LayerActivity("small", 1, 2, spikes=2, silent=0, saturated=2)
    large = LayerActivity("large", 10, 20, spikes=0, silent=10, saturated=0)
    figures = NetworkActivity((small, large), 5, 7).figures()
    assert figures == {
        "firing_rate": pytest.approx(2 / 22),
        "sops": 5,
        "macs": 7,
        "energy_mj_model": pytest.approx((5 * 0.9 + 7 * 4.6) * 1e-9),
    }
    assert NetworkActivity((), 0, 0).figures()["firing_rate"] == 0.0


CONVOLUTIONS = [
    (nn.Conv1d(2, 3, 3, padding=1), (2, 9)),
    (nn.Conv1d(2, 3, 4, padding="same"), (2, 9)),
    (nn.Conv1d(2, 3, 4, padding="valid", dilation=2), (2, 9)),
    (nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), (4, 7, 6)),
    (nn.Conv2d(3, 5, (3, 1), stride=(2, 1), padding=(0, 2), dilation=(2, 1)), (3, 9, 4)),
    (nn.Conv3d(2, 3, 3, stride=2, padding=1), (2, 4, 5, 6)),
    (nn.ConvTranspose1d(2, 3, 2, stride=2), (2, 5)),
    (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), (4, 3, 4)),
    (nn.Linear(7, 5), (3, 7)),
]


def reached_outputs(layer, shape):
    """How many outputs one input entry reaches, by sending a lone spike through the layer."""
    weights = {name: torch.zeros_like(p) for name, p in layer.named_parameters()}
    weights["weight"] = torch.ones_like(layer.weight)
    reached = torch.zeros(shape)
    for index in np.ndindex(*shape):
        spike = torch.zeros(1, *shape)
        spike[(0, *index)] = 1.0
        reached[index] = torch.func.functional_call(layer, weights, (spike,)).sum()
    return reached


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS, ids=lambda value: str(value)[:60])
def test_additions_are_what_each_spike_reaches(layer, shape):
    generator = torch.Generator().manual_seed(0)
    counts = torch.randint(0, 5, (2, *shape), generator=generator).float()
    expected = int((counts * reached_outputs(layer, shape)).sum())
    assert spike_additions(layer, counts, layer(counts)) == expected
    # an unbatched call counts the same as a batch of one
    one = spike_additions(layer, counts[:1], layer(counts[:1]))
    assert spike_additions(layer, counts[0], layer(counts[0])) == one


def test_multiply_accumulates_of_known_layers():
    def macs(layer, *shape):
        x = torch.zeros(shape)
        return multiply_accumulates(layer, x, layer(x))

    assert macs(nn.Conv2d(3, 48, 7, stride=2, padding=3), 1, 3, 32, 32) == 16 * 16 * 48 * 3 * 49
    assert macs(nn.Conv2d(4, 6, 3, groups=2), 2, 4, 5, 5) == 2 * 9 * 6 * 2 * 9
    assert macs(nn.ConvTranspose2d(4, 6, 2, stride=2), 1, 4, 5, 5) == 25 * 4 * 6 * 4
    assert macs(nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2), 1, 4, 5, 5) == 25 * 4 * 3 * 4
    assert macs(nn.Linear(7, 5), 3, 7) == 105


def test_dense_full_count_additions_are_the_macs_where_nothing_is_cut_off():
    layer = nn.Conv2d(3, 5, 3)
    ones = torch.ones(1, 3, 8, 8)
    assert spike_additions(layer, ones, layer(ones)) == multiply_accumulates(
        layer, ones, layer(ones)
    )


def small_network():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), IntegerSpike(4), nn.Conv2d(4, 4, 3), IntegerSpike(4)
        )


def test_the_meter_reports_layers_operations_and_energy_of_a_network():
    network = small_network()
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 4
    first = network[1](network[0](x))
    second = network[3](network[2](first))
    with ActivityMeter(network, real_input_layers=["0"]) as meter:
        network(x)
        activity = meter.read()
        assert meter.read().layers == ()  # reading starts anew
    assert [layer.name for layer in activity.layers] == ["1", "3"]
    for layer, counts in zip(activity.layers, (first, second), strict=True):
        assert layer.firing_rate == pytest.approx(counts.mean().item())
        assert layer.silent_share == pytest.approx((counts == 0).float().mean().item())
        assert layer.saturated_share == pytest.approx((counts == 4).float().mean().item())
    assert activity.macs == 6 * 6 * 4 * 9
    assert activity.synaptic_operations == spike_additions(network[2], first, second)
    assert activity.synaptic_operations > 0
    network(x)
    assert meter.read().macs == 0  # the hooks are gone


def test_a_blank_input_is_silent_and_costs_only_the_first_layer():
    network = small_network()
    nn.init.zeros_(network[0].bias)
    nn.init.constant_(network[2].bias, -1.0)
    with ActivityMeter(network, real_input_layers=["0"]) as meter:
        network(torch.zeros(1, 1, 8, 8))
    activity = meter.read()
    assert activity.firing_rate == 0.0
    assert activity.synaptic_operations == 0
    assert activity.macs > 0


def test_a_cell_called_step_by_step_is_one_layer_of_many_steps():
    network = nn.Sequential(LIF())
    x = torch.full((6, 1, 3), 1.5)
    x[..., 2] = 0.0
    with ActivityMeter(network, real_input_layers=[]) as meter:
        spikes, _ = run_sequence(network[0], x)
    (layer,) = meter.read().layers
    assert (layer.neurons, layer.neuron_steps, layer.silent) == (3, 18, 1)
    assert layer.spikes == int(spikes.sum())


def test_the_meter_refuses_wrong_claims():
    network = small_network()
    with pytest.raises(SynapseError, match=r"'stem'.*Sequential"):
        ActivityMeter(network, real_input_layers=["0", "stem"])
    with (
        ActivityMeter(network, real_input_layers=[]),
        pytest.raises(SynapseError, match=r"'0' is taken to be fed by spikes.*0.25"),
    ):
        network(torch.full((1, 1, 8, 8), 0.25))


def test_an_unknown_kind_of_layer_is_refused():
    x = torch.zeros(2)
    with pytest.raises(SynapseError, match="ReLU"):
        spike_additions(nn.ReLU(), x, x)


def test_cells_and_figures_need_no_torch():
    """A flight computer imports them with NumPy alone."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import snn_ros.spiking.activity, snn_ros.spiking.adaptive_threshold\n"
        "import snn_ros.spiking.encoding, snn_ros.spiking.integer_lif, snn_ros.spiking.lif\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
