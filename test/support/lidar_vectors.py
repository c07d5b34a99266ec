"""The authors' vectors of the LiDAR networks: reading them, and comparing networks with them."""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from snn_ros.lidar_detection.detections import Detections
from snn_ros.sparse.tensor import SparseTensor, sparse_tensor
from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.spiking.modules import SpikingModule

TOLERANCE = 1e-4
VOXEL_TOLERANCE = 1e-5


def folder_of(parity_dir: Path, system: str) -> Path:
    """Where the vectors of a system are; skips where they are not."""
    path = parity_dir / system
    if not path.is_dir():
        pytest.skip(f"authors' vectors: no folder {path}")
    return path


def cases_in(path: Path, name: str) -> list[Path]:
    """The files of one kind, of every suffix; skips where there is none."""
    found = sorted(path.glob(f"{name}_[A-Z].npz"))
    if not found:
        pytest.skip(f"authors' vectors: no {name}_*.npz in {path}")
    return found


def folder(parity_dir: Path) -> Path:
    return folder_of(parity_dir, "lidar_detection")


def cases(parity_dir: Path, name: str) -> list[Path]:
    return cases_in(folder(parity_dir), name)


class Vectors(dict):
    """Arrays of one file as tensors; keeps account of which were read."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as arrays:
            super().__init__({name: torch.from_numpy(arrays[name]) for name in arrays.files})
        self.name = path.name
        self.read = set()

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)

    def below(self, prefix: str) -> dict:
        return {name[len(prefix) :]: self[name] for name in self if name.startswith(prefix)}

    def sparse(self, name: str, features: str = "features") -> SparseTensor:
        coordinates = self[f"{name}.indices"]
        shape = tuple(self[f"{name}.spatial_shape"].tolist())
        samples = int(coordinates[:, 0].max()) + 1
        return sparse_tensor(self[f"{name}.{features}"], coordinates, shape, samples)

    def assert_all_read(self) -> None:
        assert not self.keys() - self.read, f"{self.name}: arrays without a test"


def sibling(path: Path, name: str, extension: str = ".npz") -> Path:
    """The file of another name with the same suffix."""
    return path.with_name(f"{name}_{path.stem[-1]}{extension}")


def state(path: Path) -> dict[str, torch.Tensor]:
    """Weights of products are stored as int8 with a power of two."""
    with safe_open(path, "pt") as file:
        steps = json.loads(file.metadata()["log2_step"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return {
        name: tensor.float() * 2.0 ** steps[name] if name in steps else tensor
        for name, tensor in tensors.items()
        if name != "global_step"
    }


def weights_of(path: Path) -> Path:
    """`detector_heads_A.npz` to `detector_A.safetensors`."""
    return sibling(path, path.stem.split("_")[0], ".safetensors")


def grid_of(vectors):
    """The range and the voxels that a file was made with, without the rounding of float32."""
    limits = [round(value, 4) for value in vectors["point_cloud_range"].tolist()]
    size = tuple(round(value, 4) for value in vectors["voxel_size"].tolist())
    return VoxelGrid(tuple(limits[:3]), tuple(limits[3:]), size)


@contextmanager
def spike_sums(network: torch.nn.Module):
    """Per spiking layer, in the order they fire, the sum of each channel's spikes (axis 1)."""
    sums = {}

    def watch(name):
        def hook(_, __, output):
            others = [axis for axis in range(output.dim()) if axis != 1]
            sums[name] = output.double().sum(others).int()

        return hook

    handles = [
        module.register_forward_hook(watch(name))
        for name, module in network.named_modules()
        if isinstance(module, SpikingModule)
    ]
    yield sums
    for handle in handles:
        handle.remove()


def assert_spikes(sums, vectors: Vectors) -> None:
    expected = vectors.below("spikes.")
    assert list(sums) == list(expected)
    for name, channels in expected.items():
        assert torch.equal(sums[name], channels), f"{vectors.name}: spikes.{name}"


def assert_near(actual, expected, what, tolerance=TOLERANCE) -> None:
    torch.testing.assert_close(
        actual, expected, rtol=0, atol=tolerance, msg=lambda text: f"{what}: {text}"
    )


def assert_same_boxes(found: Detections, expected: Vectors, rows: NDArray[np.bool_] | None = None):
    """Scores and classes exactly in order; boxes too, in some rows or in all."""
    rows = np.ones(len(found.scores), dtype=bool) if rows is None else rows
    scores, boxes = expected["pred_scores"].double(), expected["pred_boxes"].double()
    assert_near(torch.from_numpy(found.scores), scores, "final scores")
    assert (found.labels + 1).tolist() == expected["pred_labels"].tolist()
    assert_near(torch.from_numpy(found.boxes[rows]), boxes[torch.from_numpy(rows)], "final boxes")


def assert_sparse(
    actual: SparseTensor, vectors: Vectors, name: str, tolerance: float = TOLERANCE
) -> None:
    """Sites exactly, features within the tolerance; the files have lexicographic rows."""
    assert actual.sites.spatial_shape == tuple(vectors[f"{name}.spatial_shape"].tolist()), name
    coordinates = actual.sites.coordinates
    order = canonical_order(coordinates)
    expected = vectors[f"{name}.indices"]
    expected_order = canonical_order(expected)
    assert torch.equal(coordinates[order], expected[expected_order]), f"{name}.indices"
    features = vectors[f"{name}.features"][expected_order]
    assert_near(actual.features[order], features, f"{vectors.name}: {name}", tolerance)


def canonical_order(coordinates: torch.Tensor) -> torch.Tensor:
    columns = coordinates.numpy()
    return torch.from_numpy(np.lexsort(tuple(columns.T[::-1])))
