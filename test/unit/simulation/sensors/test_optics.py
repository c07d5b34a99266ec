"""Lens, chip and encoder in closed form."""

import numpy as np
import pytest

from snn_ros.simulation.sensors import optics
from snn_ros.simulation.sensors.mounts import CameraMount, kitti_stereo

CHIP = {"gain": 1.0, "full_well": 5000.0, "read_noise": 10.0}


def grey(level: int, size: int = 200) -> np.ndarray:
    return np.full((size, size, 3), level, dtype=np.uint8)


def test_vignetting_is_the_fourth_power_of_the_cosine() -> None:
    mount = CameraMount("camera", 201, 101, 100.0, 100.0, 100.0, 50.0, np.eye(4))
    natural = optics.transmission(mount, 1.0)
    assert natural.shape == (101, 201)
    assert natural[50, 100] == 1.0
    assert natural[50, 200] == pytest.approx(np.cos(np.pi / 4) ** 4)
    assert (optics.transmission(mount, 0.0) == 1.0).all()
    wide = optics.transmission(kitti_stereo()[0], 0.5)
    assert 0.5 < wide.min() < 0.6


def test_light_doubles_in_linear_light() -> None:
    levels = optics.exposed(grey(100, 2), 2.0)
    light = (levels / 255.0) ** optics.GAMMA
    assert light == pytest.approx(2.0 * (100 / 255) ** optics.GAMMA, rel=1e-5)
    per_pixel = optics.exposed(grey(100, 2), np.array([[1.0, 1.0], [0.5, 0.5]], np.float32))
    assert per_pixel[0] == pytest.approx(100.0)
    assert per_pixel[1] == pytest.approx(100.0 * 0.5 ** (1 / 2.2), rel=1e-5)


@pytest.mark.parametrize(("level", "gain"), [(60, 1.0), (128, 1.0), (200, 1.0), (128, 8.0)])
def test_noise_is_that_of_counted_electrons(level: int, gain: float) -> None:
    generator = np.random.default_rng(1)
    light = (level / 255) ** optics.GAMMA
    electrons = generator.poisson(light * 5000.0 / gain, 200_000)
    read = electrons + 10.0 * generator.standard_normal(200_000)
    digital = 255.0 * np.maximum(read * gain / 5000.0, 0.0) ** (1 / optics.GAMMA)
    deviation = optics.noise_deviation(**CHIP | {"gain": gain})[level]
    assert deviation == pytest.approx(digital.std(), rel=0.05)
    image = optics.noisy(
        grey(level).astype(np.float32), optics.noise_deviation(**CHIP | {"gain": gain}), generator
    )
    assert image.std() == pytest.approx(np.hypot(deviation, 12**-0.5), rel=0.03)
    assert image.mean() == pytest.approx(level, abs=0.1)


def test_without_noise_levels_are_only_clipped_and_rounded() -> None:
    levels = np.array([[[-3.0, 99.6, 300.0]]], np.float32)
    silent = optics.noise_deviation(gain=1e-9, full_well=1e9, read_noise=0.0)
    image = optics.noisy(levels, silent, np.random.default_rng(0))
    assert image.tolist() == [[[0, 100, 255]]]


def test_jpeg_loses_more_at_low_quality_and_keeps_the_order_of_colours() -> None:
    ramp = np.zeros((64, 64, 3), np.uint8)
    ramp[..., 0] = np.arange(64) * 4
    ramp[..., 2] = np.arange(64)[:, None] * 2

    def error(quality: int) -> float:
        back = optics.decompressed(optics.compressed(ramp, quality))
        return float(np.abs(back.astype(int) - ramp).mean())

    assert error(95) < 3.0 < error(10)
    assert len(optics.compressed(ramp, 10)) < len(optics.compressed(ramp, 95))
