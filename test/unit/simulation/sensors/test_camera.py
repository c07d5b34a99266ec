"""Cameras against closed form: projection, disparity, depth, labels; flaws; determinism."""

from collections.abc import Iterator
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from snn_ros.configuration import ConfigurationError
from snn_ros.simulation.render import RendererError
from snn_ros.simulation.sensors.camera import CameraConfig, CameraRig, calibration
from snn_ros.simulation.sensors.mounts import (
    CameraMount,
    attach_camera,
    kitti_stereo,
    surround_six,
)

PERFECT = CameraConfig(full_well=1e12, read_noise=0.0, vignetting=0.0)
WALL = 40.0  # m from the cameras
BALLS = {"near": (8.0, 1.5, 1.0), "middle": (15.0, -3.0, 2.0), "far": (30.0, 2.0, 3.0)}


def world(mounts: tuple[CameraMount, ...], *, ahead: bool = True) -> tuple:
    """A vehicle before red balls and a grey wall (ahead), or inside a ring of red balls."""
    spec = mujoco.MjSpec()
    spec.stat.extent, spec.visual.map.znear, spec.visual.map.zfar = 10.0, 0.05, 50.0
    spec.visual.headlight.ambient = [1.0, 1.0, 1.0]
    spec.visual.headlight.diffuse = spec.visual.headlight.specular = [0.0, 0.0, 0.0]
    ego = spec.worldbody.add_body(name="ego", mocap=True)
    for mount in mounts:
        attach_camera(ego, mount)

    def ball(name: str, position: tuple, radius: float) -> None:
        spec.worldbody.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[radius, 0, 0],
            pos=position,
            rgba=[1, 0, 0, 1],
        )

    if ahead:
        spec.worldbody.add_geom(
            name="wall",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[0.5, 30, 5],
            pos=[mounts[0].pose[0, 3] + WALL + 0.5, 0, 0],
            rgba=[0.5, 0.5, 0.5, 1],
        )
        for name, position in BALLS.items():
            ball(name, position, 0.02 * position[0])
        spec.worldbody.add_geom(
            name="decoration",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[0.01, 1, 0.2],
            pos=[5.0, 0, 1.65],
            rgba=[0, 1, 0, 1],
            group=2,
        )
    else:
        for degrees in range(0, 360, 10):
            angle = np.radians(degrees)
            ball(f"{degrees}", (20 * np.cos(angle), 20 * np.sin(angle), 1.5), 0.4)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def open_rig(
    model: mujoco.MjModel, mounts: tuple[CameraMount, ...], config: CameraConfig, seed: int = 0
) -> CameraRig:
    try:
        return CameraRig(model, mounts, config, np.random.default_rng(seed))
    except RendererError as err:
        pytest.skip(str(err))


def projected(mount: CameraMount, position: tuple) -> np.ndarray:
    point = np.linalg.inv(mount.pose) @ [*position, 1.0]
    return np.array(
        [mount.cx + mount.fx * point[0] / point[2], mount.cy + mount.fy * point[1] / point[2]]
    )


def seen_at(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


STEREO = kitti_stereo(640)


@pytest.fixture(scope="module")
def ahead() -> Iterator[tuple]:
    model, data = world(STEREO)
    with open_rig(model, STEREO, PERFECT) as rig:
        yield model, data, rig


@pytest.mark.parametrize("ball", BALLS)
def test_balls_are_where_the_calibration_says_and_apart_by_the_disparity(
    ahead: tuple, ball: str
) -> None:
    model, data, rig = ahead
    geom = np.arange(model.ngeom)
    centres = []
    for mount in STEREO:
        mask = rig.labels(data, mount.name, geom, background=-1) == model.geom(ball).id
        centres.append(seen_at(mask))
        # a ball off the axis looks like an ellipse whose centre is a little further out
        assert centres[-1] == pytest.approx(projected(mount, BALLS[ball]), abs=0.3)
    depth = BALLS[ball][0] - STEREO[0].pose[0, 3]
    disparity = centres[0] - centres[1]
    assert disparity == pytest.approx([STEREO[0].fx * 0.54 / depth, 0.0], abs=0.15)


def test_disparity_of_a_wall_is_focal_length_times_baseline_over_depth(ahead: tuple) -> None:
    model, data, rig = ahead
    wall = rig.labels(data, "left", np.arange(model.ngeom), background=-1) == model.geom("wall").id
    assert wall.sum() > 10_000
    np.testing.assert_allclose(rig.depth(data, "left")[wall], WALL, atol=0.01)
    expected = STEREO[0].fx * 0.54 / WALL
    np.testing.assert_allclose(rig.disparity(data)[wall], expected, atol=0.01)


def test_pictures_of_the_pair_match_at_the_true_disparity(ahead: tuple) -> None:
    _, data, rig = ahead
    images = rig.capture(data)
    reddish = {name: image[..., 0].astype(float) - image[..., 1] for name, image in images.items()}

    def column(name: str) -> float:
        mount = rig.mounts[name]
        c, r = np.rint(projected(mount, BALLS["near"])).astype(int)
        window = reddish[name][r - 14 : r + 15, c - 14 : c + 15]  # anti-aliased: weigh by redness
        return c - 14 + float((window * np.arange(29)).sum() / window.sum())

    depth = BALLS["near"][0] - STEREO[0].pose[0, 3]
    expected = STEREO[0].fx * 0.54 / depth
    assert column("left") - column("right") == pytest.approx(expected, abs=0.1)


def test_the_sky_is_infinitely_far_and_decoration_is_only_in_pictures(ahead: tuple) -> None:
    model, data, rig = ahead
    classes = np.zeros(model.ngeom, np.uint8)
    classes[model.geom("decoration").id] = 7
    labels = rig.labels(data, "left", classes, background=13)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, 13}
    sky = labels == 13
    assert np.isinf(rig.depth(data, "left")[sky]).all()
    assert (rig.disparity(data)[sky] == 0.0).all()
    column, row = np.rint(projected(STEREO[0], (5.0, 0.0, 1.65))).astype(int)
    red, green, _ = rig.capture(data)["left"][row, column].astype(int)
    assert green > 4 * red
    assert labels[row, column] == 0


