"""Scans on disk, their variations, and what the edge network sees of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.lidar_scenes import BOXES, scene

from snn_ros.geometry.boxes import count_points
from snn_ros.lidar_detection.augmentation import (
    AugmentationConfig,
    augmented,
    cut_outs,
    from_road,
    pasted,
)
from snn_ros.lidar_detection.edge import EdgeConfig
from snn_ros.lidar_detection.edge_batches import AugmentedBatches, labels_of, packed
from snn_ros.lidar_detection.edge_features import CHANNELS, SCALE, voxel_features
from snn_ros.lidar_detection.edge_targets import IGNORED
from snn_ros.lidar_detection.scans import (
    POSITION_STEP,
    ScanFolder,
    ScanFolderError,
    load_scan,
    save_scan,
)

QUIET = AugmentationConfig(
    beam_loss=0.0, point_loss=0.0, range_noise=0.0, slope=0.0, clumps=0, pasted=(0, 0, 0)
)


def test_scan_survives_the_disk(tmp_path: Path) -> None:
    scan = scene()
    save_scan(tmp_path / "scan.npz", scan)
    read = load_scan(tmp_path / "scan.npz")
    assert np.abs(read.points[:, :3] - scan.points[:, :3]).max() <= POSITION_STEP / 2 + 1e-6
    assert np.abs(read.points[:, 3] - scan.points[:, 3]).max() <= 0.5 / 255 + 1e-6
    np.testing.assert_array_equal(read.boxes, scan.boxes)
    assert read.classes.tolist() == scan.classes.tolist()
    assert read.view is not None
    np.testing.assert_array_equal(read.view.intrinsics, scan.view.intrinsics)


def test_points_out_of_16_bits_are_left_out(tmp_path: Path) -> None:
    points = np.array([[70.0, 0, 0, 0.5], [65.0, 0, 0, 0.5]], dtype=np.float32)
    save_scan(tmp_path / "scan.npz", replace(scene(), points=points))
    assert load_scan(tmp_path / "scan.npz").points[:, 0] == pytest.approx([65.0])


def test_damaged_or_absent_scans_are_named(tmp_path: Path) -> None:
    (tmp_path / "00.npz").write_bytes(b"nothing")
    with pytest.raises(ScanFolderError, match=r"00\.npz"):
        ScanFolder([tmp_path])[0]
    with pytest.raises(ScanFolderError, match="no scans"):
        ScanFolder([tmp_path / "absent"])


def test_features_of_known_points() -> None:
    grid = EdgeConfig(reach=3.2).grid
    # the voxel at the origin's upper side, 0 <= x, y, z < 0.2; second point in its upper octant
    points = torch.tensor([[0.05, 0.05, 0.05, 0.2], [0.15, 0.15, 0.15, 0.4]])
    features = voxel_features(points, grid).tensor.features
    assert features.shape == (1, CHANNELS)
    octants, offset, height, intensity = features[0].split((8, 3, 1, 1))
    assert octants.tolist() == [SCALE, 0, 0, 0, 0, 0, 0, SCALE]
    assert offset.abs().max() == 0
    assert height.item() == round(SCALE * 0.1 / 4.0)
    assert intensity.item() == round(SCALE * 0.3)


def test_features_do_not_count_points() -> None:
    grid, points = EdgeConfig(reach=12.8).grid, torch.from_numpy(scene().points)
    once = voxel_features(points, grid).tensor
    thrice = voxel_features(points.repeat(3, 1).flip(0), grid).tensor
    assert torch.equal(once.features, thrice.features)
    assert torch.equal(once.features, once.features.round())
    assert once.features.abs().max() <= 127


@pytest.mark.parametrize("seed", range(5))
def test_boxes_move_with_their_points(seed: int) -> None:
    scan = from_road(scene())
    moved = augmented(scan, QUIET, [], np.random.default_rng(seed))
    before = count_points(scan.points, scan.boxes, 0.02)
    np.testing.assert_array_equal(count_points(moved.points, moved.boxes, 0.02), before)
    assert np.abs(moved.boxes - scan.boxes).max() > 0.05


def test_roads_rise_under_boxes_and_points_alike() -> None:
    scan = from_road(scene())
    sloped = replace(QUIET, slope=0.1, lift=0.0, scale=0.0)
    moved = augmented(scan, sloped, [], np.random.default_rng(3))
    change = moved.boxes[:, 2] - scan.boxes[:, 2]
    assert np.abs(change).max() > 0.1
    slope, *_ = np.linalg.lstsq(moved.boxes[:, :2], change, rcond=None)
    np.testing.assert_allclose(moved.boxes[:, :2] @ slope, change, atol=1e-9)
    rise = moved.points[:, 2] - scan.points[:, 2]
    np.testing.assert_allclose(moved.points[:, :2] @ slope, rise, atol=1e-4)


def test_pasted_objects_bring_their_points_and_touch_nobody() -> None:
    scan = from_road(scene())
    config = AugmentationConfig(pasted=(3, 3, 3))
    fuller = pasted(scan, config, cut_outs(scan), np.random.default_rng(1))
    added = len(fuller.boxes) - len(scan.boxes)
    assert added > 0
    assert len(fuller.classes) == len(fuller.points_in_box) == len(fuller.boxes)
    counts = count_points(fuller.points, fuller.boxes, 0.02)
    assert (counts[-added:] == fuller.points_in_box[-added:]).all()
    assert (counts[: len(BOXES)] == count_points(scan.points, scan.boxes, 0.02)).all()


def test_lost_points_and_rings_are_gone() -> None:
    scan = from_road(scene())
    config = replace(QUIET, beam_loss=1.0, point_loss=0.2)
    fewer = augmented(scan, config, [], np.random.default_rng(3))
    assert 0.2 * len(scan.points) < len(fewer.points) < 0.8 * len(scan.points)
    assert (fewer.points_in_box < scan.points_in_box).all()


def test_other_classes_and_hardly_seen_objects_are_ignored() -> None:
    scan = replace(
        scene(),
        classes=np.array(["Car", "Van", "Pedestrian", "Cyclist"]),
        points_in_box=np.array([100, 100, 1, 100]),
    )
    assert labels_of(scan).tolist() == [0, IGNORED, IGNORED, 2]


def test_trucks_are_background() -> None:
    scan = replace(scene(), classes=np.array(["Car", "Van", "Truck", "Cyclist"]))
    batch = packed([scan])
    assert batch.labels[0].tolist() == [0, IGNORED, 2]
    np.testing.assert_array_equal(batch.boxes[0], scan.boxes[[0, 1, 3]])
    assert len(batch.points) == len(scan.points)


def test_batches_of_a_step_are_always_the_same(tmp_path: Path) -> None:
    for number in range(3):
        save_scan(tmp_path / f"{number:02}.npz", scene(number))
    batches = AugmentedBatches(ScanFolder([tmp_path]), AugmentationConfig(), 2, seed=5)
    straight = list(batches.from_step(0, 4, workers=0))
    resumed = list(batches.from_step(2, 4, workers=0))
    assert len(straight) == 4
    for first, second in zip(straight[2:], resumed, strict=True):
        assert torch.equal(first.points, second.points)
        assert torch.equal(first.sample, second.sample)
    assert len(straight[0].points) != len(straight[1].points)
