"""Sensor layouts: axes, sizes, baselines, headings."""

import numpy as np
import pytest

from snn_ros.simulation.sensors import mounts


def heading(mount: mounts.CameraMount) -> float:
    ahead = mount.pose[:3, 2]
    assert ahead[2] == pytest.approx(0.0, abs=1e-12)
    return float(np.degrees(np.arctan2(ahead[1], ahead[0])))


def test_optical_axes_follow_rep_103() -> None:
    pose = mounts.optical_pose((0.0, 0.0, 0.0))
    assert pose[:3, 2] == pytest.approx([1, 0, 0])  # z looks ahead
    assert pose[:3, 0] == pytest.approx([0, -1, 0])  # x is right
    assert pose[:3, 1] == pytest.approx([0, 0, -1])  # y is down
    tilted = mounts.optical_pose((0.0, 0.0, 0.0), yaw=np.pi / 2, pitch=0.1)
    assert tilted[:3, 2] == pytest.approx([0, np.cos(0.1), -np.sin(0.1)])


def test_kitti_pair() -> None:
    left, right = mounts.kitti_stereo()
    assert (left.width, left.height, left.fx, left.cx, left.cy) == (
        1242, 375, 721.5377, pytest.approx(609.5593), pytest.approx(172.854),
    )  # fmt: skip
    offset = np.linalg.inv(left.pose) @ right.pose[:, 3]
    assert offset[:3] == pytest.approx([0.54, 0.0, 0.0])
    from_lidar = left.pose[:3, 3] - mounts.KITTI_LIDAR[:3, 3]
    assert from_lidar == pytest.approx([0.27, 0.06, -0.08])


def test_a_smaller_camera_sees_the_same_directions() -> None:
    full, small = mounts.kitti_stereo()[0], mounts.kitti_stereo(640)[0]
    assert (small.width, small.height) == (640, 192)
    scale, cut = 640 / 1242, 1
    column, row = 100.0, 300.0
    shrunk = ((column + 0.5) * scale - 0.5, (row + 0.5) * scale - 0.5 - cut)
    assert (shrunk[0] - small.cx) / small.fx == pytest.approx((column - full.cx) / full.fx)
    assert (shrunk[1] - small.cy) / small.fy == pytest.approx((row - full.cy) / full.fy)


def test_six_cameras_look_all_round() -> None:
    six = {mount.name: mount for mount in mounts.surround_six(480, 224)}
    angles = {name: heading(mount) for name, mount in six.items()}
    assert angles == pytest.approx({
        "front": 0, "front_left": 55, "front_right": -55,
        "back": 180, "back_left": 110, "back_right": -110,
    })  # fmt: skip
    assert {(m.width, m.height) for m in six.values()} == {(480, 224)}
    assert all(np.sign(m.pose[1, 3]) == np.sign(angles[n]) for n, m in six.items() if "_" in n)
    # from each camera's right edge to its left edge, no direction is missed
    covered = np.zeros(360, bool)
    for name, mount in six.items():
        left = np.degrees(np.arctan2(mount.cx, mount.fx))
        right = np.degrees(np.arctan2(mount.width - 1 - mount.cx, mount.fx))
        covered[np.arange(round(angles[name] - right), round(angles[name] + left)) % 360] = True
    assert covered.all()


def test_rows_that_are_not_there_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="height = 300: at width 480 there are only 270 rows"):
        mounts.surround_six(480, 300)
