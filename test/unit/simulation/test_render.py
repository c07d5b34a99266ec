"""A headless picture shows the blimp; without a renderer the error says what to install."""

import numpy as np
import pytest

from snn_ros.simulation import render
from snn_ros.simulation.blimp_world import BlimpWorld, StartPose
from snn_ros.simulation.render import Renderer, RendererError


def orange(frame: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(frame.astype(int), -1, 0)
    return (red > 110) & (red > 1.8 * green) & (red > 2.5 * blue)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    world = BlimpWorld(start=StartPose(altitude=1.0, yaw=-0.6))
    try:
        with Renderer(world.model, width=320, height=180) as renderer:
            names = ("overview", "follow")
            return {name: renderer.frame(world.data, name) for name in names}
    except RendererError as err:
        pytest.skip(str(err))


def test_the_blimp_is_in_the_picture(pictures: dict[str, np.ndarray]) -> None:
    overview, follow = orange(pictures["overview"]), orange(pictures["follow"])
    assert 0.004 < overview.mean() < follow.mean() < 0.3
    rows, columns = np.nonzero(follow)
    assert 60 < rows.mean() < 120  # the hull is in the middle, longer than high
    assert 110 < columns.mean() < 210
    assert np.ptp(columns) > 1.3 * np.ptp(rows)


def test_the_room_is_lit_and_varied(pictures: dict[str, np.ndarray]) -> None:
    brightness = pictures["overview"].mean(axis=-1)
    assert 80 < brightness.mean() < 220
    assert brightness.std() > 20


def test_without_a_renderer_the_error_names_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_width: int, _height: int) -> None:
        raise RuntimeError("no driver")

    monkeypatch.setattr(render, "_BACKENDS", {"egl": broken, "osmesa": broken})
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    with pytest.raises(RendererError, match=r"egl \(RuntimeError: no driver\), osmesa.*libegl1"):
        Renderer(BlimpWorld().model)
