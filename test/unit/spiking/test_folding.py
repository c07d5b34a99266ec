"""A folded layer computes what the layer and its batch normalisation computed."""

import pytest
import torch
from torch import nn

from snn_ros.spiking.folding import FoldingError, fold_batch_norm, fold_network
from snn_ros.spiking.modules import IntegerSpike

LAYERS = {
    "linear": (lambda bias: nn.Linear(6, 8, bias=bias), nn.BatchNorm1d, (5, 6)),
    "conv1d": (lambda bias: nn.Conv1d(6, 8, 3, bias=bias), nn.BatchNorm1d, (2, 6, 9)),
    "conv2d": (
        lambda bias: nn.Conv2d(6, 8, 3, stride=2, groups=2, bias=bias),
        nn.BatchNorm2d,
        (2, 6, 9, 8),
    ),
    "conv3d": (lambda bias: nn.Conv3d(6, 8, 2, bias=bias), nn.BatchNorm3d, (2, 6, 4, 5, 3)),
    "transposed": (
        lambda bias: nn.ConvTranspose2d(6, 8, 2, stride=2, bias=bias),
        nn.BatchNorm2d,
        (2, 6, 4, 5),
    ),
}


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def used_batch_norm(kind, features=8, **options):
    """Statistics and affine far from their defaults, so that each term matters."""
    batch_norm = kind(features, **options).eval()
    batch_norm.running_mean.normal_()
    batch_norm.running_var.uniform_(0.1, 3.0)
    if batch_norm.affine:
        nn.init.normal_(batch_norm.weight)
        nn.init.normal_(batch_norm.bias)
    return batch_norm


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_folding_is_exact_in_float64(name, bias):
    make, kind, shape = LAYERS[name]
    for options in ({"eps": 1e-3}, {"affine": False}):
        layer, batch_norm = make(bias).double(), used_batch_norm(kind, **options).double()
        x = torch.randn(shape, dtype=torch.float64)
        folded = fold_batch_norm(layer, batch_norm)
        torch.testing.assert_close(folded(x), batch_norm(layer(x)), rtol=1e-12, atol=1e-12)
        assert (layer.bias is not None) == bias  # the original is untouched


def test_a_folded_integer_network_keeps_its_spikes():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        used_batch_norm(nn.BatchNorm2d),
        IntegerSpike(4),
        nn.Sequential(nn.Conv2d(8, 8, 3, bias=False), used_batch_norm(nn.BatchNorm2d, eps=1e-3)),
        IntegerSpike(4),
    ).double()
    x = torch.randn(2, 3, 10, 10, dtype=torch.float64) * 3
    folded = fold_network(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert list(dict(folded.named_children())) == list(dict(network.named_children()))
    assert isinstance(network[1], nn.BatchNorm2d)
    expected = network(x)
    assert expected.unique().numel() >= 3
    assert torch.equal(folded(x), expected)


def test_a_norm_that_does_not_follow_a_layer_stays():
    network = nn.Sequential(used_batch_norm(nn.BatchNorm2d, 3), nn.Conv2d(3, 8, 1), nn.ReLU())
    assert isinstance(fold_network(network)[0], nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("layer", "batch_norm", "reason"),
    [
        (nn.Linear(2, 8), nn.BatchNorm1d(8), "training mode"),
        (nn.Linear(2, 8), nn.BatchNorm1d(8, track_running_stats=False).eval(), "no running"),
        (nn.Linear(2, 7), nn.BatchNorm1d(8).eval(), "7 outputs.*8 features"),
        (nn.ReLU(), nn.BatchNorm1d(8).eval(), "ReLU"),
        (nn.ConvTranspose1d(8, 8, 2, groups=2), nn.BatchNorm1d(8).eval(), "2 groups"),
    ],
)
def test_what_cannot_be_folded_is_refused_with_the_reason(layer, batch_norm, reason):
    with pytest.raises(FoldingError, match=reason):
        fold_batch_norm(layer, batch_norm)