def test_all_six_cameras_see_the_ball_at_their_heading() -> None:
    six = surround_six(480, 224)
    model, data = world(six, ahead=False)
    with open_rig(model, six, replace(PERFECT, samples=0)) as rig:
        for mount in six:
            mask = rig.labels(data, mount.name, np.arange(model.ngeom), background=-1)
            checked = 0
            for degrees in range(0, 360, 10):
                angle = np.radians(degrees)
                position = (20 * np.cos(angle), 20 * np.sin(angle), 1.5)
                if (np.linalg.inv(mount.pose) @ [*position, 1.0])[2] < 5.0:
                    continue
                expected = projected(mount, position)
                inside = (expected > 15).all() and (expected < [465, 209]).all()
                if inside:
                    found = seen_at(mask == model.geom(f"{degrees}").id)
                    assert found == pytest.approx(expected, abs=0.4), (mount.name, degrees)
                    checked += 1
            assert checked >= 4, mount.name


def test_camera_info_of_a_pair() -> None:
    left, right = kitti_stereo()
    first, second = calibration(left), calibration(right, left)
    assert first.P[:, 3] == pytest.approx([0, 0, 0])
    assert second.P[:, 3] == pytest.approx([-721.5377 * 0.54, 0, 0])
    assert second.P[:, :3] == pytest.approx(second.K)
    assert second.K[0, 2] == pytest.approx(609.5593)
    assert (second.D == 0).all()
    assert (np.eye(3) == second.R).all()


def test_same_seed_same_bytes_and_each_flaw_changes_them() -> None:
    model, data = world(STEREO)

    def shot(config: CameraConfig, seed: int = 0) -> bytes:
        with open_rig(model, STEREO, config, seed) as rig:
            rig.capture(data)
            return b"".join(image.tobytes() for image in rig.capture(data).values())

    real = CameraConfig()
    assert shot(real) == shot(real)
    variants = [
        shot(real), shot(real, seed=1), shot(PERFECT), shot(replace(real, exposure=0.5)),
        shot(replace(real, gain=4.0)), shot(replace(real, vignetting=1.0)),
        shot(replace(real, jpeg_quality=50)),
    ]  # fmt: skip
    assert len(set(variants)) == len(variants)
    dark, bright = (np.frombuffer(shot(replace(PERFECT, exposure=e)), np.uint8) for e in (0.25, 1))
    assert 0.4 < dark.mean() / bright.mean() < 0.65  # 0.25 ** (1 / 2.2) = 0.53


def test_stamp_errors_have_the_size_asked_for() -> None:
    six = surround_six(64, 36)
    model, _ = world(six, ahead=False)
    with open_rig(model, six, replace(PERFECT, samples=0, stamp_skew=0.01)) as rig:
        errors = np.array(list(rig.stamp_errors.values()))
    assert 0.003 < errors.std() < 0.02
    with open_rig(model, six, replace(PERFECT, samples=0)) as rig:
        assert set(rig.stamp_errors.values()) == {0.0}


def test_a_wrong_setting_is_named() -> None:
    model, _ = world(STEREO)
    with pytest.raises(ConfigurationError, match=r"jpeg_quality = 101.*samples = 3"):
        open_rig(model, STEREO, CameraConfig(jpeg_quality=101, samples=3))
