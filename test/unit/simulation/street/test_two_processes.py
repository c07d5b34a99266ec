"""One scenario in two processes, and by two renderers; all scenarios are for ``make accept``."""

import json

import numpy as np
import pytest
from support.pictures import LARGEST_MEAN, LARGEST_OF_MOST, differences
from support.street_bytes import CAMERAS, NoRenderer, in_a_process, pictures_by

NAME = "street_quick"


def test_same_seed_same_bytes_in_two_processes() -> None:
    try:
        first, second = (json.loads(in_a_process(["digests", NAME])) for _ in range(2))
    except NoRenderer as err:
        pytest.skip(str(err))
    assert {"model", "scan", "images", "imu", "motion", "objects"} < set(first[NAME])
    assert first == second


def test_two_renderers_draw_the_same(tmp_path) -> None:
    try:
        egl, osmesa = (
            pictures_by(renderer, [NAME], tmp_path / renderer, samples=4)[NAME]
            for renderer in ("egl", "osmesa")
        )
    except NoRenderer as err:
        pytest.skip(str(err))
    found = differences((egl[mount.name], osmesa[mount.name]) for mount in CAMERAS)
    assert found["mean"] <= LARGEST_MEAN
    assert found["of_99_percent"] <= LARGEST_OF_MOST


def test_differences_of_pictures() -> None:
    black = np.zeros((10, 20, 3), np.uint8)
    other = black.copy()
    other[0, :3, 1] = 60  # 3 of 200 pixels
    assert differences([(black, other)]) == {"mean": 0.3, "of_99_percent": 60, "largest": 60}
    other[0, 1:] = 0
    assert differences([(black, other)]) == {"mean": 0.1, "of_99_percent": 0, "largest": 60}
