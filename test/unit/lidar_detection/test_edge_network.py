"""The edge network: its grid, targets, boxes, and that it learns a scene by heart."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import torch
from support.lidar_scenes import CLASSES, SENSOR_HEIGHT, scene
from torch import Tensor, nn

from snn_ros.configuration import ConfigurationError
from snn_ros.geometry.rotated_iou import iou_3d_matrix
from snn_ros.learning.loop import TrainingConfig, train
from snn_ros.lidar_detection.augmentation import from_road
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork, HeadOutput
from snn_ros.lidar_detection.edge_batches import packed
from snn_ros.lidar_detection.edge_boxes import (
    BOX_CODE,
    HEADING,
    QUALITY,
    SIZES,
    USUAL_SIZES,
    decode_boxes,
    encode_box,
)
from snn_ros.lidar_detection.edge_decoding import DecodingConfig, decode
from snn_ros.lidar_detection.edge_grid import deployed, off_grid, on_grid, to_grid
from snn_ros.lidar_detection.edge_targets import IGNORED, detection_loss, make_targets
from snn_ros.lidar_detection.edge_weights import load_edge, save_edge
from snn_ros.lidar_detection.evaluation import detection_scores
from snn_ros.lidar_detection.pipeline import DetectorConfig, LidarDetector
from snn_ros.lidar_detection.training import EdgeDetection, EdgeTrainingConfig, run
from snn_ros.sparse.tensor import Sites
from snn_ros.spiking.modules import SpikingModule
from snn_ros.weight_files import WeightsError

SMALL = EdgeConfig(reach=12.8, widths=(8, 16), flat_widths=(48, 32))
CPU = torch.device("cpu")


@pytest.fixture
def one_thread() -> None:
    torch.set_num_threads(1)


def _trained_a_little(config: EdgeConfig = SMALL) -> EdgeNetwork:
    """Statistics of normalisation that fit the scene; weights as drawn."""
    torch.manual_seed(0)
    network = EdgeNetwork(config).train()
    for _ in range(60):
        run(network, config, packed([from_road(scene())]), CPU)
    return network.eval()


def test_weights_are_used_as_multiples_of_a_127th() -> None:
    layer = on_grid(torch.nn.Linear(7, 3))
    steps = layer.weight / layer.weight.abs().amax(1, keepdim=True) * 127
    assert (steps - steps.round()).abs().max() < 1e-3
    layer.weight.sum().backward()
    gradient = layer.parametrizations.weight.original.grad
    assert torch.equal(gradient, torch.ones(3, 7))


def test_weights_off_the_grid_are_those_that_were_rounded() -> None:
    network = _trained_a_little()
    plain = off_grid(network)
    for (name, weight), layer in zip(
        [(n, p) for n, p in network.named_parameters() if n.endswith("weight.original")],
        [m for m in plain.modules() if hasattr(m, "in_channels") or isinstance(m, nn.Linear)],
        strict=True,
    ):
        assert torch.equal(weight, layer.weight), name
        assert not torch.equal(to_grid(weight)[0] * to_grid(weight)[1], layer.weight)
    batch = packed([from_road(scene())])
    with torch.no_grad():
        rounded, unrounded = (run(n, SMALL, batch, CPU) for n in (network, plain))
    assert 0 < (rounded.heat - unrounded.heat).abs().max() < 5.0


def test_deployed_network_says_the_same() -> None:
    network = _trained_a_little()
    batch = packed([from_road(scene())])
    with torch.no_grad():
        trained, whole = (run(n, SMALL, batch, CPU) for n in (network, deployed(network)))
    assert (trained.heat - whole.heat).abs().max() < 1e-3
    assert (trained.boxes - whole.boxes).abs().max() < 1e-3


def test_sums_are_whole_numbers_so_spikes_do_not_depend_on_precision() -> None:
    network = deployed(_trained_a_little())
    points = packed([from_road(scene())])
    sums: dict[str, list[Tensor]] = {}
    for name, layer in network.named_modules():
        if hasattr(layer, "in_channels"):
            layer.register_forward_hook(
                lambda _layer, _x, out, name=name: sums.setdefault(name, []).append(out.features)
            )
    with torch.no_grad():
        run(network, SMALL, points, CPU)
    assert len(sums) == 16
    for name, (found,) in sums.items():
        assert torch.equal(found, found.round()), name
        assert found.abs().max() < 2**24


def test_spikes_are_whole_and_relu_twin_has_none() -> None:
    counts: list[Tensor] = []
    network = _trained_a_little()
    for layer in network.modules():
        if isinstance(layer, SpikingModule):
            layer.register_forward_hook(lambda _layer, _x, out: counts.append(out))
    with torch.no_grad():
        run(network, SMALL, packed([from_road(scene())]), CPU)
    assert len(counts) == 17
    assert all(torch.equal(c, c.round()) and c.max() <= 4 and c.min() >= 0 for c in counts)
    twin = EdgeNetwork(replace(SMALL, activation="relu"))
    assert not [layer for layer in twin.modules() if isinstance(layer, SpikingModule)]
    assert [p.shape for p in twin.parameters()] == [p.shape for p in network.parameters()]


def test_samples_of_a_batch_do_not_meet() -> None:
    network, one, other = _trained_a_little(), from_road(scene(1)), from_road(scene(2))
    with torch.no_grad():
        both = run(network, SMALL, packed([one, other]), CPU)
        alone = run(network, SMALL, packed([other]), CPU)
    second = both.sites.coordinates[:, 0] == 1
    assert torch.allclose(both.heat[second], alone.heat, atol=1e-5)


def _all_sites(cells: int) -> Sites:
    y, x = np.mgrid[:cells, :cells].reshape(2, -1)
    coordinates = torch.from_numpy(np.stack([0 * x, y, x], axis=1)).int()
    return Sites(coordinates, (cells, cells), 1)


def test_targets_decode_to_the_boxes_they_were_made_from() -> None:
    scan, sites = from_road(scene()), _all_sites(64)
    labels = np.array([0, 0, 1, 2])
    targets = make_targets(sites.coordinates, 0.4, 12.8, [scan.boxes], [labels])
    decided = torch.where(targets.heat >= 1.0, 12.0, -12.0)  # sites without a box have no vote
    perfect = HeadOutput(sites, decided, targets.boxes)
    (found,) = decode(perfect, 0.4, 12.8, DecodingConfig(score_threshold=0.99, quality=0.0))
    order = found.boxes[:, 0].argsort()
    expected = scan.boxes[:, 0].argsort()
    np.testing.assert_allclose(found.boxes[order], scan.boxes[expected], atol=1e-5)
    assert found.labels[order].tolist() == labels[expected].tolist()
    sure = targets.boxes + 12.0 * (torch.arange(BOX_CODE) == QUALITY)
    loss, figures = detection_loss(HeadOutput(sites, decided, sure), targets, 0.4)
    assert figures["box_loss"] == 0.0
    assert figures["overlap_loss"] < 1e-6
    assert loss < 0.01


def test_the_front_is_told_apart_from_the_axis() -> None:
    yaw = torch.linspace(-3.1, 3.1, 63, dtype=torch.float64)
    box = torch.tensor([0.0, 0.0, 1.0, 4.0, 1.8, 1.5, 0.0], dtype=torch.float64)
    middle = torch.zeros(1, 2)
    codes = [encode_box(torch.cat([box[:6], y[None]]), middle, 0) for y in yaw]
    code = torch.cat(codes)
    cars, middles = torch.zeros(len(yaw), dtype=torch.int64), torch.zeros(len(yaw), 2)
    decoded = decode_boxes(code, cars, middles, 0.4)
    np.testing.assert_allclose(decoded[:, 6], yaw, atol=1e-9)
    code[:, HEADING] = 0.1 * code[:, HEADING] + 0.02  # hardly sure of the front
    turned = decode_boxes(code, cars, middles, 0.4)[:, 6] - yaw
    np.testing.assert_allclose(torch.sin(turned), 0.0, atol=1e-9)  # the axis is as it was


def test_quality_lifts_the_score_of_boxes_that_fit() -> None:
    sites, ends = _all_sites(16), torch.tensor([0, 255])
    heat, boxes = torch.full((256, 3), -9.0), torch.zeros(256, BOX_CODE)
    heat[ends, 0] = torch.tensor([2.0, 1.0])
    boxes[ends, QUALITY] = torch.tensor([-2.0, 4.0])
    output, chance = HeadOutput(sites, heat, boxes), torch.sigmoid
    for share, expected in (
        (0.0, heat[ends, 0].sigmoid()),
        (0.5, (heat[ends, 0].sigmoid() * chance(boxes[ends, QUALITY])).sqrt().flip(0)),
    ):
        config = DecodingConfig(score_threshold=0.1, quality=share)
        (found,) = decode(output, 0.4, 3.2, config)
        np.testing.assert_allclose(found.scores, expected, rtol=1e-6)


def test_ignored_objects_neither_attract_nor_repel() -> None:
    scan, sites = from_road(scene()), _all_sites(64)
    labels = np.array([0, IGNORED, 1, 2])
    targets = make_targets(sites.coordinates, 0.4, 12.8, [scan.boxes], [labels])
    centre = (sites.coordinates[:, [2, 1]] + 0.5) * 0.4 - 12.8
    at_ignored = (centre - torch.tensor(scan.boxes[1, :2])).norm(dim=1) < 0.5
    assert (targets.cares[at_ignored] == 0).all()
    assert (targets.heat[at_ignored] < 0.1).all()
    assert (targets.cares.sum(0) > 3900).all()


def test_an_object_without_a_site_makes_no_other_place_hot() -> None:
    scan, sites = from_road(scene()), _all_sites(64)
    centre = (sites.coordinates[:, [2, 1]] + 0.5) * 0.4 - 12.8
    far = (centre - torch.tensor(scan.boxes[0, :2])).norm(dim=1) > 4.0
    targets = make_targets(
        sites.coordinates[far], 0.4, 12.8, [scan.boxes[:1]], [np.zeros(1, dtype=np.int64)]
    )
    assert targets.heat.max() < 1.0
    assert targets.box_weights.max() == 0.0


@pytest.mark.parametrize("label", range(3))
def test_a_usual_object_of_each_class_is_said_by_zeros(label: int) -> None:
    length, width, height = USUAL_SIZES[label]
    box = torch.tensor([0.0, 0.0, height / 2, length, width, height, 0.0])
    code = encode_box(box, torch.zeros(1, 2), label)
    assert code[:, :6].abs().max() < 1e-6
    larger = torch.cat([box[:3], 1.1 * box[3:6], box[6:]])
    grown = encode_box(larger, torch.zeros(1, 2), label)
    np.testing.assert_allclose(grown[:, SIZES], np.log(1.1) / 0.1, rtol=1e-5)
    labels = torch.tensor([label])
    decoded = decode_boxes(grown, labels, torch.zeros(1, 2), 0.4)
    np.testing.assert_allclose(decoded[0], larger, rtol=1e-5, atol=1e-6)


def test_learns_a_scene_by_heart_and_finds_its_boxes(tmp_path: Path, one_thread: None) -> None:
    scan = scene()
    config = EdgeTrainingConfig(
        TrainingConfig(steps=400, batch_size=1, learning_rate=2e-2, warm_up=0.1), SMALL
    )
    config = replace(config, firing_weight=0.0)
    task, losses = EdgeDetection(config, [scan]), []
    batch = packed([from_road(scan)])
    network = train(
        task, lambda _step: repeat(batch), config.training, tmp_path,
        lambda _step, figures: losses.append(figures["heat_loss"] + figures["box_loss"]),
    )  # fmt: skip
    assert losses[-1] < 0.05 < losses[0]

    save_edge(tmp_path / "weights.safetensors", deployed(network.eval()))
    detector = LidarDetector.from_config(
        device="cpu",
        weights=tmp_path / "weights.safetensors",
        config=DetectorConfig(sensor_height=SENSOR_HEIGHT, meter=True),
    )
    result = detector.detect(scan.points)
    assert len(result.detections.boxes) == len(scan.boxes)
    overlap = iou_3d_matrix(scan.boxes, result.detections.boxes)
    assert overlap.max(axis=1).min() > 0.7
    found = np.array(["Car", "Pedestrian", "Cyclist"])[result.detections.labels]
    assert found[overlap.argmax(axis=1)].tolist() == CLASSES.tolist()
    assert result.activity is not None
    assert result.activity.synaptic_operations > 0
    compiled = LidarDetector.from_config(
        device="cpu",
        weights=tmp_path / "weights.safetensors",
        config=DetectorConfig(sensor_height=SENSOR_HEIGHT),
    )
    np.testing.assert_array_equal(
        compiled.detect(scan.points).detections.boxes, result.detections.boxes
    )
    assert not len(detector.detect(np.zeros((0, 4), dtype=np.float32)).detections.boxes)


def test_perfect_boxes_score_100_and_nothing_scores_0() -> None:
    scans = [scene(seed) for seed in range(3)] * 30
    labels = np.array([0, 0, 1, 2])
    perfect = detection_scores(
        scans, lambda scan: Detections(scan.boxes, np.full(4, 0.9), labels), 0.3
    )
    assert perfect["ap_r40_3d_car_moderate"] == pytest.approx(100.0)
    assert perfect["recall_car_moderate_iou50"] == 1.0
    assert perfect["false_positives_per_frame"] == 0.0
    nothing = detection_scores(scans, lambda _: Detections.none(), 0.3)
    assert nothing["ap_r40_3d_car_moderate"] == 0.0


def test_wrong_weights_and_profiles_are_named(tmp_path: Path) -> None:
    network = deployed(EdgeNetwork(SMALL).eval())
    with torch.no_grad():
        network.stem[0].weight[0] = 300.0
    good = tmp_path / "weights.safetensors"
    save_edge(good, deployed(EdgeNetwork(SMALL).eval()))
    assert load_edge(good).config == SMALL
    (tmp_path / "broken.safetensors").write_bytes(good.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="broken"):
        load_edge(tmp_path / "broken.safetensors")
    good.write_bytes(good.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="the manifest says"):
        load_edge(good)
    with pytest.raises(ConfigurationError, match="profile = 'fast'.*device = 'tpu'"):
        LidarDetector.from_config(profile="fast", device="tpu")
