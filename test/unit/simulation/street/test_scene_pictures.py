"""What cameras see of a street; skipped where no off-screen renderer works."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from unit.simulation.street.small_place import ACTORS, EGO, PLACE, STATES

from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.sensors.mounts import CameraMount, optical_pose
from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.contact_sheet import WIDTH, contact_sheet, projected
from snn_ros.simulation.street.scene import BIRDS_EYE, StreetScene
from snn_ros.simulation.street.surfaces import SEMANTIC_CLASSES

# Focal lengths and principal point that a mix-up of any two would show.
FRONT = CameraMount(
    "front", 640, 240, fx=410.0, fy=395.0, cx=301.25, cy=98.5, pose=optical_pose((1.0, 0.1, 1.6))
)
CAR_AHEAD = ActorSpec(0, "truck", 8.0, 2.5, 3.4)


@pytest.fixture(scope="module")
def renderer_of() -> Callable[[StreetScene], Renderer]:
    def make(scene: StreetScene) -> Renderer:
        try:
            return Renderer(scene.model, width=FRONT.width, height=FRONT.height)
        except RendererError as err:
            pytest.skip(str(err))

    return make


def pixel_of(scene: StreetScene, point: np.ndarray) -> np.ndarray:
    """Column and row of a point of the world, by the pinhole model."""
    camera = np.linalg.inv(scene.camera_pose("front"))
    x, y, z = camera[:3, :3] @ point + camera[:3, 3]
    return np.array([FRONT.fx * x / z + FRONT.cx, FRONT.fy * y / z + FRONT.cy])


def edges_of_rear(scene: StreetScene, renderer: Renderer, rear: float) -> tuple[int, int]:
    """First column and first row of the truck's rear, a rectangle that faces the camera."""
    depth, geoms = renderer.depth_and_geoms(scene.data, "front")
    of_truck = np.isin(geoms, np.flatnonzero(scene.surfaces.actor == 0))
    row, column = np.nonzero(of_truck & (np.abs(depth - rear) < 0.01))
    return int(column.min()), int(row.min())


def test_a_known_point_is_drawn_where_the_pinhole_model_says(renderer_of: Callable) -> None:
    """A truck's upper left corner is moved by hundredths of a pixel.

    A pixel is filled as soon as its middle is inside; at that moment the corner must be there to a
    tenth of a pixel.
    """
    scene = StreetScene(PLACE, [CAR_AHEAD], ego_cameras=[FRONT])
    columns, rows = [], []
    with renderer_of(scene) as renderer:
        for step in range(24):
            y, x = -0.001 * step, 30.0 + 0.03 * step
            scene.place({0: ActorState(x, y, 0.0)}, ActorState(4.0, -0.2, 0.0), 0.0)
            left, top = pixel_of(scene, np.array([x - 4.0, y + 1.25, 3.4]))
            first = edges_of_rear(scene, renderer, x - 4.0 - 5.0)
            columns.append((first[0], left))
            rows.append((first[1], top))
    for edges in (columns, rows):
        drawn, exact = np.array(edges).T
        moves = np.flatnonzero(np.diff(drawn))
        assert moves.size >= 1
        for i in moves:
            crossed = max(drawn[i], drawn[i + 1]) - 1
            assert (exact[i] + exact[i + 1]) / 2 == pytest.approx(crossed, abs=0.1)
        np.testing.assert_allclose(drawn, np.ceil(exact), atol=1.0)


def test_pixels_of_the_road_lie_on_the_road(renderer_of: Callable) -> None:
    """Rendered depth agrees with the ground plane through the camera's exact intrinsics."""
    scene = StreetScene(PLACE, [], ego_cameras=[FRONT])
    scene.place({}, ActorState(-45.0, 2.0, 0.0), 0.0)
    with renderer_of(scene) as renderer:
        depth, geoms = renderer.depth_and_geoms(scene.data, "front")
    road = geoms == scene.model.geom("road").id
    row, column = np.nonzero(road)
    rays = np.stack(
        [(column - FRONT.cx) / FRONT.fx, (row - FRONT.cy) / FRONT.fy, np.ones(row.size)], axis=-1
    )
    pose = scene.camera_pose("front")
    points = rays * depth[road][:, None] @ pose[:3, :3].T + pose[:3, 3]
    near = depth[road] < 30.0
    assert near.sum() > 2000
    # A tenth of a pixel's row at this height and depth.
    tolerance = 0.1 / FRONT.fy * depth[road][near]
    assert (np.abs(points[near, 2]) < np.maximum(tolerance, 1e-3)).all()


def test_the_semantic_image_shows_the_layout(renderer_of: Callable) -> None:
    scene = StreetScene(PLACE, ACTORS, ego_cameras=[FRONT])
    scene.place(STATES, EGO, 0.0)
    with renderer_of(scene) as renderer:
        _, geoms = renderer.depth_and_geoms(scene.data, "front")

    def class_at(x: float, y: float, z: float) -> str:
        column, row = np.round(pixel_of(scene, np.array([x, y, z]))).astype(int)
        geom = geoms[row, column]
        return "sky" if geom < 0 else SEMANTIC_CLASSES[scene.surfaces.semantic[geom]]

    assert class_at(6.0, -2.0, 0.0) == "road"
    assert class_at(20.0, 5.5, 0.12) == "pavement"
    assert class_at(16.0, 9.0, 4.0) == "building"
    assert class_at(9.9, -2.0, 0.7) == "car"
    assert class_at(31.0, 3.0, 2.5) == "truck"
    assert class_at(8.0, -5.5, 1.2) == "pedestrian"
    assert class_at(15.0, -6.5, 1.5) == "pole"
    assert class_at(14.0, 3.7, 0.0) == "lane_marking"
    assert class_at(20.0, -11.0, 0.0) == "terrain"
    assert class_at(200.0, -20.0, 30.0) == "sky"


