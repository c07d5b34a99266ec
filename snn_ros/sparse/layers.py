"""How layers for sparse tensors and layers for plain features work together in one network."""

from __future__ import annotations

from torch import Tensor, nn

from snn_ros.sparse.tensor import SparseTensor


class SparseLayer(nn.Module):
    """A layer from sparse tensor to sparse tensor."""


class SparseSequential(SparseLayer, nn.Sequential):
    """nn.Sequential of layers for sparse tensors and layers for features, in any mix.

    A layer that is or contains a `SparseLayer` receives the sparse tensor; any other one (batch
    normalisation, spikes, linear) receives the features (V, C) and leaves the sites as they are.
    """

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Apply the layers one after the other."""
        for layer in self:
            x = layer(x) if _takes_sites(layer) else x.with_features(layer(x.features))
        return x


class SeenFromAbove(SparseLayer):
    """The single plane of a 3D tensor (z, y, x) as a 2D one (y, x)."""

    def forward(self, x: SparseTensor) -> SparseTensor:
        """The same features at sites without z."""
        return x.moved(x.features, x.rulebooks.seen_from_above(x.sites))


class ChannelAffine(nn.Module):
    """y = scale x + shift per channel: what a grid of weights, a bias or a normalisation leaves."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(scale), nn.Parameter(shift)

    def forward(self, x: Tensor) -> Tensor:
        """Features (V, C)."""
        return x * self.scale + self.shift


def _takes_sites(layer: nn.Module) -> bool:
    return any(isinstance(module, SparseLayer) for module in layer.modules())
