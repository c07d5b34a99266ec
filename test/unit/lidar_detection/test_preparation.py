"""Clouds before the detector: brightness, field of view, and which way is up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lidar_scenes import SENSOR_HEIGHT, scene

from snn_ros.configuration import ConfigurationError
from snn_ros.lidar_detection.preparation import (
    PreparationConfig,
    ScanPreparation,
    UpsideDownCloud,
    refuse_upside_down,
)

KITTI_HEIGHT = 1.73


def _around(count: int = 720, radius: float = 10.0) -> np.ndarray:
    angles = np.linspace(-np.pi, np.pi, count, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    return (ring * radius).astype(np.float32)


def _brightness(preparation: ScanPreparation, values: np.ndarray, whole: bool) -> np.ndarray:
    intensities = values.astype(np.float32)
    return preparation.prepare(_around(len(values)), intensities, whole=whole).points[:, 3]


@pytest.mark.parametrize(
    ("values", "whole", "scale"),
    [
        (np.linspace(0, 1, 999), False, 1.0),
        (np.linspace(0, 255, 999), False, 255.0),
        (np.arange(999) % 256, True, 255.0),
        (np.arange(999) % 2, True, 255.0),  # a dark scan of whole numbers is no bright one
        (np.linspace(0, 65535, 999), True, 65535.0),
    ],
)
def test_the_scale_of_intensities_is_found(values: np.ndarray, whole: bool, scale: float) -> None:
    preparation = ScanPreparation(PreparationConfig())
    found = _brightness(preparation, values, whole)
    assert preparation.intensity_scale == scale
    np.testing.assert_allclose(found, values / scale, rtol=1e-6)


def test_a_dark_scan_does_not_change_the_scale_of_the_bright_one_before() -> None:
    preparation = ScanPreparation(PreparationConfig())
    _brightness(preparation, np.linspace(0, 255, 999), False)
    assert _brightness(preparation, np.ones(99), False).max() == pytest.approx(1 / 255)


def test_a_few_glints_do_not_darken_all_scans_to_come() -> None:
    preparation = ScanPreparation(PreparationConfig())
    values = np.linspace(0, 1, 3200)
    values[:20] = 4000.0
    assert _brightness(preparation, values, False).max() == 1.0
    assert preparation.intensity_scale == 1.0


def test_a_given_scale_is_kept_and_absent_intensities_are_the_default() -> None:
    preparation = ScanPreparation(PreparationConfig(intensity_scale=100.0, intensity_default=0.25))
    assert _brightness(preparation, np.array([50.0, 100.0, 4000.0]), True).tolist() == [0.5, 1, 1]
    assert set(preparation.prepare(_around(), None).points[:, 3]) == {0.25}


@given(st.floats(-180, 180), st.floats(1, 359))
def test_the_field_of_view_is_about_its_middle_and_points_are_kept_as_they_are(
    heading: float, width: float
) -> None:
    positions = _around()
    scan = ScanPreparation(PreparationConfig(heading=heading, width=width)).prepare(positions, None)
    assert len(scan.points) + scan.out_of_view == len(positions)
    assert abs(len(scan.points) - 2 * width) <= 1.01  # 720 points in 360 degrees
    direction = np.array([np.cos(np.radians(heading)), np.sin(np.radians(heading))])
    cosine = scan.points[:, :2] @ direction / 10.0
    assert cosine.min() >= np.cos(np.radians(width / 2)) - 1e-5
    kept = (scan.points[:, None, :3] == positions).all(2).any(1)
    assert kept.all()


def test_the_own_vehicle_is_left_out() -> None:
    positions = np.concatenate([_around(radius=1.0), _around(radius=3.0)])
    scan = ScanPreparation(PreparationConfig(nearest=2.0)).prepare(positions, None)
    np.testing.assert_array_equal(scan.points[:, :3], positions[720:])
    assert scan.out_of_view == 720


def test_wrong_values_are_all_named() -> None:
    with pytest.raises(ConfigurationError, match=r"intensity_default = 2\.0.*width = 0\.0"):
        ScanPreparation(PreparationConfig(intensity_default=2.0, width=0.0))


@pytest.fixture(params=["scene", "kitti"])
def upright(request: pytest.FixtureRequest) -> tuple[np.ndarray, float]:
    """Points of a scan, and the height of the sensor."""
    if request.param == "scene":
        return scene().points[:, :3], SENSOR_HEIGHT
    folder: Path = request.getfixturevalue("data_dir") / "kitti_object/training/velodyne"
    file = min(folder.glob("*.bin"), default=None)
    if file is None:
        pytest.skip(f"no scan in {folder}")
    return np.fromfile(file, "<f4").reshape(-1, 4)[:, :3], KITTI_HEIGHT


@pytest.mark.parametrize("axis", [0, 1])
def test_only_a_cloud_that_is_turned_over_is_refused(
    upright: tuple[np.ndarray, float], axis: int
) -> None:
    points, height = upright
    refuse_upside_down(points, height)
    refuse_upside_down(points[:0], height)
    over = points * np.where(np.arange(3) == axis, 1, -1).astype(np.float32)
    with pytest.raises(UpsideDownCloud, match="the frame is upside down"):
        refuse_upside_down(over, height)
    refuse_upside_down(over, 0.3)  # road and mirror image of the road are one


def test_a_ceiling_as_high_above_as_the_floor_is_below_is_no_road() -> None:
    rng = np.random.default_rng(0)
    room = rng.uniform(-8, 8, (4000, 3)).astype(np.float32)
    room[:, 2] = np.where(rng.random(4000) < 0.2, -1.5, 1.5)
    refuse_upside_down(room, 1.5)
