"""Sparse tensors to try, and what dense convolutions make of them."""

import hashlib

import torch
from torch.nn import functional

from benchmarks.sparse import CHANNELS, GRID, cloud, counts_at
from snn_ros.sparse.convolution import (
    InverseConvolution,
    StridedConvolution,
    SubmanifoldConvolution,
)
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.sparse.voxels import voxelise


def sites(shape, density, batch_size=2, empty=(), seed=0):
    """(V, 1 + axes) coordinates in no order; the samples in `empty` have none."""
    generator = torch.Generator().manual_seed(seed)
    occupied = torch.rand(batch_size, *shape, generator=generator) < density
    occupied[list(empty)] = False
    found = occupied.nonzero()
    return found[torch.randperm(len(found), generator=generator)]


BORDERS = torch.tensor(
    [(b, z, y, x) for b in (0, 1) for z in (0, 5) for y in (0, 6) for x in (0, 7)]
)
SITES = {
    "batch of two": (sites((6, 7, 8), 0.3), (6, 7, 8), 2),
    "odd extents": (sites((7, 9, 5), 0.3), (7, 9, 5), 2),
    "empty element": (sites((6, 7, 8), 0.3, 3, empty=[1]), (6, 7, 8), 3),
    "empty last element": (sites((6, 7, 8), 0.3, 2, empty=[1]), (6, 7, 8), 2),
    "single voxel": (torch.tensor([[0, 3, 3, 3]]), (6, 7, 8), 1),
    "single voxel in a corner": (torch.tensor([[1, 6, 6, 6]]), (7, 7, 7), 2),
    "borders": (BORDERS, (6, 7, 8), 2),
    "full": (sites((4, 5, 6), 2.0), (4, 5, 6), 2),
    "dense and large": (sites((11, 20, 20), 0.15), (11, 20, 20), 2),
    "no voxels": (torch.zeros(0, 4, dtype=torch.int64), (6, 7, 8), 2),
    "2D": (sites((9, 12), 0.3), (9, 12), 2),
    "2D borders": (torch.tensor([(0, 0, 0), (0, 0, 5), (0, 4, 0), (0, 4, 5)]), (5, 6), 1),
}  # fmt: skip


def sparse(name, channels, dtype=torch.float32, seed=1):
    """One of `SITES` with random features."""
    coordinates, shape, batch_size = SITES[name]
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(coordinates), channels, generator=generator, dtype=dtype)
    return sparse_tensor(features, coordinates, shape, batch_size)


def layers(dimensions, channels_in=5, channels_out=7):
    """Every shape of kernel that the networks use, by name."""
    sizes = channels_in, channels_out
    made = {
        "submanifold 3": SubmanifoldConvolution(*sizes, 3, dimensions=dimensions),
        "submanifold 1": SubmanifoldConvolution(*sizes, 1, dimensions=dimensions),
        "submanifold 5": SubmanifoldConvolution(*sizes, 5, dimensions=dimensions, bias=True),
        "k3 s2 p1": StridedConvolution(*sizes, 3, 2, 1, dimensions=dimensions),
        "k3 s1 p1": StridedConvolution(*sizes, 3, 1, 1, dimensions=dimensions),
        "k2 s2": StridedConvolution(*sizes, 2, 2, 0, dimensions=dimensions),
    }
    if dimensions == 3:
        made["(3,1,1) s(2,1,1)"] = StridedConvolution(*sizes, (3, 1, 1), (2, 1, 1), 0)
        made["submanifold (1,3,3)"] = SubmanifoldConvolution(*sizes, (1, 3, 3))
    return made


def dense_convolution(layer, x: SparseTensor):
    """(batch, Cout, *shape): a dense convolution of `x` without the layer's bias."""
    weight = layer.weight.movedim(-1, 1)  # (Cout, Cin, *kernel)
    if isinstance(layer, SubmanifoldConvolution):
        stride, padding = 1, tuple(size // 2 for size in layer.kernel_size)
    else:
        stride, padding = layer.kernel.stride, layer.kernel.padding
    convolve = functional.conv2d if len(layer.kernel_size) == 2 else functional.conv3d
    return convolve(x.dense(), weight, stride=stride, padding=padding)


def dense_inverse(layer: InverseConvolution, coarse: SparseTensor, fine_shape):
    """(batch, Cout, *fine_shape): a dense transposed convolution with stride 2 and no padding."""
    axes = len(fine_shape)
    weight = layer.weight.movedim(-1, 0)  # (Cin, Cout, *kernel)
    convolve = functional.conv_transpose2d if axes == 2 else functional.conv_transpose3d
    full = convolve(coarse.dense(), weight, stride=2)
    missing = [n - m for n, m in zip(fine_shape, full.shape[2:], strict=True)]
    return functional.pad(full, [entry for n in reversed(missing) for entry in (0, n)])


def at_sites(dense, x: SparseTensor):
    """(V, C): entries of a dense tensor at the sites of a sparse one."""
    return dense.movedim(1, -1)[tuple(x.sites.coordinates.long().T)]


def digest_of_a_scan(threads):
    """Hash of voxels, outputs and gradients of layers at all strides, on a whole scan."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    voxels = voxelise(torch.from_numpy(cloud()[0]), GRID)
    digest = hashlib.sha256(voxels.features.numpy().tobytes())
    x = sparse_tensor(voxels.features, voxels.coordinates, (GRID.shape[0] + 1, *GRID.shape[1:]), 1)
    for channels in CHANNELS.values():
        x = counts_at(x, channels)
        features = x.features.requires_grad_()
        same = SubmanifoldConvolution(channels, channels)
        down = StridedConvolution(channels, channels, 3, 2, 1)
        y = down(same(x))
        gradients = torch.autograd.grad(
            y.features, [features, same.weight, down.weight], torch.randn_like(y.features)
        )
        x = y.with_features(y.features.detach())
        for result in (x.features, *gradients):
            digest.update(result.numpy().tobytes())
    return digest.hexdigest()
