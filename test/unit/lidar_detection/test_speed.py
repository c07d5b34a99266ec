"""What `snn-ros bench lidar_detection` measures."""

import json

import pytest
import torch

from snn_ros.cli import main
from snn_ros.lidar_detection import speed
from snn_ros.weight_files import WeightsError

STREET = speed.drawn_street(beams=16, columns=200)


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def no_weights(profile):
    raise WeightsError(profile)


def test_a_network_that_was_never_trained_fires_and_its_twin_does_not(monkeypatch):
    monkeypatch.setattr(speed, "default_path", no_weights)
    spiking, twin = speed.edge_network(STREET), speed.edge_network(STREET, "relu")
    activity = speed.detector_of(spiking, threads=1).detect(STREET, meter=True).activity
    assert 0.1 < activity.firing_rate < 3.0
    detector = speed.detector_of(twin, threads=1)
    assert not detector.is_spiking
    assert detector.detect(STREET).voxels > 100


def test_bench_writes_times_of_all_stages(monkeypatch, tmp_path):
    monkeypatch.setattr(speed, "drawn_street", lambda: STREET)
    monkeypatch.setattr(speed, "_SCANS", 3)
    file = tmp_path / "speed.json"
    assert main(["bench", "lidar_detection", "--json", str(file)]) == 0
    scores = json.loads(file.read_text())["scores"]
    assert scores["points"] == len(STREET)
    for threads in (1, 2):
        assert 0 < scores[f"{threads}_threads_ms_p50"] <= scores[f"{threads}_threads_ms_p99"]
    assert all(scores[f"{stage}_ms_p50"] > 0 for stage in ("voxels", "network", "decoding"))
