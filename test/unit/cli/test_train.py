"""``snn-ros train`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.lidar_scenes import scene

from snn_ros.cli import DONE, FAILED, WRONG_CALL, main
from snn_ros.cli.simulated_scans import HELD_OUT, any_lidar, one_lidar
from snn_ros.learning.curves import read_log
from snn_ros.lidar_detection.edge_weights import load_edge
from snn_ros.lidar_detection.scans import save_scan

CONFIG = """
network: {reach: 12.8, widths: [8, 8], flat_widths: [16, 16]}
training: {steps: 4, batch_size: 2, checkpoint_every: 1, evaluate_every: 100}
drives: 1
held_out_drives: 1
"""


@pytest.fixture
def call(tmp_path: Path) -> list[str]:
    """A run on two drives that need not be simulated."""
    for drive in ("drives/000000", f"held_out_hdl_64e/{HELD_OUT}"):
        (tmp_path / drive).mkdir(parents=True)
        for number in range(2):
            save_scan(tmp_path / drive / f"{number:02}.npz", scene(number))
    (tmp_path / "small.yaml").write_text(CONFIG)
    return [
        "train", "lidar_detection", "--config", str(tmp_path / "small.yaml"), "--data",
        str(tmp_path), "--folder", str(tmp_path / "run"), "--workers", "0",
    ]  # fmt: skip


def test_trains_and_writes_weights_curves_and_scores(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*call, "--json", "-"]) == DONE
    figures = json.loads(capsys.readouterr().out)
    assert figures["system"] == "lidar_detection"
    assert "ap_r40_3d_car_moderate" in figures["scores"]
    assert load_edge(tmp_path / "run" / "weights.safetensors").config.reach == 12.8
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    losses = [entry["loss"] for entry in read_log(tmp_path / "run" / "log.jsonl")]
    assert len(losses) == 4
    # again: the run is complete, nothing is trained, the same weights are written
    before = (tmp_path / "run" / "weights.safetensors").read_bytes()
    assert main(call) == DONE
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == before


def test_a_run_begins_with_what_another_learned(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = [*call, "--begin", str(tmp_path / "run"), "--folder", str(tmp_path / "second")]
    assert main(second) == FAILED
    assert "no finished run" in capsys.readouterr().err
    assert main(call) == DONE
    shipped = tmp_path / "shipped.safetensors"
    assert main([*second, "--learning-rate", "0", "--weights", str(shipped)]) == DONE
    first, again = (load_edge(path) for path in (tmp_path / "run/weights.safetensors", shipped))
    for before, after in zip(first.parameters(), again.parameters(), strict=True):
        if before.dim() > 1:  # scales and shifts follow the statistics of the batches
            assert (before - after).abs().max() == 0
    manifest = json.loads(shipped.with_suffix(".json").read_text())
    assert len(manifest["training"]["commands"]) == 2
    page = shipped.with_suffix(".md").read_text()
    assert all(command in page for command in manifest["training"]["commands"])


def test_a_checkpoint_of_another_run_is_refused(
    call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(call) == DONE
    assert main([*call, "--activation", "relu"]) == FAILED
    assert "network = " in capsys.readouterr().err


def test_wrong_settings_are_named(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.yaml").write_text(CONFIG + "speed: 3\n")
    assert main(call) == FAILED
    assert "speed: unknown" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["train", "nothing"])
    assert end.value.code == WRONG_CALL


def test_sensors_are_drawn_from_the_seed() -> None:
    assert any_lidar(3) == any_lidar(3)
    drawn = [any_lidar(seed) for seed in range(200)]
    kinds = {sensors["sensors.lidar"] for sensors in drawn}
    assert kinds == {"hdl_64e", "hdl_32e", "vlp_16"}
    assert all(1.4 <= sensors["sensors.lidar_height"] <= 2.2 for sensors in drawn)
    assert one_lidar("vlp_16")(5) == {"sensors.lidar": "vlp_16"}
