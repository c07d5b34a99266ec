"""``snn-ros evaluate lidar_detection``: a recorded drive and real frames, scored and drawn."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from rclpy.serialization import serialize_message

from snn_ros.bags import BagReader, BagWriter
from snn_ros.cli import main
from snn_ros.cli.bag_topics import WrongTopics
from snn_ros.cli.evaluations.lidar_detection import judge, scores_of
from snn_ros.cli.evaluations.lidar_scenes import Scene, open_scenes
from snn_ros.cli.regression import outcome
from snn_ros.cli.regression.entries import SuiteEntry
from snn_ros.cli.regression.outcome import EntryDoesNotFit
from snn_ros.cli.regression.recordings import planned
from snn_ros.cli.regression.replays import Heard, Replayed
from snn_ros.cli.regression.scorers import SCORERS
from snn_ros.geometry.boxes import count_points
from snn_ros.geometry.image_boxes import project_boxes
from snn_ros.geometry.rigid import inverse
from snn_ros.kitti.labels import boxes_of
from snn_ros.lidar_detection import Detections
from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork
from snn_ros.lidar_detection.edge_grid import deployed
from snn_ros.lidar_detection.edge_weights import save_edge
from snn_ros.lidar_detection.scans import CLASSES
from snn_ros.ros.conversions.detections import Detections as Answer
from snn_ros.ros.conversions.detections import write_detections

SCENARIOS = Path(__file__).resolve().parents[3] / "config" / "scenarios"
SMALL = EdgeConfig(reach=25.6, widths=(8, 16), flat_widths=(16, 24))
DRIVE = [
    "duration=0.5", "sensors.lidar=vlp_16", "sensors.cameras=stereo", "layout.length=80",
    "traffic.vehicles=2",
]  # fmt: skip
NAMES = ["0.100", "0.200", "0.300", "0.400", "0.500"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a small network as drawn: it finds nothing, but it runs."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = deployed(EdgeNetwork(SMALL).eval())
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_edge(path, network)
    return path


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bag = tmp_path_factory.mktemp("drive") / "bag"
    changes = [word for change in DRIVE for word in ("--set", change)]
    assert main(["simulate", "street_quick", *changes, "--bag", str(bag)]) == 0
    return bag


def ideal(scene: Scene, shift: float = 0.0) -> Detections:
    """All labelled objects of our classes, moved ahead."""
    labels = [one for one in scene.frame(Detections.none())[0] if one.class_name in CLASSES]
    boxes = boxes_of(labels, inverse(scene.pose)) + shift * np.eye(7)[0]
    classes = np.array([CLASSES.index(one.class_name) for one in labels], dtype=np.int64)
    return Detections(boxes, np.full(len(labels), 0.9), classes)


def test_scans_of_a_drive_come_with_their_truth(drive: Path) -> None:
    scenes = list(open_scenes(drive))
    assert [scene.name for scene in scenes] == NAMES
    for scene in scenes:
        assert scene.sensor_height == pytest.approx(1.73)
        assert scene.points.shape[1] == 4
        bottom = scene.truth[:, 2] - scene.truth[:, 5] / 2
        np.testing.assert_allclose(bottom, -1.73, atol=0.13)  # some stand on the kerb
        assert count_points(scene.points, scene.truth, 0.1).sum() > 50
        inside = project_boxes(scene.truth, scene.pose, scene.intrinsics, *scene.size).in_view
        assert inside.sum() >= len(scene.frame(Detections.none())[0])


def test_points_in_view_are_those_that_a_pixel_shows(drive: Path) -> None:
    scene = next(iter(open_scenes(drive)))
    specks = np.hstack([scene.points[:, :3], np.full((len(scene.points), 4), 1e-6)])
    specks[:, 6] = 0.0
    seen = project_boxes(specks, scene.pose, scene.intrinsics, *scene.size).in_view
    np.testing.assert_array_equal(scene.points_in_view(), scene.points[seen])
    assert 0.05 < seen.mean() < 0.5


def test_what_is_there_is_found_and_what_is_not_is_wrong(drive: Path) -> None:
    scenes = list(open_scenes(drive))
    cars = sum(judge(scene, Detections.none(), 0.3).score.cars for scene in scenes)
    assert cars > 0
    right = scores_of([judge(scene, ideal(scene), 0.3) for scene in scenes], 0.3)
    assert right["recall_car_moderate_iou50"] == 1.0
    assert right["false_positives_per_frame"] == 0.0
    assert (right["cars_easy_or_moderate"], right["frames"]) == (cars, len(NAMES))
    wrong = scores_of([judge(scene, ideal(scene, 4.0), 0.3) for scene in scenes], 0.3)
    assert wrong["recall_car_moderate_iou50"] == 0.0
    assert wrong["false_positives_per_frame"] > 0.0
    hesitant = scores_of([judge(scene, ideal(scene), 0.95) for scene in scenes], 0.95)
    assert hesitant["recall_car_moderate_iou50"] == 0.0
    assert hesitant["ap_r11_3d_car_moderate"] == right["ap_r11_3d_car_moderate"] > 0.0


def test_figures_and_pictures(
    drive: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["evaluate", "lidar_detection", str(drive), "--weights", str(weights)]
    pictures = tmp_path / "pictures"
    assert main([*call, "--json", "-", "--pictures", str(pictures)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() == {
        "system", "profile", "input", "scores", "latency_ms", "spikes", "machine"
    }  # fmt: skip
    assert figures["scores"]["frames"] == len(NAMES)
    assert 0.0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["p99"]
    assert figures["spikes"].keys() == {"firing_rate", "sops", "macs", "energy_mj_model"}
    assert figures["spikes"]["macs"] > 0
    assert sorted(file.name for file in pictures.iterdir()) == [f"{name}.png" for name in NAMES]
    assert cv2.imread(str(pictures / "0.200.png")).shape == (750, 1242 + 750, 3)

    assert main([*call, "--threshold", "0.0"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split("  ")[-1] == "false positives"
    assert [row.split()[0] for row in table[1:6]] == NAMES
    assert all(int(row.split()[-1]) > 0 for row in table[1:6])  # boxes of chance


def test_real_frames(weights: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data_dir / "kitti_object"
    if not folder.is_dir():
        pytest.skip(f"real recordings: no folder {folder}")
    call = ["evaluate", "lidar_detection", str(folder), "--weights", str(weights), "--json", "-"]
    assert main(call) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert (scores["frames"], scores["cars_easy_or_moderate"]) == (6, 3)
    assert scores["recall_car_moderate_iou50"] == 0.0


def test_wrong_calls_are_told(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "blimp_control", "oracle", "--threshold", "0.3"]) == 2
    assert "blimp_control has no --threshold" in capsys.readouterr().err
    call = ["evaluate", "lidar_detection", str(tmp_path), "--weights", str(weights)]
    assert main([*call, "--threshold", "1.5"]) == 1
    assert "score_threshold = 1.5" in capsys.readouterr().err
    assert main(call) == 1
    assert str(tmp_path) in capsys.readouterr().err


def answer(scene: Scene) -> Heard:
    """What a node would publish that finds everything, and a thing of no class of ours."""
    found = ideal(scene)
    boxes = np.vstack([found.boxes, [[3.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]]])
    names = [*(CLASSES[label] for label in found.labels), "Tree"]
    message = write_detections(
        Answer(boxes, np.append(found.scores, 0.9), names), scene.stamp_ns, "lidar"
    )
    return Heard(scene.stamp_ns * 1e-9 + 0.05, serialize_message(message))


def test_answers_of_a_node_are_scored(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite's scorer; the second scan stays without an answer."""
    scenes = list(open_scenes(drive))
    with BagReader(drive) as bag:
        asked = [
            Heard(message.stamp_ns * 1e-9, bytes(message.cdr))
            for message in bag.messages(["/lidar/points"])
        ]
    heard = {"/lidar/points": asked, "/found": [answer(one) for one in (scenes[0], *scenes[2:])]}
    replayed = Replayed({"/lidar/points": len(asked)}, heard, {})
    monkeypatch.setattr(outcome, "replay", lambda *_, **__: replayed)
    entry = SuiteEntry(
        "found", "lidar_detection", "street_quick", launch="lidar_detection",
        input="/lidar/points", output="/found", output_type="vision_msgs/msg/Detection3DArray",
    )  # fmt: skip
    made = planned(entry, SCENARIOS, tmp_path)
    made.folder.mkdir()
    made.bag.symlink_to(drive)
    result = SCORERS["lidar_detection"](made)
    assert result.scores["answered_share"] == pytest.approx(0.8)
    assert result.scores["latency_p50_ms"] == pytest.approx(50.0)
    assert result.scores["frames"] == 4
    assert result.scores["recall_car_moderate_iou50"] == 1.0
    assert result.scores["false_positives_per_frame"] == 0.0
    assert [row[0] for row in result.rows] == [NAMES[0], *NAMES[2:]]
    assert result.figure is not None

    heard["/found"] = []
    with pytest.raises(EntryDoesNotFit, match="no scan was answered"):
        SCORERS["lidar_detection"](made)


def test_a_recording_without_truth_is_named(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/points", "sensor_msgs/msg/PointCloud2")
    with pytest.raises(WrongTopics, match=r"bag: 0 topics of type snn_ros/msg/ObjectTruthArray"):
        list(open_scenes(tmp_path / "bag"))