def test_a_picture_does_not_depend_on_those_before(renderer_of: Callable) -> None:
    """The terrain is an infinite plane, which MuJoCo lays out around the camera."""
    scene = StreetScene(PLACE, [], ego_cameras=[FRONT])
    with renderer_of(scene) as renderer:
        scene.place({}, ActorState(-45.0, 2.0, 0.0), 0.0)
        renderer.frame(scene.data, "front")
        scene.place({}, ActorState(300.0, -150.0, 2.5), 0.0)
        after_another = renderer.frame(scene.data, "front")
    with renderer_of(scene) as renderer:
        first = renderer.frame(scene.data, "front")
    assert (first == after_another).all()


def picture(renderer_of: Callable, appearance: Appearance) -> np.ndarray:
    scene = StreetScene(PLACE, ACTORS, appearance, seed=1, ego_cameras=[FRONT])
    scene.place(STATES, EGO, 0.0)
    with renderer_of(scene) as renderer:
        return renderer.frame(scene.data, "front").astype(np.float64)


def test_light_and_season_change_the_picture(renderer_of: Callable) -> None:
    light = {
        name: picture(renderer_of, Appearance(light=name))
        for name in ("day", "overcast", "dusk", "night")
    }
    brightness = {name: frame.mean() for name, frame in light.items()}
    assert brightness["night"] < 0.5 * brightness["dusk"] < 0.5 * brightness["day"]
    assert brightness["night"] > 5.0  # lamps and windows are lit
    assert light["night"].max() > 180.0
    red, _, blue = light["dusk"].mean(axis=(0, 1))
    assert red > blue
    winter = picture(renderer_of, Appearance(season="winter"))
    autumn = picture(renderer_of, Appearance(season="autumn"))
    below_horizon = slice(140, None)
    assert winter[below_horizon].mean() > autumn[below_horizon].mean() + 5.0
    assert np.abs(autumn - light["day"]).mean() > 1.0


def test_shadows_fall_away_from_the_sun(renderer_of: Callable) -> None:
    """The building's shadow covers the road when the sun is behind it, and not from the front."""
    for azimuth, darker in ((np.pi / 2, True), (-np.pi / 2, False)):
        scene = StreetScene(
            PLACE, [], Appearance(sun_azimuth=azimuth, sun_elevation=0.7), ego_cameras=[FRONT]
        )
        scene.place({}, EGO, 0.0)
        with renderer_of(scene) as renderer:
            frame = renderer.frame(scene.data, "front").astype(np.float64).mean(axis=-1)

        def level(x: float, y: float) -> float:
            column, row = np.round(pixel_of(scene, np.array([x, y, 0.0]))).astype(int)  # noqa: B023
            return float(frame[row - 1 : row + 2, column - 2 : column + 3].mean())  # noqa: B023

        shaded, open_road = level(11.0, 0.8), level(25.0, -2.5)
        assert (shaded < 0.7 * open_road) == darker


def test_the_contact_sheet_holds_all_views(renderer_of: Callable) -> None:
    scene = StreetScene(PLACE, ACTORS, ego_cameras=[FRONT])
    scene.place(STATES, EGO, 0.0)
    with renderer_of(scene) as renderer:
        birds_eye, front = (renderer.frame(scene.data, name) for name in (BIRDS_EYE, "front"))
    box = np.array([[10.0, 3.0, 0.8, 4.2, 1.8, 1.6, 0.0]])
    nothing = np.zeros((0, 3))
    sheet = contact_sheet("test", birds_eye, {"front": front}, nothing, [FRONT], box)
    without = contact_sheet("test", None, {"front": front}, nothing, [FRONT], box)
    assert without.shape[1:] == (WIDTH, 3)
    assert sheet.shape[1:] == (WIDTH, 3)
    assert sheet.dtype == np.uint8
    assert sheet.std() > 20.0


def test_points_are_drawn_where_the_camera_sees_them() -> None:
    black = np.zeros((FRONT.height, FRONT.width, 3), dtype=np.uint8)
    point = np.array([[21.0, 0.1, 1.6]])  # 20 m before the camera, on its axis
    drawn = np.argwhere(projected(black, point, FRONT).any(axis=-1))
    assert drawn.mean(axis=0) == pytest.approx([FRONT.cy, FRONT.cx], abs=0.6)
    assert not projected(black, -point, FRONT).any()


PROGRAM = """
from unit.simulation.street.small_place import PLACE
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.street.scene import StreetScene
scene = StreetScene(PLACE, [])
try:
    Renderer(scene.model, width=64, height=32)
except RendererError as err:
    print("no pictures:", err)
"""


def test_without_a_renderer_the_scene_stands_and_the_error_is_clear(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    broken = {"MUJOCO_GL": "egl", "LIBGL_DRIVERS_PATH": "/nonexistent",
              "__EGL_VENDOR_LIBRARY_DIRS": "/nonexistent"}  # fmt: skip
    test_folder = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, program],
        env=os.environ | broken | {"PYTHONPATH": str(test_folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.stdout.startswith("no pictures: egl: "), result.stdout + result.stderr
    assert "libegl1" in result.stdout
