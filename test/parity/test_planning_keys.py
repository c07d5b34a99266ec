"""Names, shapes, order and numbers of parameters of the published driving networks."""

import re

import pytest
import torch
from support.planning_vectors import folder

from snn_ros.planning.model import NETWORKS, skeleton
from snn_ros.planning.paper.checkpoint import network_entries

STAGES = {"1": "perception", "2": "prediction", "3": "planning"}


def key_list(parity_dir, stage):
    entries = {}
    for line in (folder(parity_dir) / "keys_sad.txt").read_text().splitlines():
        if not line.startswith("#"):
            stages, name, shape, dtype = line.split()
            if stage in stages:
                entries[name] = (tuple(map(int, re.findall(r"\d+", shape))), dtype)
    return entries


@pytest.mark.parametrize("stage", STAGES)
def test_key_list(parity_dir, stage):
    expected = network_entries(key_list(parity_dir, stage))
    ours = {
        name: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in skeleton(STAGES[stage]).state_dict().items()
    }
    assert ours == expected


@pytest.mark.parametrize(
    ("name", "count"),
    [("perception", 13_439_121), ("prediction", 15_831_978), ("planning", 16_141_292)],
)
def test_published_sizes(name, count):
    network = skeleton(name)
    assert sum(parameter.numel() for parameter in network.parameters()) == count
    assert all(tensor.device == torch.device("meta") for tensor in network.state_dict().values())


def test_every_stage_is_tested():
    assert set(STAGES.values()) == set(NETWORKS)
