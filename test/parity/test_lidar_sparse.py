"""Our sparse layers against the authors' detector: spikes to the unit, gradients, statistics."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from snn_ros.sparse.convolution import StridedConvolution, SubmanifoldConvolution
from snn_ros.sparse.layers import SparseLayer, SparseSequential
from snn_ros.sparse.tensor import sparse_tensor
from snn_ros.spiking.modules import IntegerSpike

TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-5  # of the largest entry
STAGES = ("conv_input", "conv1", "conv2", "conv3", "conv4", "conv_out")


def norm(channels):
    return nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)


def spiking(channels_in, channels_out, kind=SubmanifoldConvolution, *shape):
    return [
        IntegerSpike(), kind(channels_in, channels_out, *(shape or (3,))), norm(channels_out)
    ]  # fmt: skip


class Residual(SparseLayer):
    """Two membrane shortcuts over one and two convolutions."""

    def __init__(self, channels):
        super().__init__()
        self.block = SparseSequential(*spiking(channels, channels))
        self.voxel_block = SparseSequential(
            *spiking(channels, channels), *spiking(channels, channels)
        )

    def forward(self, x):
        x = x + self.block(x)
        return x + self.voxel_block(x)


class Stage(SparseLayer):
    """Half the resolution, then residual blocks."""

    def __init__(self, channels_in, channels_out, blocks):
        super().__init__()
        self.down = SparseSequential(
            *spiking(channels_in, channels_out, StridedConvolution, 3, 2, 1)
        )
        self.blocks = SparseSequential(*(Residual(channels_out) for _ in range(blocks)))

    def forward(self, x):
        return self.blocks(self.down(x))


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_input = SparseSequential(
            SubmanifoldConvolution(4, 16), norm(16), *spiking(16, 16), *spiking(16, 16)
        )
        self.conv1 = SparseSequential(SparseSequential(*spiking(16, 16)))
        self.conv2, self.conv3 = Stage(16, 32, 2), Stage(32, 64, 2)
        self.conv4 = Stage(64, 64, 2)
        self.conv_out = SparseSequential(
            StridedConvolution(64, 128, (3, 1, 1), (2, 1, 1)), norm(128), IntegerSpike()
        )

    def forward(self, x):
        for name in STAGES:
            x = getattr(self, name)(x)
            yield name if name.startswith("conv_") else f"x_{name}", x


def cases(parity_dir: Path, name: str) -> list[Path]:
    found = sorted((parity_dir / "lidar_detection").glob(f"{name}_[A-Z].npz"))
    if not found:
        pytest.skip(f"authors' vectors: no {name}_*.npz in {parity_dir / 'lidar_detection'}")
    return found


def tensors(path: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    with np.load(path) as arrays:
        return {
            name.removeprefix(prefix): torch.from_numpy(arrays[name])
            for name in arrays.files
            if name.startswith(prefix)
        }


def weights(path: Path, prefix: str) -> dict[str, torch.Tensor]:
    """State dict; products are stored as int8 with a power of two in the metadata."""
    with safe_open(str(path), "pt") as file:
        steps = json.loads(file.metadata()["log2_step"])
        return {
            name.removeprefix(prefix): file.get_tensor(name) * 2.0 ** steps.get(name, 0)
            if name in steps
            else file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118  (no mapping)
            if name.startswith(prefix)
        }


def count_spikes(network: nn.Module, counted: dict[str, torch.Tensor]) -> None:
    """Leave the sum over sites of every spiking layer in `counted`, by name, in order."""
    for name, layer in network.named_modules():
        if isinstance(layer, IntegerSpike):
            layer.register_forward_hook(
                lambda _, __, counts, name=name: counted.update({name: counts.sum(0).int()})
            )


def assert_spikes(counted, expected, path):
    assert list(counted) == list(expected)
    for name in expected:
        assert torch.equal(counted[name], expected[name]), f"{path.name}: spikes of {name}"


def assert_sparse(x, expected, name, path, tolerance=TOLERANCE):
    assert x.sites.spatial_shape == tuple(expected[f"{name}.spatial_shape"].tolist())
    order = np.lexsort(x.sites.coordinates.numpy().T[::-1])
    np.testing.assert_array_equal(x.sites.coordinates[order], expected[f"{name}.indices"])
    torch.testing.assert_close(
        x.features[order], expected[f"{name}.features"], rtol=0, atol=tolerance,
        msg=lambda m: f"{path.name} {name}: {m}",
    )  # fmt: skip


def test_backbone_of_the_detector(parity_dir):
    for path in cases(parity_dir, "detector_backbone3d"):
        suffix = path.stem[-2:]
        given = tensors(path.with_name(f"detector_input{suffix}.npz"))
        state = weights(path.with_name(f"detector{suffix}.safetensors"), "backbone_3d.")
        network = Backbone().eval()
        network.load_state_dict(state)
        counted: dict[str, torch.Tensor] = {}
        count_spikes(network, counted)
        expected = tensors(path)
        z, y, x = given["grid_size_xyz"].flip(0).tolist()
        shape = (z + 1, y, x)  # one spare layer
        with torch.no_grad():
            voxels = sparse_tensor(given["voxel_features"], given["voxel_coords"], shape, 2)
            for name, stage in network(voxels):
                exact = name == "conv_out"  # spikes
                assert_sparse(stage, expected, name, path, 0 if exact else TOLERANCE)
        assert_spikes(counted, tensors(path, "spikes.backbone_3d."), path)
        assert len(voxels.rulebooks) == 8
        maps = stage.dense().flatten(1, 2)  # channel = c * 2 + z
        assert torch.equal(maps, expected["spatial_features"])


def test_training_step_of_a_stage(parity_dir):
    for path in cases(parity_dir, "train_block"):
        vectors, state = tensors(path), tensors(path, "param.")
        network = Stage(8, 8, 1).train()
        missing = network.load_state_dict(state, strict=False)
        assert not missing.unexpected_keys
        assert all(name.endswith("num_batches_tracked") for name in missing.missing_keys)
        counted: dict[str, torch.Tensor] = {}
        count_spikes(network, counted)
        features = vectors["in.features"].requires_grad_()
        shape = tuple(vectors["in.spatial_shape"].tolist())
        batch_size = int(vectors["in.indices"][:, 0].max()) + 1
        y = network(sparse_tensor(features, vectors["in.indices"], shape, batch_size))
        assert_sparse(y.with_features(y.features.detach()), vectors, "out", path)
        assert_spikes(counted, tensors(path, "spikes."), path)

        (y.features * vectors["upstream"]).sum().backward()
        gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
        gradients["in.features"] = features.grad
        expected = tensors(path, "grad.")
        assert gradients.keys() == expected.keys()
        for name, gradient in gradients.items():
            tolerance = GRADIENT_TOLERANCE * expected[name].abs().max().item()
            torch.testing.assert_close(gradient, expected[name], rtol=0, atol=tolerance)
        for name, value in tensors(path, "after.").items():
            torch.testing.assert_close(network.state_dict()[name], value, rtol=0, atol=1e-5)
