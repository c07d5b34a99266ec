"""The LiDAR against closed form: ranges, angles, motion, glass, noise, losses, determinism."""

from dataclasses import dataclass, replace

import mujoco
import numpy as np
import pytest

from snn_ros.configuration import ConfigurationError
from snn_ros.geometry.rigid import rigid_transform
from snn_ros.simulation.sensors.lidar import POINT_TYPE, Lidar, LidarScan
from snn_ros.simulation.sensors.lidar_config import BEAMS, LIDARS, LidarConfig

HEIGHT = 1.73
POSE = rigid_transform([0.0, 0.0, HEIGHT], [0.0, 0.0, 0.0, 1.0])
ELEVATIONS = {
    name: np.concatenate([block.elevations for block in blocks]) for name, blocks in BEAMS.items()
}
ORIGINS = np.repeat([HEIGHT + 0.12, HEIGHT + 0.20], 32)  # of the HDL-64E's beams, above the ground
EXACT = replace(LidarConfig(columns=512).without_flaws(), minimum_range=0.1)


@dataclass
class Surfaces:
    reflectivity: np.ndarray
    glass: np.ndarray


class World:
    """A plane, and boxes given as name: (centre, half sizes)."""

    def __init__(self, *, plane: bool = True, **boxes: tuple) -> None:
        spec = mujoco.MjSpec()
        if plane:
            spec.worldbody.add_geom(
                name="plane", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[500, 500, 1]
            )
        for name, (centre, half_size) in boxes.items():
            body = spec.worldbody.add_body(name=name, mocap=True, pos=centre)
            body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self.data)
        count = self.model.ngeom
        self.surfaces = Surfaces(np.full(count, 0.5, np.float32), np.zeros(count, bool))

    def geom(self, name: str) -> int:
        return self.model.geom(name).id

    def lidar(self, config: LidarConfig = EXACT, seed: int = 0, threads: int = 2) -> Lidar:
        generator = np.random.default_rng(seed)
        return Lidar(self.model, config, self.surfaces, generator, threads=threads)

    def scan(self, config: LidarConfig = EXACT, seed: int = 0, **options: object) -> LidarScan:
        return self.lidar(config, seed).scan(self.data, POSE, **options)


def on_ray(scan: LidarScan, ring: int, azimuth: float = 0.0) -> np.ndarray:
    """Position of the return of one ring that is nearest to an azimuth in rad."""
    points = scan.points[scan.points["ring"] == ring]
    off = np.arctan2(points["y"], points["x"]) - azimuth
    chosen = points[np.argmin(np.abs(np.angle(np.exp(1j * off))))]
    return np.array([chosen["x"], chosen["y"], chosen["z"]])


def ranges(scan: LidarScan) -> np.ndarray:
    return np.linalg.norm(scan.positions.astype(float), axis=1)


def range_on_the_ground(scan: LidarScan) -> np.ndarray:
    """From the sensor's frame to where each point's beam meets the ground."""
    ring = scan.points["ring"]
    away = ORIGINS[ring] / -np.tan(np.radians(ELEVATIONS["hdl_64e"][ring]))
    return np.hypot(away, HEIGHT)


def test_every_range_on_the_ground_is_exact() -> None:
    scan = World().scan()
    np.testing.assert_allclose(ranges(scan), range_on_the_ground(scan), atol=1e-3)
    np.testing.assert_allclose(scan.points["z"], -HEIGHT, atol=1e-3)
    slopes = np.tan(np.radians(ELEVATIONS["hdl_64e"]))
    lands = slopes < 0
    away = np.where(lands, ORIGINS / -np.where(lands, slopes, -1.0), np.inf)
    assert len(scan.points) == (np.hypot(away, HEIGHT) <= 120.0).sum() * EXACT.columns


