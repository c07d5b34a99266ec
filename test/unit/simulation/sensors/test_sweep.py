"""The sweep of a LiDAR meets what MuJoCo's own rays meet, beam by beam, at rest and in motion."""

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.simulation.sensors.lidar_config import BEAMS
from snn_ros.simulation.sensors.shapes import UnsupportedShapeError
from snn_ros.simulation.sensors.sweep import Sweep

COLUMNS, RATE = 128, 10.0
POSE = rigid_transform([1.0, -2.0, 1.7], Rotation.from_euler("zyx", [0.7, 0.05, -0.03]).as_quat())


def cluttered_world(seed: int = 0, *, close: float = 3.0) -> tuple:
    """A plane, turned boxes and tetrahedra all round, from close by to 60 m."""
    generator = np.random.default_rng(seed)
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    spec.add_mesh(name="tetrahedron", uservert=tetrahedron.ravel())
    for i in range(60):
        distance, direction = generator.uniform(close, 60.0), generator.uniform(-np.pi, np.pi)
        body = spec.worldbody.add_body(
            pos=[
                1.0 + distance * np.cos(direction),
                -2.0 + distance * np.sin(direction),
                generator.uniform(0.0, 4.0),
            ],
            quat=generator.normal(size=4),
        )
        size = generator.uniform(0.02, 0.25, 3) * distance
        if i % 2:
            body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=size)
        else:
            body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="tetrahedron")
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def sweep_of(model: mujoco.MjModel, threads: int = 2, glass: np.ndarray | None = None) -> Sweep:
    glass = np.zeros(model.ngeom, bool) if glass is None else glass
    return Sweep(model, BEAMS["hdl_64e"], columns=COLUMNS, rate=RATE, glass=glass, threads=threads)


def pose_at(time: float, velocity: np.ndarray) -> np.ndarray:
    """Of a sensor at constant velocity in its own axes, by small steps."""
    pose, steps = POSE.copy(), 200
    for _ in range(steps):
        step = np.eye(4)
        step[:3, :3] = Rotation.from_rotvec(velocity[3:] * time / steps).as_matrix()
        step[:3, 3] = velocity[:3] * time / steps
        pose = pose @ step
    return pose


def ranges_by_mujoco(model, data, sweep: Sweep, velocity: np.ndarray) -> tuple:
    """(columns, rings) ranges and geoms of mj_ray, from where each column is."""
    distance, geoms = np.full((COLUMNS, 64), np.inf), np.full((COLUMNS, 64), -1)
    met = np.zeros(1, np.int32)
    for column in range(COLUMNS):
        pose = pose_at(sweep.times[column], velocity)
        azimuth = sweep.azimuths[column]
        for ring, (tangent, height) in enumerate(zip(sweep.tangents, sweep.heights, strict=True)):
            beam = np.array([np.cos(azimuth), np.sin(azimuth), tangent])
            direction = pose[:3, :3] @ beam / np.linalg.norm(beam)
            origin = pose[:3, 3] + pose[:3, :3] @ [0.0, 0.0, height]
            found = mujoco.mj_ray(model, data, origin, direction, None, True, -1, met)
            if found >= 0.0:
                distance[column, ring], geoms[column, ring] = found, met[0]
    return distance, geoms


def ranges_of(sweep: Sweep, echoes) -> tuple:
    distance, geoms = np.full((COLUMNS, 64), np.inf), np.full((COLUMNS, 64), -1)
    from_origin = echoes.position - sweep.heights[echoes.ring, None] * [0.0, 0.0, 1.0]
    distance[echoes.column, echoes.ring] = np.linalg.norm(from_origin, axis=1)
    geoms[echoes.column, echoes.ring] = echoes.geom
    return distance, geoms


@pytest.mark.parametrize(
    ("seed", "velocity", "tolerance"),
    [
        (0, [0, 0, 0, 0, 0, 0], 1e-9),
        (1, [0, 0, 0, 0, 0, 0], 1e-9),
        (2, [15.0, 0, 0, 0, 0, 0], 1e-9),
        (3, [20.0, 1.0, 0.5, 0.3, -0.2, 1.0], 2e-3),  # the chord of the arc against the arc
    ],
)
def test_every_beam_meets_what_mujoco_finds(seed, velocity, tolerance) -> None:
    model, data = cluttered_world(seed)
    sweep, velocity = sweep_of(model), np.array(velocity, dtype=float)
    echoes = sweep.cast(data, POSE, velocity)
    distance, geoms = ranges_of(sweep, echoes)
    expected, expected_geoms = ranges_by_mujoco(model, data, sweep, velocity)
    same = geoms == expected_geoms
    assert len(np.unique(expected_geoms)) > 20
    assert same.mean() > 0.999  # a beam may pass an edge on either side by rounding
    seen = same & (geoms >= 0)
    # a small error of the pose grows on surfaces met at a grazing angle
    error = np.abs(distance[seen] - expected[seen])
    assert np.quantile(error, 0.98) < tolerance
    assert error.max() < 50 * tolerance


def test_close_surfaces_above_and_around_a_moving_sensor() -> None:
    model, data = cluttered_world(5, close=1.0)
    sweep, velocity = sweep_of(model), np.array([10.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    distance, geoms = ranges_of(sweep, sweep.cast(data, POSE, velocity))
    expected, expected_geoms = ranges_by_mujoco(model, data, sweep, velocity)
    same = geoms == expected_geoms
    assert same.mean() > 0.999
    np.testing.assert_allclose(distance[same], expected[same], atol=1e-6)


def test_angles_of_incidence_are_those_of_the_surface() -> None:
    model, data = cluttered_world(0)
    echoes = sweep_of(model).cast(data, POSE)
    ground = echoes.geom == model.geom("ground").id
    direction = echoes.position[ground] - sweep_of(model).heights[echoes.ring[ground], None] * [
        0,
        0,
        1,
    ]
    expected = np.abs(direction @ POSE[2, :3]) / np.linalg.norm(direction, axis=1)
    np.testing.assert_allclose(echoes.cosine[ground], expected, atol=1e-9)
    assert ((echoes.cosine >= 0.0) & (echoes.cosine <= 1.0 + 1e-9)).all()
    # square on to a wall, at its foot and beside
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.5, 50, 50], pos=[10.5, 0, 0])
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    sweep = sweep_of(model)
    echoes = sweep.cast(data, np.eye(4))
    beam = echoes.position - sweep.heights[echoes.ring, None] * [0, 0, 1]
    np.testing.assert_allclose(echoes.cosine, beam[:, 0] / np.linalg.norm(beam, axis=1), atol=1e-9)


def test_the_number_of_threads_changes_nothing() -> None:
    model, data = cluttered_world(4)
    glass = np.zeros(model.ngeom, bool)
    glass[::5] = True
    velocity = np.array([10.0, 0, 0, 0, 0, 0.5])
    one, *others = (
        sweep_of(model, threads, glass).cast(data, POSE, velocity) for threads in (1, 2, 3)
    )
    assert one.through_glass.any()
    for other in others:
        for name in ("column", "ring", "position", "geom", "cosine", "through_glass"):
            assert (getattr(one, name) == getattr(other, name)).all(), name


def test_what_it_cannot_see_is_named() -> None:
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(name="ball", type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[1, 0, 0])
    with pytest.raises(UnsupportedShapeError, match="geom ball is a sphere"):
        sweep_of(spec.compile())
