"""The street's geometry is where the layout and the actors' states say."""

import mujoco
import numpy as np
import pytest
from unit.simulation.street.small_place import (
    ACTORS,
    BUILDING_FRONT,
    BUILDING_HEIGHT,
    EGO,
    HALF_ROAD,
    HALF_STREET,
    KERB,
    PLACE,
    STATES,
)

from snn_ros.simulation.street.actors import ActorState
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.ground import TERRAIN_DEPTH
from snn_ros.simulation.street.scene import StreetScene, UnknownActorError
from snn_ros.simulation.street.surfaces import DECORATION_GROUP, NO_ACTOR, SEMANTIC_CLASSES

SENSED = np.array([1, 1, 0, 0, 0, 0], dtype=np.uint8)


@pytest.fixture(scope="module")
def scene() -> StreetScene:
    made = StreetScene(PLACE, ACTORS, Appearance(), seed=3)
    made.place(STATES, EGO, 0.0)
    return made


def hit(
    scene: StreetScene, start: tuple[float, float, float], direction: tuple[float, float, float]
) -> tuple[str, float, int]:
    """Class, distance and actor of what a ray meets."""
    geom = np.zeros(1, dtype=np.int32)
    distance = mujoco.mj_ray(
        scene.model, scene.data, np.array(start), np.array(direction), SENSED, 1, -1, geom
    )
    surfaces = scene.surfaces
    return SEMANTIC_CLASSES[surfaces.semantic[geom[0]]], distance, int(surfaces.actor[geom[0]])


def below(scene: StreetScene, x: float, y: float) -> tuple[str, float]:
    """Class and height of the ground at a point, seen from 3 m above."""
    semantic, distance, _ = hit(scene, (x, y, 3.0), (0.0, 0.0, -1.0))
    return semantic, 3.0 - distance


def test_every_geom_has_a_surface(scene: StreetScene) -> None:
    surfaces, model = scene.surfaces, scene.model
    for column in (surfaces.semantic, surfaces.actor, surfaces.reflectivity, surfaces.glass):
        assert column.shape == (model.ngeom,)
    assert surfaces.semantic.dtype == np.uint8
    assert surfaces.reflectivity.dtype == np.float32
    assert ((surfaces.reflectivity > 0.0) & (surfaces.reflectivity <= 1.0)).all()
    assert not (surfaces.semantic == SEMANTIC_CLASSES.index("void")).any()
    for geom in range(model.ngeom):
        name = model.geom(geom).name
        sensed = model.geom_group[geom] != DECORATION_GROUP
        identifier = int(name.split("_")[1]) if name.startswith("actor_") and sensed else NO_ACTOR
        assert surfaces.actor[geom] == identifier, name
        assert surfaces.glass[geom] == name.endswith("_glass"), name
    assert {spec.identifier for spec in ACTORS} <= set(surfaces.actor.tolist())


def test_what_sends_light_back_is_marked(scene: StreetScene) -> None:
    values = {
        scene.model.geom(i).name: scene.surfaces.reflectivity[i] for i in range(scene.model.ngeom)
    }
    assert values["road"] == pytest.approx(0.17)
    assert values["lane_markings"] == pytest.approx(0.5)
    assert values["signs"] >= 0.9
    assert values["actor_0_lamps"] >= 0.9
    assert 0.2 <= values["actor_0_paint"] <= 0.7


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_pavements_are_raised_by_the_kerb_and_end_where_the_layout_says(
    scene: StreetScene, side: float
) -> None:
    assert below(scene, -40.0, side * (HALF_ROAD - 0.01)) == ("road", pytest.approx(0.0, abs=1e-6))
    semantic, height = below(scene, -40.0, side * (HALF_ROAD + 1.0))
    assert semantic == "pavement"
    assert height == pytest.approx(KERB, abs=1e-6)
    assert below(scene, -40.0, side * (HALF_STREET - 0.01))[0] == "pavement"
    semantic, height = below(scene, -40.0, side * (HALF_STREET + 0.01))
    assert semantic == "terrain"
    assert height == pytest.approx(-TERRAIN_DEPTH, abs=1e-6)
    semantic, distance, _ = hit(scene, (-40.0, 0.0, KERB / 2), (0.0, side, 0.0))
    assert semantic == "pavement"  # the kerb's upright face
    assert distance == pytest.approx(HALF_ROAD, abs=1e-6)


