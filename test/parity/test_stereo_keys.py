"""Names, shapes and number of parameters of the published stereo network."""

import dataclasses
import re

import pytest
import torch
from support.stereo_vectors import FULL, folder

from snn_ros.stereo_detection.paper.streamdsgn import StreamDsgn


def skeleton(depth_head):
    with torch.device("meta"):
        return StreamDsgn(dataclasses.replace(FULL, depth_head=depth_head))


def key_list(path):
    entries = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            name, shape, dtype, _ = line.split("  ")
            entries[name] = (tuple(map(int, re.findall(r"\d+", shape))), dtype)
    entries.pop("global_step")  # of the training loop
    return entries


def test_key_list(parity_dir):
    expected = key_list(folder(parity_dir) / "keys_streamdsgn.txt")
    ours = {
        name: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in skeleton(True).state_dict().items()
    }
    assert ours == expected
    assert list(ours) == list(expected)


@pytest.mark.parametrize(("depth_head", "count"), [(False, 3_604_008), (True, 3_632_585)])
def test_published_sizes(depth_head, count):
    network = skeleton(depth_head)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize(
    ("kernel", "count"),
    [(7, 812_800), (11, 820_992), (23, 841_472), (35, 878_336), (41, 902_912), (53, 964_352)],
)
def test_sizes_of_large_kernels(kernel, count):
    with torch.device("meta"):
        network = StreamDsgn(dataclasses.replace(FULL, kernel=kernel))
    assert sum(parameter.numel() for parameter in network.backbone_2d.parameters()) == count
