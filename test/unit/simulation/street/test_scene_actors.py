"""Bodies are as large as their specification, and limbs move as a gait does."""

import math

import mujoco
import numpy as np
import pytest
from unit.simulation.street.small_place import EGO, PLACE

from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.scene import StreetScene

SPECS = (
    ActorSpec(0, "sedan", 4.3, 1.80, 1.48, appearance_seed=0),
    ActorSpec(1, "sedan", 4.8, 1.86, 1.44, appearance_seed=3),
    ActorSpec(2, "van", 5.3, 2.02, 2.20, appearance_seed=1),
    ActorSpec(3, "truck", 7.5, 2.40, 3.20, appearance_seed=2),
    ActorSpec(4, "truck", 11.5, 2.55, 3.90, appearance_seed=7),
    ActorSpec(5, "pedestrian", 0.80, 0.56, 1.76, appearance_seed=4),
    ActorSpec(6, "pedestrian", 0.65, 0.50, 1.55, appearance_seed=9),
    ActorSpec(7, "cyclist", 1.80, 0.60, 1.78, appearance_seed=5),
)
WALKERS, CYCLIST = (5, 6), 7


@pytest.fixture(scope="module")
def scene() -> StreetScene:
    return StreetScene(PLACE, SPECS, Appearance(light="night"), seed=1)


def points_of(scene: StreetScene, identifier: int, name: str = "") -> np.ndarray:
    """(N, 3) corners of an actor's sensed meshes in its own frame, or of one geom by name."""
    model, data = scene.model, scene.data
    clouds = []
    for geom in range(model.ngeom):
        named = model.geom(geom).name.startswith(f"actor_{identifier}_{name}")
        if not named or model.geom_group[geom] > 1:
            continue
        mesh = model.geom_dataid[geom]
        first = model.mesh_vertadr[mesh]
        corners = model.mesh_vert[first : first + model.mesh_vertnum[mesh]]
        turn = data.geom_xmat[geom].reshape(3, 3)
        clouds.append(corners @ turn.T + data.geom_xpos[geom])
    body = data.body(f"actor_{identifier}")
    return (np.concatenate(clouds) - body.xpos) @ body.xmat.reshape(3, 3)


def stand(scene: StreetScene, identifier: int, phase: float, speed: float) -> None:
    state = ActorState(3.0, -1.0, 0.7, speed, gait_phase=phase)
    scene.place({identifier: state}, EGO, 0.0)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}_{spec.identifier}")
def test_extents_are_those_of_the_specification(scene: StreetScene, spec: ActorSpec) -> None:
    stand(scene, spec.identifier, math.pi / 2, 1.4)  # a pedestrian's longest stride
    points = points_of(scene, spec.identifier)
    low, high = points.min(axis=0), points.max(axis=0)
    assert high[0] - low[0] == pytest.approx(spec.length, abs=0.02)
    assert high[1] - low[1] == pytest.approx(spec.width, abs=0.02)
    assert (high + low)[:2] == pytest.approx([0.0, 0.0], abs=0.02)
    assert low[2] == pytest.approx(0.0, abs=0.006)
    # who walks is a little lower than who stands
    margin = 0.05 if spec.kind == "pedestrian" else 0.02
    assert spec.height - margin <= high[2] <= spec.height + 0.02


@pytest.mark.parametrize("identifier", WALKERS)
def test_who_stands_is_as_tall_as_specified(scene: StreetScene, identifier: int) -> None:
    stand(scene, identifier, 1.0, 0.0)
    points = points_of(scene, identifier)
    assert points[:, 2].max() == pytest.approx(SPECS[identifier].height, abs=0.005)
    assert points[:, 2].min() == pytest.approx(0.0, abs=0.005)


@pytest.mark.parametrize("identifier", WALKERS)
@pytest.mark.parametrize("speed", [0.5, 1.4, 2.5])
def test_a_walk_moves_the_legs_and_keeps_a_foot_on_the_ground(
    scene: StreetScene, identifier: int, speed: float
) -> None:
    left_ahead, lowest, apart = [], [], []
    for phase in np.linspace(0.0, 2 * np.pi, 24, endpoint=False):
        stand(scene, identifier, float(phase), speed)
        left, right = (points_of(scene, identifier, f"{side}_foot") for side in ("left", "right"))
        left_ahead.append(left[:, 0].mean() - right[:, 0].mean())
        lowest.append(min(left[:, 2].min(), right[:, 2].min()))
        apart.append(abs(left[:, 2].min() - right[:, 2].min()))
    assert np.abs(lowest).max() < 0.005
    assert max(apart) > 0.01  # the swinging foot is lifted
    reach = 0.2 if speed > 1.0 else 0.1
    assert max(left_ahead) > reach
    assert min(left_ahead) < -reach
    assert np.argmax(left_ahead) == pytest.approx(6, abs=1)  # a quarter of the period


