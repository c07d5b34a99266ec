"""Names, shapes and numbers of parameters of the published networks; and that no vector is left."""

import re
from pathlib import Path

import pytest
import torch
from support.lidar_vectors import folder

from snn_ros.lidar_detection.model import skeleton
from snn_ros.lidar_detection.paper.backbone3d import (
    NarrowBackbone,
    PlainBackbone,
    ResidualBackbone,
)
from snn_ros.lidar_detection.paper.blocks import SPIKING

NETWORKS = {
    "keys_cbgs_voxel0075_voxelnext.txt": lambda: skeleton("nuscenes"),
    "keys_cls_17M.txt": lambda: skeleton("modelnet40_L"),
    "keys_cls_46M.txt": lambda: skeleton("modelnet40_H"),
    "keys_cls_modelnet40_S.txt": lambda: skeleton("modelnet40_S"),
    "keys_cls_modelnet40_T.txt": lambda: skeleton("modelnet40_T"),
    "keys_det_backbone_SNN_3dv.txt": NarrowBackbone,
    "keys_det_backbone_VoxelBackBone8x_3dv_snn.txt": ResidualBackbone,
    "keys_det_backbone_VoxelBackBone8x_ms_snn.txt": lambda: PlainBackbone(SPIKING),
    "keys_semseg_semantickitti_base.txt": lambda: skeleton("semantic_kitti"),
    "keys_voxel_rcnn_car.txt": lambda: skeleton("kitti"),
}
# kinds of vectors that the tests of this folder read
TESTED = {
    "neuron", "train_block", "detector_input", "detector_backbone3d", "detector_heads",
    "classifier", "segmentation", "voxelnext",
}  # fmt: skip
TESTED_WEIGHTS = {"detector", "classifier", "segmentation", "voxelnext"}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def key_list(path: Path):
    lines = path.read_text().splitlines()
    count = next(int(line.split(":")[1]) for line in lines if "trainable parameters" in line)
    entries = {}
    for line in lines:
        if not line.startswith("#"):
            name, shape, dtype = line.split("\t")
            entries[name] = (tuple(map(int, re.findall(r"\d+", shape))), dtype)
    entries.pop("global_step", None)  # of the training loop, in checkpoints of detectors
    return count, entries


def test_key_lists(parity_dir):
    for path in sorted(folder(parity_dir).glob("keys_*.txt")):
        assert path.name in NETWORKS, f"{path.name}: a key list without a test"
        network = NETWORKS[path.name]()
        count, expected = key_list(path)
        ours = {
            name: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
            for name, tensor in network.state_dict().items()
        }
        assert ours == expected, path.name
        assert list(ours) == list(expected), f"{path.name}: order"
        assert parameters(network) == count, path.name


@pytest.mark.parametrize(
    ("name", "count", "entries"),
    [
        ("kitti", 8_597_116, 340),
        ("kitti_single_stage", 2_946_836, 246),
        ("kitti_relu", 7_586_620, 256),
        ("nuscenes", 7_981_398, None),
        ("modelnet40_T", 1_874_216, None),
        ("modelnet40_S", 3_271_144, None),
        ("modelnet40_L", 17_330_600, None),
        ("modelnet40_H", 46_574_248, None),
        ("semantic_kitti", 20_049_683, None),
    ],
)
def test_published_sizes(name, count, entries):
    """Checkpoints of the whole detectors have one entry more: a step counter."""
    network = skeleton(name)
    assert parameters(network) == count
    assert entries is None or len(network.state_dict()) == entries
    assert all(tensor.device == torch.device("meta") for tensor in network.state_dict().values())


def test_no_vector_goes_untested(parity_dir):
    pattern = re.compile(r"(.+)_[A-Z]\.(npz|safetensors)")
    for path in folder(parity_dir).iterdir():
        if path.suffix in (".npz", ".safetensors"):
            found = pattern.fullmatch(path.name)
            tested = TESTED if path.suffix == ".npz" else TESTED_WEIGHTS
            assert found is not None, f"{path.name}: no suffix"
            assert found[1] in tested, f"{path.name}: vectors without a test"
