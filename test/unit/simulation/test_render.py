"""A headless picture shows the blimp; without a renderer the error says what to install."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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


PICTURE = """
from snn_ros.simulation.blimp_world import BlimpWorld
from snn_ros.simulation.render import Renderer, RendererError
world = BlimpWorld()
try:
    with Renderer(world.model, width=64, height=36) as renderer:
        print("picture", renderer.frame(world.data).std() > 5.0)
except RendererError as err:
    print("error", err)
"""
NO_DRIVER = {"LIBGL_DRIVERS_PATH": "/nonexistent"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "picture True|error no off-screen renderer: tried egl .*, osmesa .*; .*libegl1"),
        (NO_DRIVER, "picture True|error no off-screen renderer: tried egl .*, osmesa"),
        (NO_DRIVER | {"MUJOCO_GL": "egl"}, "picture True|error egl: ImportError: .*; .*libegl1"),
    ],
)
def test_what_fails_leads_to_the_next_back_end_or_a_clear_error(
    environment: dict[str, str], expected: str, tmp_path: Path
) -> None:
    program = tmp_path / "picture.py"
    program.write_text(PICTURE)
    kept = {k: v for k, v in os.environ.items() if k not in ("MUJOCO_GL", "PYOPENGL_PLATFORM")}
    result = subprocess.run(
        [sys.executable, program],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert re.match(expected, result.stdout), result.stdout + result.stderr


DRAW_THEN_LOAD_TRITON = """
import mujoco
from snn_ros.simulation.render import Renderer
model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><camera name='overview'/><geom size='1'/></worldbody></mujoco>"
)
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
with Renderer(model, width=32, height=32) as renderer:
    renderer.frame(data)
    import triton
    renderer.frame(data)
"""


@pytest.mark.parametrize("backend", ["egl", "osmesa"])
def test_a_network_can_be_trained_after_pictures_were_drawn(backend: str) -> None:
    """Torch loads Triton then, whose LLVM must not mix with that of a software driver."""
    pytest.importorskip("triton", reason="Triton is not installed")
    # whoever has drawn by one back end in this process left its name here, which binds the other
    kept = {name: value for name, value in os.environ.items() if name != "PYOPENGL_PLATFORM"}
    done = subprocess.run(
        [sys.executable, "-c", DRAW_THEN_LOAD_TRITON], env=kept | {"MUJOCO_GL": backend},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "RendererError" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