def test_arms_swing_against_the_legs(scene: StreetScene) -> None:
    stand(scene, 5, math.pi / 2, 1.4)
    left_foot, left_arm = (points_of(scene, 5, f"left_{part}") for part in ("foot", "arm"))
    assert left_foot[:, 0].mean() > 0.1
    assert left_arm[:, 0].min() < -0.1


@pytest.mark.parametrize("identifier", WALKERS)
def test_no_moment_of_a_walk_is_longer_than_the_specification(
    scene: StreetScene, identifier: int
) -> None:
    for phase in np.linspace(0.0, 2 * np.pi, 24, endpoint=False):
        stand(scene, identifier, float(phase), 1.4)
        points = points_of(scene, identifier)
        assert np.abs(points[:, 0]).max() < SPECS[identifier].length / 2 + 0.02
        assert np.abs(points[:, 1]).max() < SPECS[identifier].width / 2 + 0.01


def test_feet_of_a_cyclist_follow_the_pedals(scene: StreetScene) -> None:
    scale = SPECS[CYCLIST].height / 1.75
    root = scene.data.body(f"actor_{CYCLIST}")
    for phase in np.linspace(0.0, 2 * np.pi, 12, endpoint=False):
        stand(scene, CYCLIST, float(phase), 4.0)
        for side, angle in (("left", phase), ("right", phase + np.pi)):
            shin = scene.data.body(f"actor_{CYCLIST}_{side}_shin")
            foot = shin.xpos + shin.xmat.reshape(3, 3) @ [0.0, 0.0, -0.45 * scale]
            x, _, z = root.xmat.reshape(3, 3).T @ (foot - root.xpos)
            assert x == pytest.approx((0.04 + 0.165 * np.cos(angle)) * scale, abs=1e-3)
            assert z == pytest.approx((0.28 - 0.165 * np.sin(angle)) * scale, abs=1e-3)


def test_cars_have_wheels_glass_and_lamps(scene: StreetScene) -> None:
    for identifier in (0, 1, 2, 3):
        spec = SPECS[identifier]
        glass = points_of(scene, identifier, "glass")
        assert glass[:, 2].min() > 0.3 * spec.height
        assert glass[:, 2].max() < spec.height
        lamps = points_of(scene, identifier, "lamps")
        assert lamps[:, 0].max() == pytest.approx(spec.length / 2, abs=0.01)
        assert lamps[:, 0].min() == pytest.approx(-spec.length / 2, abs=0.03)
        trim = points_of(scene, identifier, "trim")
        on_ground = trim[trim[:, 2] < 0.01]
        assert on_ground[:, 0].max() > 0.2 * spec.length
        assert on_ground[:, 0].min() < -0.15 * spec.length
        assert set(np.sign(on_ground[:, 1])) == {-1.0, 1.0}


def test_a_beam_through_a_window_meets_glass(scene: StreetScene) -> None:
    stand(scene, 0, 0.0, 0.0)
    body = scene.data.body("actor_0")
    turn = body.xmat.reshape(3, 3)
    start = body.xpos + turn @ np.array([-0.1, 6.0, 1.15])
    geom = np.zeros(1, dtype=np.int32)
    groups = np.array([1, 1, 0, 0, 0, 0], dtype=np.uint8)
    mujoco.mj_ray(
        scene.model, scene.data, start, turn @ np.array([0.0, -1.0, 0.0]), groups, 1, -1, geom
    )
    assert scene.surfaces.glass[geom[0]]
    assert scene.surfaces.actor[geom[0]] == 0


def test_colours_differ_by_seed_and_stay_with_it(scene: StreetScene) -> None:
    def colour(identifier: int) -> tuple[float, ...]:
        geom = scene.model.geom(f"actor_{identifier}_paint")
        return tuple(scene.model.mat_rgba[geom.matid[0]])

    again = StreetScene(PLACE, SPECS, Appearance(light="night"), seed=1)
    assert len({colour(i) for i in (0, 1, 2, 3, 4)}) > 1
    same = again.model.mat_rgba[again.model.geom("actor_2_paint").matid[0]]
    assert tuple(same) == colour(2)