def test_paint_is_where_the_markings_are(scene: StreetScene) -> None:
    def painted(x: float, y: float) -> bool:
        return below(scene, x, y)[0] == "lane_marking"

    assert painted(-40.0, 3.65)
    assert painted(-40.0, 3.75)
    assert not painted(-40.0, 3.6)
    assert not painted(-40.0, 3.8)
    dashed = np.array([painted(x, 0.0) for x in np.arange(-49.975, -5.0, 0.05)])
    assert dashed.mean() == pytest.approx(1 / 3, abs=0.02)  # 3 m of paint, 6 m without
    assert np.abs(np.diff(dashed.astype(int))).sum() == 10
    stripes = np.array([painted(20.7, y) for y in np.arange(-3.995, 4.0, 0.01)])
    assert stripes.mean() == pytest.approx(0.5, abs=0.07)
    assert np.abs(np.diff(stripes.astype(int))).sum() == 16  # edges of eight bars
    assert not painted(18.4, -3.5)
    assert painted(18.6, -3.5)


def test_walls_and_roofs_are_planes_at_the_footprint(scene: StreetScene) -> None:
    for height in (0.5, 5.0, 11.9):
        semantic, distance, _ = hit(scene, (10.0, 2.0, height), (0.0, 1.0, 0.0))
        assert semantic == "building"
        assert distance == pytest.approx(BUILDING_FRONT - 2.0, abs=1e-6)
    semantic, distance, _ = hit(scene, (10.0, 14.0, 30.0), (0.0, 0.0, -1.0))
    assert (semantic, distance) == ("building", pytest.approx(30.0 - BUILDING_HEIGHT, abs=1e-5))


def test_trees_and_poles_stand_where_the_layout_says(scene: StreetScene) -> None:
    along_y = (0.0, 1.0, 0.0)
    semantic, distance, _ = hit(scene, (-10.0, 0.0, 1.0), along_y)
    assert semantic == "vegetation"
    assert distance == pytest.approx(8.5, abs=0.3)
    assert hit(scene, (-10.0, 0.0, 5.5), along_y)[0] == "vegetation"
    assert hit(scene, (-20.0, 0.0, 5.5), along_y)[0] == "vegetation"
    semantic, distance, _ = hit(scene, (0.0, 0.0, 2.0), along_y)
    assert semantic == "pole"
    assert distance == pytest.approx(6.5, abs=0.1)
    semantic, distance, _ = hit(scene, (-20.0, -6.5, 2.4), (1.0, 0.0, 0.0))
    assert semantic == "sign"  # it faces those who come along x
    assert distance == pytest.approx(15.0, abs=0.1)
    assert hit(scene, (-20.0, -6.5, 1.0), (1.0, 0.0, 0.0))[0] == "pole"


def test_rays_find_actors_where_they_are_placed(scene: StreetScene) -> None:
    for identifier, semantic in ((0, "car"), (1, "car"), (2, "truck")):
        state = STATES[identifier]
        start = (state.x, state.y, 8.0)
        assert hit(scene, start, (0.0, 0.0, -1.0))[::2] == (semantic, identifier)
    moved = {0: ActorState(-40.0, 2.0, 0.5, 3.0)}
    scene.place(moved, EGO, 0.1)
    assert hit(scene, (-40.0, 2.0, 8.0), (0.0, 0.0, -1.0))[::2] == ("car", 0)
    assert hit(scene, (12.0, -2.0, 8.0), (0.0, 0.0, -1.0))[0] == "road"
    assert hit(scene, (35.0, 2.0, 8.0), (0.0, 0.0, -1.0))[0] == "road"  # nobody else is there
    assert scene.data.time == 0.1
    scene.place(STATES, EGO, 0.0)


def test_an_actor_stands_on_the_pavement_it_is_on(scene: StreetScene) -> None:
    assert scene.ground_height(8.0, -5.5) == KERB
    assert scene.ground_height(8.0, -2.0) == 0.0
    assert scene.ground_height(1e6, 0.0) == 0.0
    assert scene.data.body("actor_3").xpos[2] == KERB
    assert scene.data.body("actor_0").xpos[2] == 0.0


def test_a_state_of_nobody_is_refused(scene: StreetScene) -> None:
    with pytest.raises(UnknownActorError, match="actor 99"):
        scene.place({99: ActorState(0.0, 0.0, 0.0)}, EGO, 0.0)


def model_bytes(scene: StreetScene) -> bytes:
    buffer = np.empty(mujoco.mj_sizeModel(scene.model), dtype=np.uint8)
    mujoco.mj_saveModel(scene.model, None, buffer)
    return buffer.tobytes()


@pytest.mark.parametrize("light", ["day", "night"])
def test_the_same_seed_gives_the_same_model(light: str) -> None:
    first, again, other = (
        model_bytes(StreetScene(PLACE, ACTORS, Appearance(light=light), seed)) for seed in (5, 5, 6)
    )
    assert first == again
    assert first != other


def test_placing_is_fast_and_the_geometry_moderate(scene: StreetScene) -> None:
    assert scene.model.ngeom < 30 + 12 * len(ACTORS)
    assert scene.model.nv <= 9 + 4  # the limbs of one pedestrian and one cyclist
