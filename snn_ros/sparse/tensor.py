"""Sparse tensors: features at occupied sites, and the rulebooks their network shares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from snn_ros.errors import SnnRosError
from snn_ros.sparse.rulebook import (
    Kernel,
    Rulebook,
    Size,
    strided_rulebook,
    submanifold_rulebook,
)


class SparseTensorError(SnnRosError):
    """Features and sites do not fit each other; the text names the field and the value."""


@dataclass(frozen=True, eq=False)
class Sites:
    """Occupied sites of one resolution.

    Attributes:
        coordinates: (V, 1 + axes) int32: batch, then the spatial axes in the order of
            `spatial_shape`. Each site once, in any order.
        spatial_shape: extent per axis.
        batch_size: number of samples; a sample may be empty.
        level: the strided kernels that led here from the network's input: with it, the sites'
            name in the `RulebookCache`.
    """

    coordinates: Tensor
    spatial_shape: Size
    batch_size: int
    level: tuple[Kernel, ...] = ()


class RulebookCache:
    """Rulebooks of one network on one input: each is built once and shared by all its layers.

    They are kept by the level of the sites and the shape of the kernel, which together say
    everything about a rulebook once the network's input is given.
    """

    def __init__(self) -> None:
        self._submanifold: dict[tuple[tuple[Kernel, ...], Size], Rulebook] = {}
        self._strided: dict[tuple[Kernel, ...], tuple[Rulebook, Sites]] = {}
        self._finer: dict[tuple[Kernel, ...], Sites] = {}
        self._above: dict[tuple[Kernel, ...], Sites] = {}

    def __len__(self) -> int:
        """Rulebooks built so far."""
        return len(self._submanifold) + len(self._strided)

    def submanifold(self, sites: Sites, size: Size) -> Rulebook:
        """Rulebook of a submanifold convolution on these sites."""
        key = (sites.level, size)
        if key not in self._submanifold:
            self._submanifold[key] = submanifold_rulebook(
                sites.coordinates, sites.spatial_shape, size
            )
        return self._submanifold[key]

    def strided(self, sites: Sites, kernel: Kernel) -> tuple[Rulebook, Sites]:
        """Rulebook of a strided convolution on these sites, and the sites of its output."""
        level = (*sites.level, kernel)
        if level not in self._strided:
            rulebook, coordinates = strided_rulebook(sites.coordinates, sites.spatial_shape, kernel)
            shape = kernel.output_shape(sites.spatial_shape)
            coarse = Sites(coordinates, shape, sites.batch_size, level)
            self._strided[level] = rulebook, coarse
            self._finer[level] = sites
        return self._strided[level]

    def inverse(self, sites: Sites) -> tuple[Rulebook, Sites]:
        """Rulebook back to the sites that the last strided convolution came from, and those sites.

        Raises:
            SparseTensorError: if no strided convolution led to these sites.
        """
        if sites.level not in self._finer:
            raise SparseTensorError(
                "inverse convolution: no strided convolution of this network led to its input"
            )
        rulebook, _ = self._strided[sites.level]
        return rulebook.transposed(), self._finer[sites.level]

    def seen_from_above(self, sites: Sites) -> Sites:
        """The single plane of sites (z, y, x) as sites (y, x); the same object at every call."""
        if sites.level not in self._above:
            self._above[sites.level] = Sites(
                sites.coordinates[:, [0, 2, 3]],
                sites.spatial_shape[1:],
                sites.batch_size,
                sites.level,
            )
        return self._above[sites.level]


@dataclass(frozen=True, eq=False)
class SparseTensor:
    """Features at sites. Everything derived from it shares its rulebooks.

    Make the input of a network with `sparse_tensor`: it begins a new cache of rulebooks.

    Attributes:
        features: (V, C), row by row those of `sites.coordinates`.
        sites: where they are.
        rulebooks: of the network, on this input.
    """

    features: Tensor
    sites: Sites
    rulebooks: RulebookCache = field(default_factory=RulebookCache, repr=False)

    def with_features(self, features: Tensor) -> SparseTensor:
        """Other features (V, C') at the same sites."""
        return replace(self, features=features)

    def moved(self, features: Tensor, sites: Sites) -> SparseTensor:
        """Features at other sites of the same network."""
        return replace(self, features=features, sites=sites)

    def __add__(self, other: SparseTensor) -> SparseTensor:
        """Sum of features at the same sites, as in a shortcut.

        Raises:
            SparseTensorError: if the sites differ.
        """
        if self.sites is not other.sites:
            raise SparseTensorError(
                f"sum of sparse tensors at different sites: {len(self.features)} of shape "
                f"{self.sites.spatial_shape} and {len(other.features)} of "
                f"{other.sites.spatial_shape}"
            )
        return self.with_features(self.features + other.features)

    def dense(self) -> Tensor:
        """(batch, C, *spatial_shape), zero where no site is."""
        sites = self.sites
        dense = self.features.new_zeros(
            sites.batch_size, *sites.spatial_shape, self.features.shape[1]
        )
        dense[tuple(sites.coordinates.long().T)] = self.features
        return dense.movedim(-1, 1)


def sparse_tensor(
    features: Tensor, coordinates: Tensor, spatial_shape: Size, batch_size: int
) -> SparseTensor:
    """The input of a sparse network.

    Args:
        features: (V, C) real.
        coordinates: (V, 1 + axes) integer: batch, then one column per entry of `spatial_shape`.
        spatial_shape: extent per axis.
        batch_size: number of samples.

    Raises:
        SparseTensorError: if shapes differ, a coordinate lies outside, or a site occurs twice.
    """
    extents = torch.tensor([batch_size, *spatial_shape], device=coordinates.device)
    if coordinates.dim() != 2 or coordinates.shape[1] != len(extents):
        raise SparseTensorError(
            f"coordinates of shape {tuple(coordinates.shape)}: must be (V, {len(extents)})"
        )
    if features.dim() != 2 or len(features) != len(coordinates):
        raise SparseTensorError(
            f"features of shape {tuple(features.shape)}: must be ({len(coordinates)}, channels)"
        )
    outside = ((coordinates < 0) | (coordinates >= extents)).any(1)
    if outside.any():
        raise SparseTensorError(
            f"coordinates {coordinates[outside][0].tolist()}: must lie within {extents.tolist()}"
        )
    if len(coordinates.unique(dim=0)) != len(coordinates):
        raise SparseTensorError("coordinates: a site occurs twice")
    return SparseTensor(features, Sites(coordinates.int(), tuple(spatial_shape), batch_size))
