"""Dense layers on spikes by the sparse kernels."""

import pytest
import torch
from support.sparse import SITES
from torch import nn

from snn_ros.sparse.backends import compiled
from snn_ros.sparse.backends.grid import GridChain, counts_from_above, counts_of
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.program import NotCompiled
from snn_ros.sparse.tensor import sparse_tensor
from snn_ros.spiking.modules import IntegerSpike

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="kernels are not built")
SHAPE = (12, 10)


def unit(layer):
    norm = nn.BatchNorm2d(layer.out_channels, eps=0.0)
    norm.running_mean = torch.randint(-3, 4, (layer.out_channels,)) * 0.25
    return [IntegerSpike(), layer, norm]


CHAINS = {
    "same": lambda: nn.Sequential(
        nn.ZeroPad2d(1),
        *unit(nn.Conv2d(5, 20, 3, bias=False)),
        *unit(nn.Conv2d(20, 18, 3, padding=1)),
    ),
    "halved": lambda: nn.Sequential(
        nn.ZeroPad2d(1),
        *unit(nn.Conv2d(5, 8, 3, stride=2, bias=False)),
        *unit(nn.Conv2d(8, 33, 3, padding=1, bias=False)),
    ),
    "doubled": lambda: nn.Sequential(*unit(nn.ConvTranspose2d(5, 20, 2, stride=2, bias=False))),
    "mixed": lambda: nn.Sequential(*unit(nn.ConvTranspose2d(5, 20, 1, bias=False))),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("threads", [1, 2])
def test_whole_weights_give_the_maps_of_torch_to_the_bit(name, threads):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        chain = CHAINS[name]().eval()
        for layer in chain:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.weight.data = torch.randint(-2, 3, layer.weight.shape).float()
                if layer.bias is not None:
                    layer.bias.data.fill_(0.125)
        x = torch.randn(1, 5, *SHAPE) * (torch.rand(1, 1, *SHAPE) < 0.3)
        expected = chain(x)
    compiled = GridChain(chain, SHAPE, execution=Execution(threads))
    assert compiled.shape == tuple(expected.shape[2:])
    for _ in range(2):  # buffers are used again
        made = compiled(*counts_of(x))
        channels = expected.shape[1]
        rows = expected[0].flatten(1).T
        assert torch.equal(torch.from_numpy(made.membrane[:, :channels]), rows)
        fired, active = counts_of(expected)
        assert (made.counts == fired).all()
        assert (made.active == active).all()


def test_counts_of_a_sparse_tensor_are_those_of_its_map():
    coordinates, shape, _ = SITES["batch of two"]
    coordinates = coordinates[coordinates[:, 0] == 0]
    x = sparse_tensor(torch.randint(0, 5, (len(coordinates), 7)).float(), coordinates, shape, 1)
    counts, active = counts_from_above(x)
    expected, expected_active = counts_of(x.dense().flatten(1, 2))
    assert (counts == expected).all()
    assert (active == expected_active).all()


def test_what_is_no_chain_is_named():
    with pytest.raises(NotCompiled, match="ReLU"):
        GridChain(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()), SHAPE)
    with pytest.raises(NotCompiled, match="kernel and stride"):
        GridChain(nn.Sequential(nn.ConvTranspose2d(4, 4, 3, stride=2)), SHAPE)
