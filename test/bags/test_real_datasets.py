"""Conversions of real recordings, judged by what is known of them."""

from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from snn_ros.bags import BagReader
from snn_ros.bags.convert import convert


@pytest.fixture
def converted(data_dir, tmp_path):
    """Convert a data set; its messages by topic, decoded."""

    def run(kind: str, source: str) -> dict[str, list[Any]]:
        path = data_dir / source
        if not path.exists():
            pytest.skip(f"no {path}")
        convert(kind, path, tmp_path / "out")
        with BagReader(tmp_path / "out") as bag:
            found: dict[str, list[Any]] = {name: [] for name in bag.topics}
            for message in bag.messages():
                found[message.topic].append(bag.decode(message))
        return found

    return run


def points_of(cloud: Any) -> np.ndarray:
    """(N, 3) coordinates."""
    return cloud.data.view("<f4").reshape(-1, cloud.point_step // 4)[:, :3].astype(float)


def matrix(translation: Any, rotation: Any) -> np.ndarray:
    transform = np.eye(4)
    quaternion = [rotation.x, rotation.y, rotation.z, rotation.w]
    transform[:3, :3] = Rotation.from_quat(quaternion).as_matrix()
    transform[:3, 3] = translation.x, translation.y, translation.z
    return transform


def frames_of(messages: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    """T_parent_child of static frames by child."""
    links = [link for message in messages["/tf_static"] for link in message.transforms]
    return {
        link.child_frame_id: matrix(link.transform.translation, link.transform.rotation)
        for link in links
    }


def inside(points: np.ndarray, box: Any) -> int:
    """How many points lie in an oriented box."""
    T = matrix(box.center.position, box.center.orientation)
    local = (points - T[:3, 3]) @ T[:3, :3]
    half = np.array([box.size.x, box.size.y, box.size.z]) / 2
    return int((np.abs(local) <= half).all(axis=1).sum())


@pytest.mark.parametrize(
    ("name", "rows", "lowest", "highest"),
    [
        ("FBL_F8VT", 2520, 0.470, 1.277),
        ("NMPC_CV", 1188, 0.384, 1.596),
        ("NR_HX", 2488, 0.590, 1.417),
    ],
)
def test_blimp_flights(converted, name, rows, lowest, highest):
    messages = converted("blimp-flight", f"blimp_flights/{name}.csv")
    ranges = np.array([m.range for m in messages["/blimp/range"]])
    setpoints = np.array([m.point.z for m in messages["/blimp/setpoint"]])
    assert len(ranges) == len(setpoints) == len(messages["/tf"]) == rows
    assert (ranges.min(), ranges.max()) == pytest.approx((lowest, highest), abs=1e-3)
    assert np.sqrt(np.mean((ranges - setpoints) ** 2)) < 0.06  # the recorded controllers' error
    assert (np.diff(ranges) == 0).mean() > 0.1  # repeated poses stay
    heights = [m.pose.position.z for m in messages["/blimp/pose"]]
    np.testing.assert_allclose(heights, ranges, atol=1e-6)


def test_kitti_object(converted):
    """Points in the labelled boxes, as the data's README counts them.

    It counts in the frame of the camera, which is tilted a little against that of the LiDAR.
    """
    messages = converted("kitti-object", "kitti_object/training")
    counts = [
        [inside(points_of(cloud), detection.bbox) for detection in truth.detections]
        for cloud, truth in zip(
            messages["/kitti/points"], messages["/kitti/ground_truth"], strict=True
        )
    ]
    expected = [[376], [70, 9, 18], [1351, 67], [680], [77, 26], [70]]
    assert [len(boxes) for boxes in counts] == [len(boxes) for boxes in expected]
    np.testing.assert_allclose(np.concatenate(counts), np.concatenate(expected), atol=6)
    assert [len(points_of(c)) > 100_000 for c in messages["/kitti/points"]] == [True] * 6


def test_kitti_lidar_odometry(converted):
    """What stands above the ground: scans registered by poses and frames lie on each other."""
    messages = converted("kitti-odometry", "kitti_odometry_lidar")
    frames = frames_of(messages)
    T_base_velodyne = frames["camera_0"] @ frames["velodyne"]
    reference, *clouds = (above_ground(points_of(cloud)) for cloud in messages["/kitti/points"])
    expected = [(0.20, 0.08), (0.31, 0.11), (0.41, 0.14)]  # m, in the data's README
    for points, odometry, distances in zip(
        clouds, messages["/kitti/odometry"][1:], expected, strict=True
    ):
        T_odom_base = matrix(odometry.pose.pose.position, odometry.pose.pose.orientation)
        T = np.linalg.inv(T_base_velodyne) @ T_odom_base @ T_base_velodyne
        few = points[::37]
        registered = few @ T[:3, :3].T + T[:3, 3]
        found = [median_distance(cloud, reference) for cloud in (few, registered)]
        assert found == pytest.approx(distances, abs=0.015)
    assert odometry.pose.pose.position.x == pytest.approx(2.575, abs=0.01)  # it drives ahead


def above_ground(points: np.ndarray) -> np.ndarray:
    """The LiDAR stands 1.7 m high."""
    return points[points[:, 2] > -1.0]


def median_distance(points: np.ndarray, reference: np.ndarray) -> float:
    return float(np.median(cKDTree(reference).query(points)[0]))


@pytest.mark.parametrize(
    ("source", "left", "baseline", "count", "encoding"),
    [
        ("kitti_odometry_stereo_color", 2, 0.532, 7, "bgr8"),
        ("kitti_odometry_stereo_gray", 0, 0.537, 8, "mono8"),
    ],
)
def test_kitti_stereo(converted, source, left, baseline, count, encoding):
    messages = converted("kitti-odometry", source)
    images = [messages[f"/kitti/camera_{left + i}/image"] for i in range(2)]
    infos = [messages[f"/kitti/camera_{left + i}/camera_info"] for i in range(2)]
    assert [len(i) for i in images] == [count, count]
    assert {m.encoding for pair in images for m in pair} == {encoding}
    assert (images[0][0].width, images[0][0].height) == (1241, 376)
    assert infos[0][0].p[3] == 0.0
    assert -infos[1][0].p[3] / infos[1][0].p[0] == pytest.approx(baseline, abs=1e-3)


def test_nuscenes(converted, data_dir):
    """Points in the boxes: 994 in all by the data's README, 10 of them in one of no category."""
    messages = converted("nuscenes", "nuscenes_sample")
    (cloud,), (truth,) = messages["/nuscenes/lidar_top/points"], messages["/nuscenes/ground_truth"]
    points = points_of(cloud)
    assert len(points) == 34_688
    assert sum(inside(points, d.bbox) for d in truth.detections) == 984
    assert len([name for name in messages if name.endswith("/image")]) == 6
    (image,) = messages["/nuscenes/cam_front/image"]
    picture = next((data_dir / "nuscenes_sample").glob("*CAM_FRONT__*.jpg"))
    np.testing.assert_array_equal(image.data.reshape(900, 1600, 3), cv2.imread(str(picture)))


def test_images(converted):
    messages = converted("images", "vpr_nordland/summer")
    assert len(messages["/camera/image"]) == 300
    assert {(m.width, m.height) for m in messages["/camera/image"]} == {(64, 32)}