def test_every_point_on_a_turned_box_lies_on_its_faces() -> None:
    world = World(plane=False, box=((12.0, 3.0, HEIGHT), (2.0, 0.9, 0.7)))
    yaw = 0.4
    world.data.mocap_quat[0] = [np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
    mujoco.mj_kinematics(world.model, world.data)
    points = world.scan().positions - [12.0, 3.0, 0.0]
    turn = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    local = points @ turn.T
    to_faces = np.abs(local) - [2.0, 0.9, 0.7]
    assert len(points) > 100
    assert np.abs(to_faces.max(axis=1)).max() < 1e-3


def test_rings_count_from_below_and_match_the_data_sheet() -> None:
    assert all((np.diff(beams) > 0).all() for beams in ELEVATIONS.values())
    known = ELEVATIONS["hdl_64e"][[0, 31, 32, 63]]
    assert known == pytest.approx([-24.333, -8.833, -8.333, 2.0], abs=1e-3)
    assert ELEVATIONS["hdl_32e"][[0, -1]] == pytest.approx([-30.67, 10.67], abs=0.01)
    assert ELEVATIONS["vlp_16"][[0, -1]] == pytest.approx([-15.0, 15.0])
    assert [len(beams) for beams in ELEVATIONS.values()] == [64, 32, 16]


@pytest.mark.parametrize("name", LIDARS)
def test_each_beam_leaves_its_block_at_its_elevation(name: str) -> None:
    config = replace(LIDARS[name].without_flaws(), minimum_range=0.1)
    world = World(plane=False, wall=((30.5, 0.0, 0.0), (0.5, 200.0, 50.0)))
    scan = world.scan(config)
    ring = scan.points["ring"]
    heights = np.repeat([block.height for block in BEAMS[config.beams]],
                        [len(block.elevations) for block in BEAMS[config.beams]])  # fmt: skip
    rise = scan.points["z"] - heights[ring]
    elevation = np.degrees(np.arctan2(rise, np.hypot(scan.points["x"], scan.points["y"])))
    np.testing.assert_allclose(elevation, ELEVATIONS[config.beams][ring], atol=1e-3)
    assert set(ring) == set(range(len(heights)))


def test_the_head_turns_clockwise_from_the_back_and_the_stamp_is_in_the_middle() -> None:
    points = World().scan().points
    assert points["time"].min() == pytest.approx(-0.05, abs=2e-4)
    assert points["time"].max() == pytest.approx(0.05, abs=2e-4)
    assert (np.diff(points["time"]) >= 0).all()
    azimuth = np.arctan2(points["y"].astype(float), points["x"])
    np.testing.assert_allclose(azimuth, -2 * np.pi * 10.0 * points["time"], atol=1e-4)


def test_motion_distorts_a_wall_as_closed_form_says() -> None:
    speed, wall = 20.0, 25.0
    world = World(plane=False, wall=((wall + 0.5, 0.0, 0.0), (0.5, 200.0, 50.0)))
    points = world.scan(velocity=np.array([speed, 0, 0, 0, 0, 0])).points
    np.testing.assert_allclose(points["x"], wall - speed * points["time"], atol=1e-4)
    still = world.scan().points
    np.testing.assert_allclose(still["x"], wall, atol=1e-4)


def test_points_of_a_turning_sensor_lie_on_the_wall_from_where_each_was_measured() -> None:
    world = World(plane=False, wall=((10.5, 0.0, 0.0), (0.5, 200.0, 50.0)))
    speed, rate = 15.0, 0.8
    points = world.scan(velocity=np.array([speed, 0, 0, 0, 0, rate])).points
    time = points["time"].astype(float)
    heading = rate * time
    sensor_x = speed / rate * np.sin(heading)  # the arc of a car
    x = sensor_x + np.cos(heading) * points["x"] - np.sin(heading) * points["y"]
    np.testing.assert_allclose(x, 10.0, atol=1e-3)


def test_geoms_are_named_and_returns_of_excluded_bodies_are_cut_out() -> None:
    world = World(
        plane=False,
        own=((1.0, 0.0, HEIGHT), (0.1, 0.1, 0.05)),
        car=((9.0, 0.0, HEIGHT), (2.0, 0.9, 0.7)),
    )
    everything = world.scan()
    assert set(everything.geom) == {world.geom("own"), world.geom("car")}
    scan = world.scan(exclude=[world.model.body("own").id])
    assert set(scan.geom) == {world.geom("car")}
    behind = (everything.geom == world.geom("car")).sum()
    assert len(scan.points) == behind  # the vehicle keeps its shadow


def test_the_own_roof_casts_its_shadow_on_the_ground() -> None:
    roof = (-1.0, 2.0, 0.4, 0.3)
    free, shaded = (World().scan(replace(EXACT, own_roof=r)) for r in (EXACT.own_roof, roof))
    ring = free.points["ring"]
    share = (ORIGINS[ring] - HEIGHT + 0.3) / ORIGINS[ring]  # of the way down, at the roof's height
    x, y = share * free.points["x"], share * free.points["y"]
    outside = (x < -1.0) | (x > 2.0) | (np.abs(y) > 0.4)
    assert 0.03 < 1 - outside.mean() < 0.1
    assert (shaded.points == free.points[outside]).all()


def test_glass_returns_nothing_and_what_is_behind_is_seen_through_it() -> None:
    world = World(
        plane=False,
        glass=((5.0, 0.0, HEIGHT), (0.01, 1.0, 1.0)),
        car=((9.0, 0.0, HEIGHT), (2.0, 0.9, 0.7)),
    )
    world.surfaces.glass[world.geom("glass")] = True
    scan = world.scan()
    assert set(scan.geom) == {world.geom("car")}
    assert on_ray(scan, ring=60)[0] == pytest.approx(7.0, abs=1e-3)
    opaque = replace(EXACT, glass_transmission=0.0)
    in_front = np.abs(world.scan(opaque).positions[:, 1]) < 0.9
    assert not in_front.any()


def test_range_limits() -> None:
    world = World(plane=False, wall=((30.5, 0.0, 0.0), (0.5, 200.0, 50.0)))
    assert 39.0 < ranges(world.scan(replace(EXACT, maximum_range=40.0))).max() <= 40.0
    assert 35.0 <= ranges(world.scan(replace(EXACT, minimum_range=35.0))).min() < 36.0


def test_noise_and_steps_of_ranges() -> None:
    noisy = replace(EXACT, columns=2048, range_noise=0.03, range_quantum=0.002)
    scan = World().scan(noisy)
    measured = ranges(scan)
    errors = measured - range_on_the_ground(scan)
    assert errors.mean() == pytest.approx(0.0, abs=1e-3)
    assert errors.std() == pytest.approx(0.03, rel=0.02)
    np.testing.assert_allclose(measured, np.round(measured / 0.002) * 0.002, atol=2e-5)


def test_random_losses_have_their_share() -> None:
    full, lossy = (
        len(World().scan().points),
        len(World().scan(replace(EXACT, random_loss=0.3)).points),
    )
    assert lossy / full == pytest.approx(0.7, abs=0.02)


def test_dark_and_far_surfaces_are_lost_first() -> None:
    def share(reflectivity: float, distance: float) -> float:
        world = World(plane=False, wall=((distance + 0.5, 0.0, HEIGHT), (0.5, 3.0, 1.0)))
        exact = len(world.scan().points)
        world.surfaces.reflectivity[:] = reflectivity
        return (
            len(world.scan(replace(LIDARS["hdl_64e"], columns=512, random_loss=0.0)).points) / exact
        )

    assert share(0.1, 10.0) > 0.99
    assert 0.3 < share(0.1, 80.0) < 0.6  # the reach of 10 % reflectivity
    assert share(0.8, 80.0) > 0.99
    assert share(0.02, 80.0) < 0.1


def test_intensity_tells_materials_apart_and_retro_reflectors_shine() -> None:
    world = World(
        plane=False,
        dark=((10.5, 3.0, HEIGHT), (0.5, 1.0, 0.7)),
        bright=((10.5, -3.0, HEIGHT), (0.5, 1.0, 0.7)),
        sign=((10.5, 0.0, HEIGHT), (0.5, 1.0, 0.7)),
    )
    for name, reflectivity in (("dark", 0.1), ("bright", 0.6), ("sign", 1.0)):
        world.surfaces.reflectivity[world.geom(name)] = reflectivity
    scan = world.scan(LIDARS["hdl_64e"])
    mean = {
        n: scan.points["intensity"][scan.geom == world.geom(n)].mean() for n in ("dark", "bright")
    }
    assert mean["dark"] == pytest.approx(0.68 * 0.1**0.5, abs=0.03)
    assert mean["bright"] == pytest.approx(0.68 * 0.6**0.5, abs=0.03)
    assert (scan.points["intensity"][scan.geom == world.geom("sign")] == 1.0).all()


def test_same_seed_same_bytes_whatever_the_threads() -> None:
    world = World(car=((9.0, 0.0, 0.7), (2.0, 0.9, 0.7)))
    velocity = np.array([10.0, 0, 0, 0, 0, 0.3])
    config = LIDARS["hdl_64e"]

    def bytes_of(seed: int, threads: int) -> bytes:
        scanner = world.lidar(config, seed, threads)
        scans = [scanner.scan(world.data, POSE, velocity=velocity) for _ in range(2)]
        return b"".join(scan.points.tobytes() + scan.geom.tobytes() for scan in scans)

    assert bytes_of(3, 1) == bytes_of(3, 2) == bytes_of(3, 3)
    assert bytes_of(3, 1) != bytes_of(4, 1)


def test_a_point_is_laid_out_as_drivers_publish_it() -> None:
    assert POINT_TYPE.itemsize == 22
    offsets = {name: POINT_TYPE.fields[name][1] for name in POINT_TYPE.names}
    assert offsets == {"x": 0, "y": 4, "z": 8, "intensity": 12, "ring": 16, "time": 18}


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"beams = 'vlp_17'.*columns = 3"):
        World().lidar(LidarConfig(beams="vlp_17", columns=3))
