"""Plain recordings become the messages that a robot would have recorded."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support import datasets
from support.bags import (
    FORMATS,
    assert_converts_without_loss,
    recorded,
    write_mcap_file,
    write_without_definitions,
)

from snn_ros.bags import BagReader
from snn_ros.bags.convert import BAG, CONVERTERS, Conversion, ConvertOptions, convert
from snn_ros.bags.errors import BagExists, BagUnreadable, ConversionError, UnknownType
from snn_ros.kitti.files import KittiFileError


class Converted:
    """A finished conversion, decoded."""

    def __init__(self, made: Conversion, path: Path) -> None:
        self.made = made
        with BagReader(path) as bag:
            self.topics = bag.topics
            self.found = [(m.topic, m.stamp_ns, bag.decode(m)) for m in bag.messages()]

    def of(self, topic: str) -> list[Any]:
        return [message for name, _, message in self.found if name == topic]

    def stamps(self, topic: str) -> list[int]:
        return [stamp for name, stamp, _ in self.found if name == topic]

    def frames(self) -> dict[str, tuple[str, np.ndarray]]:
        """Static frames: child to parent and 4x4 transform."""
        return {
            t.child_frame_id: (
                t.header.frame_id,
                matrix(t.transform.translation, t.transform.rotation),
            )
            for message in self.of("/tf_static")
            for t in message.transforms
        }


def matrix(translation: Any, rotation: Any) -> np.ndarray:
    transform = np.eye(4)
    transform[:3, :3] = Rotation.from_quat(
        [rotation.x, rotation.y, rotation.z, rotation.w]
    ).as_matrix()
    transform[:3, 3] = translation.x, translation.y, translation.z
    return transform


def pose_matrix(pose: Any) -> np.ndarray:
    return matrix(pose.position, pose.orientation)


def stamp_of(message: Any) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


@pytest.fixture
def converted(tmp_path):
    def run(kind: str, source: Path, **options: Any) -> Converted:
        out = tmp_path / "out"
        return Converted(convert(kind, source, out, ConvertOptions(**options)), out)

    return run


def check_sound(result: Converted) -> None:
    """What holds for every conversion."""
    assert [s for _, s, _ in result.found] == sorted(s for _, s, _ in result.found)
    for _, stamp, message in result.found:
        if hasattr(message, "header"):
            assert stamp_of(message) == stamp > 0
            assert message.header.frame_id
    assert {name: count for name, (_, count) in result.made.topics.items()} == {
        name: len(result.of(name)) for name in result.topics
    }
    assert all(topic.latched == (name == "/tf_static") for name, topic in result.topics.items())


# Blimp ---------------------------------------------------------------------------------------


def test_blimp_flight(converted, tmp_path):
    result = converted("blimp-flight", datasets.blimp_flight(tmp_path / "log.csv"))
    check_sound(result)
    assert result.stamps("/blimp/range") == [25_000_000, 50_000_000, 100_000_000]
    assert [m.range for m in result.of("/blimp/range")] == pytest.approx([0.9, 0.9, 1.0])
    assert [m.point.z for m in result.of("/blimp/setpoint")] == pytest.approx([1.2, 1.2, 1.3])
    assert result.made.left_out == {}


def test_blimp_frames_have_z_up(converted, tmp_path):
    """In the log z points down: what turns clockwise seen from above turns by +psi."""
    row = "0.1,1.0,2.0,-0.9,0.1,0.2,0.3,0.0,-1.2"
    result = converted("blimp-flight", datasets.blimp_flight(tmp_path / "log.csv", row))
    (pose,) = result.of("/blimp/pose")
    transform = pose_matrix(pose.pose)
    np.testing.assert_allclose(transform[:3, 3], [1.0, -2.0, 0.9])
    yaw, pitch, roll = Rotation.from_matrix(transform[:3, :3]).as_euler("ZYX")
    assert (yaw, pitch, roll) == pytest.approx((-0.3, -0.2, 0.1))
    (link,) = result.of("/tf")[0].transforms
    np.testing.assert_allclose(
        matrix(link.transform.translation, link.transform.rotation), transform, atol=1e-12
    )
    parent, mounting = result.frames()["range_link"]
    assert parent == "base_link"
    np.testing.assert_allclose(mounting[:3, 0], [0, 0, -1], atol=1e-12)  # its x axis looks down


def test_blimp_rows_that_cannot_be_used_are_left_out(converted, tmp_path):
    good = "{},0,0,-1,0,0,0,0,-1"
    rows = [
        *map(good.format, (1.0, "nan", 0.9, 1.0, 1.3)),
        "1.31,0,0,,0,0,0,0,-1",
        "1.32,0,0,oops,0,0,0,0,-1",
        "1.4,0,0,-1,0,0,0,,-1",  # of a column that is not needed
    ]
    result = converted("blimp-flight", datasets.blimp_flight(tmp_path / "log.csv", *rows))
    assert result.stamps("/blimp/range") == [1_000_000_000, 1_300_000_000, 1_400_000_000]
    assert result.made.left_out == {
        "rows with a missing number": 3,
        "rows whose time does not advance": 2,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a csv table"),
        ("time,x,y,z,phi,theta,psi\n1,2,3,4,5,6,7\n", "no column z_ref"),
        (datasets.BLIMP_HEADER + "\n1,2\n", "not a csv table"),
        ("\0\1\2", "no column"),
    ],
)
def test_what_is_no_flight(tmp_path, text, reason):
    path = datasets.write(tmp_path / "log.csv", text)
    with pytest.raises(ConversionError, match=rf"log\.csv: {reason}"):
        convert("blimp-flight", path, tmp_path / "out")


# KITTI ---------------------------------------------------------------------------------------


def test_kitti_object(converted, tmp_path):
    result = converted("kitti-object", datasets.kitti_object(tmp_path / "training"), rate=2.0)
    check_sound(result)
    assert result.stamps("/kitti/points") == [1_000_000_000, 1_500_000_000]
    cloud = result.of("/kitti/points")[0]
    assert [(f.name, f.offset, f.datatype) for f in cloud.fields] == [
        ("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("intensity", 12, 7),
    ]  # fmt: skip
    assert (cloud.width, cloud.height, cloud.point_step, cloud.row_step) == (5, 1, 16, 80)
    np.testing.assert_array_equal(cloud.data.view("<f4"), np.arange(20))
    assert len(result.of("/tf_static")) == 1  # the same calibration comes once
    assert result.made.left_out == {"DontCare labels": 2}


def test_kitti_labels_become_boxes_of_the_lidar(converted, tmp_path):
    result = converted("kitti-object", datasets.kitti_object(tmp_path / "training"))
    detections = result.of("/kitti/ground_truth")[0]
    assert detections.header.frame_id == "velodyne"
    (detection,) = detections.detections
    assert detection.results[0].hypothesis.class_id == "Car"
    size = detection.bbox.size
    assert (size.x, size.y, size.z) == pytest.approx((3.9, 1.6, 1.5))
    # Its bottom is at (2, 1.65, 10) of the camera, which is 0.27 m ahead of and above the LiDAR.
    box = pose_matrix(detection.bbox.center)
    np.testing.assert_allclose(box[:3, 3], [10 + 0.27, -2.0, -(1.65 - 0.75) - 0.08], atol=1e-9)
    np.testing.assert_allclose(box[:3, 0], [0, -1, 0], atol=1e-12)  # pointing right


def test_kitti_object_with_another_calibration_per_frame(converted, tmp_path):
    folder = datasets.kitti_object(tmp_path / "training")
    path = folder / "calib" / "000001.txt"
    path.write_text(path.read_text().replace("-8.000000000000e-02", "-9.000000000000e-02"))
    result = converted("kitti-object", folder)
    assert len(result.of("/tf_static")) == 2


def test_kitti_odometry(converted, tmp_path):
    result = converted("kitti-odometry", datasets.kitti_odometry(tmp_path / "00"))
    check_sound(result)
    stamps = [1_000_000_000, 1_100_000_000, 1_200_000_000]  # times from zero are put off by 1 s
    for topic in ("/kitti/points", "/kitti/camera_2/image", "/kitti/odometry", "/tf"):
        assert result.stamps(topic) == stamps
    last = pose_matrix(result.of("/kitti/odometry")[-1].pose.pose)
    np.testing.assert_allclose(last[:3, 3], [2.0, 0.0, 0.0], atol=1e-12)  # straight ahead
    assert Rotation.from_matrix(last[:3, :3]).as_euler("ZYX") == pytest.approx([-0.2, 0, 0])
    image = result.of("/kitti/camera_3/image")[1]
    assert (image.encoding, image.width, image.height, image.step) == ("bgr8", 32, 16, 96)
    expected = datasets.write_picture(tmp_path / "expected.png", 4)
    np.testing.assert_array_equal(image.data.reshape(16, 32, 3), expected)


def test_kitti_stereo_calibration(converted, tmp_path):
    result = converted("kitti-odometry", datasets.kitti_odometry(tmp_path / "00"))
    left, right = (result.of(f"/kitti/camera_{n}/camera_info")[0] for n in (2, 3))
    np.testing.assert_allclose(left.p.reshape(3, 4), datasets.projection(0.0))
    np.testing.assert_allclose(right.p.reshape(3, 4), datasets.projection(-datasets.BASELINE))
    np.testing.assert_allclose(right.k.reshape(3, 3), datasets.projection(0.0)[:, :3])
    assert (left.width, left.height) == (datasets.WIDTH, datasets.HEIGHT)
    frames = result.frames()
    places = {n: frames[f"camera_{n}"][1] for n in (2, 3)}
    assert {frames[f"camera_{n}"][0] for n in (2, 3)} == {"camera_0"}
    np.testing.assert_allclose(
        places[3][:3, 3] - places[2][:3, 3], [datasets.BASELINE, 0, 0], atol=1e-12
    )


def test_kitti_frames_agree_with_the_projection(converted, tmp_path):
    """A LiDAR point through the frames and CameraInfo lands where KITTI's matrices put it."""
    result = converted("kitti-odometry", datasets.kitti_odometry(tmp_path / "00"))
    frames = result.frames()
    point = np.array([8.0, 1.0, 0.5, 1.0])
    in_camera = np.linalg.inv(frames["camera_2"][1]) @ frames["velodyne"][1] @ point
    pixel = result.of("/kitti/camera_2/camera_info")[0].p.reshape(3, 4) @ in_camera
    tr = np.vstack([datasets.LIDAR_TO_CAMERA, [0, 0, 0, 1]])
    expected = datasets.projection(datasets.LEFT_OFFSET) @ tr @ point
    np.testing.assert_allclose(pixel / pixel[2], expected / expected[2])
    # and base_link has x forward: the LiDAR's axes are its axes
    base = frames["camera_0"][1] @ frames["velodyne"][1]
    np.testing.assert_allclose(base[:3, :3], np.eye(3), atol=1e-12)


def test_kitti_odometry_as_distributed(converted, tmp_path):
    """Poses in a folder of their own, no times for a part of the images only."""
    folder = datasets.kitti_odometry(tmp_path / "dataset" / "sequences" / "07")
    (tmp_path / "dataset" / "poses").mkdir()
    (folder / "poses.txt").rename(tmp_path / "dataset" / "poses" / "07.txt")
    (folder / "times.txt").unlink()
    result = converted("kitti-odometry", folder, rate=5.0)
    assert result.stamps("/kitti/odometry") == [1_000_000_000, 1_200_000_000, 1_400_000_000]


def test_kitti_odometry_without_lidar_calibration(converted, tmp_path):
    folder = datasets.kitti_odometry(tmp_path / "00")
    (folder / "calib.txt").write_text(datasets.projections())
    assert "velodyne" not in converted("kitti-odometry", folder).frames()


def test_kitti_raw(converted, tmp_path):
    result = converted("kitti-raw", datasets.kitti_raw(tmp_path / "2011_09_26"))
    check_sound(result)
    begin = 1_317_042_145_000_000_001  # 2011-09-26 13:02:25 UTC
    milliseconds = 1_000_000
    assert result.stamps("/kitti/odometry") == [begin + i * 100 * milliseconds for i in range(3)]
    assert result.stamps("/kitti/points") == [
        begin + (i * 100 + 5) * milliseconds for i in range(3)
    ]
    assert result.stamps("/tf_static") == [begin]
    first, *_, last = result.of("/kitti/odometry")
    np.testing.assert_allclose(pose_matrix(first.pose.pose), np.eye(4), atol=1e-9)
    # 2e-5 degrees to the north, which is where it points to
    position = pose_matrix(last.pose.pose)[:3, 3]
    np.testing.assert_allclose(position, [2e-5 * 6378137 * np.pi / 180, 0, 0], atol=1e-3)
    assert last.twist.twist.linear.x == pytest.approx(11.0)
    assert last.twist.twist.angular.z == pytest.approx(0.2)
    frames = result.frames()
    base_imu = frames["camera_0"][1] @ frames["velodyne"][1] @ frames["imu_link"][1]
    np.testing.assert_allclose(base_imu[:3, :3], np.eye(3), atol=1e-12)


# nuScenes and images ----------------------------------------------------------------------------


def test_nuscenes(converted, tmp_path):
    result = converted("nuscenes", datasets.nuscenes(tmp_path / "sample"))
    check_sound(result)
    assert result.stamps("/nuscenes/cam_front/image") == [1_532_402_927_612_460_000]
    assert result.stamps("/nuscenes/lidar_top/points") == [1_532_402_927_647_951_000]
    cloud = result.of("/nuscenes/lidar_top/points")[0]
    assert [f.name for f in cloud.fields] == ["x", "y", "z", "intensity", "ring"]
    np.testing.assert_array_equal(cloud.data.view("<f4"), np.arange(15))
    (detection,) = result.of("/nuscenes/ground_truth")[0].detections
    assert detection.results[0].hypothesis.class_id == "car"
    box = pose_matrix(detection.bbox.center)
    np.testing.assert_allclose(box[:3, 3], [5.0, 1.0, -0.5])
    assert Rotation.from_matrix(box[:3, :3]).as_euler("ZYX")[0] == pytest.approx(0.3)
    assert result.made.left_out == {"boxes of no category": 1}
    frames = result.frames()
    assert {child: parent for child, (parent, _) in frames.items()} == dict.fromkeys(
        ["lidar_top", "cam_front", "cam_back"], "base_link"
    )
    np.testing.assert_allclose(frames["cam_front"][1][:3, 3], [1.7, 0.0, 1.5])
    pose = pose_matrix(result.of("/nuscenes/odometry")[0].pose.pose)
    np.testing.assert_allclose(pose[:3, 3], [411, 1180, 0])
    np.testing.assert_allclose(pose[:3, 0], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"metainfo": {"categories": {}}, "data_list": [{}]}']
)
def test_what_is_no_nuscenes(tmp_path, text):
    datasets.write(tmp_path / "info.json", text)
    with pytest.raises(ConversionError, match=r"info\.json: not nuScenes info"):
        convert("nuscenes", tmp_path, tmp_path / "out")


def test_images_at_a_rate(converted, tmp_path):
    for i in range(3):
        datasets.write_picture(tmp_path / "images" / f"{i}.png", i, colour=False)
    datasets.write(tmp_path / "images" / "notes.txt", "not a picture")
    result = converted("images", tmp_path / "images", rate=4.0)
    check_sound(result)
    assert result.stamps("/camera/image") == [1_000_000_000, 1_250_000_000, 1_500_000_000]
    image = result.of("/camera/image")[2]
    assert (image.encoding, image.step) == ("mono8", 32)
    expected = datasets.write_picture(tmp_path / "expected.png", 2, colour=False)
    np.testing.assert_array_equal(image.data.reshape(16, 32), expected)


def test_images_with_stamps(converted, tmp_path):
    for name in ("b", "a"):
        datasets.write_picture(tmp_path / "images" / f"{name}.png")
    stamps = datasets.write(tmp_path / "stamps.csv", "frame,seconds\n0,12.5\n1,12.75\n")
    result = converted("images", tmp_path / "images", stamps=str(stamps))
    assert result.stamps("/camera/image") == [12_500_000_000, 12_750_000_000]


# Bags --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_any_bag_without_loss(tmp_path, name):
    source = FORMATS[name](tmp_path / "bag")
    counts = assert_converts_without_loss(source, tmp_path / "out")
    assert sum(counts.values()) == len(recorded())


def test_an_unfinished_bag_is_saved_as_far_as_it_goes(tmp_path):
    source = write_mcap_file(tmp_path / "bag")
    with BagReader(source) as bag:
        whole = list(bag.messages())
    source.write_bytes(source.read_bytes()[:-100])
    made = convert(BAG, source, tmp_path / "out")
    assert "ends early" in made.warning
    with BagReader(tmp_path / "out") as bag:
        assert list(bag.messages()) == whole


def test_a_bag_of_unknown_types_names_them(tmp_path):
    with pytest.raises(UnknownType, match="their_msgs/msg/Thing"):
        convert(BAG, write_without_definitions(tmp_path / "old.db3"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*CONVERTERS, BAG])
def test_absent_source(tmp_path, kind):
    with pytest.raises((ConversionError, BagUnreadable), match="nowhere: no such file or folder"):
        convert(kind, tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [*CONVERTERS, BAG])
def test_source_of_another_kind(tmp_path, kind):
    (tmp_path / "empty").mkdir()
    with pytest.raises((ConversionError, KittiFileError, BagUnreadable)):
        convert(kind, tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_existing_target_stays(tmp_path):
    source = datasets.blimp_flight(tmp_path / "log.csv")
    kept = datasets.write(tmp_path / "out" / "precious.txt", "mine")
    with pytest.raises(BagExists):
        convert("blimp-flight", source, tmp_path / "out")
    assert kept.read_text() == "mine"


def test_a_conversion_that_fails_half_way_leaves_nothing(tmp_path):
    folder = datasets.kitti_odometry(tmp_path / "00")
    (folder / "velodyne" / "000002.bin").write_bytes(b"123")
    with pytest.raises(ConversionError, match=r"000002\.bin: 3 bytes are not rows of 16 bytes"):
        convert("kitti-odometry", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def damage_picture(folder: Path) -> str:
    (folder / "image_2" / "000001.png").write_bytes(b"no picture")
    return r"000001\.png: cannot be read as a picture"


def deep_picture(folder: Path) -> str:
    cv2.imwrite(str(folder / "image_2" / "000001.png"), np.zeros((4, 4), np.uint16))
    return r"000001\.png: uint16 of shape \(4, 4\); expected 8 bits"


def odd_name(folder: Path) -> str:
    (folder / "image_2" / "000001.png").rename(folder / "image_2" / "first.png")
    return r"first\.png: its name is not the number of a frame"


def frame_without_time(folder: Path) -> str:
    (folder / "image_2" / "000001.png").rename(folder / "image_2" / "000009.png")
    return r"000009\.png: no stamp: there are only 3"


def few_times(folder: Path) -> str:
    (folder / "times.txt").write_text("0.0\n")
    return "00: 3 poses but 1 times"


def words_for_times(folder: Path) -> str:
    (folder / "times.txt").write_text("0.0\n0.1\nlater\n")
    return r"times\.txt: not a table of numbers"


def short_pose(folder: Path) -> str:
    (folder / "poses.txt").write_text("1 2 3\n")
    return r"poses\.txt: 3 numbers a line, expected 12"


def no_camera(folder: Path) -> str:
    (folder / "calib.txt").write_text(datasets.line("P0", datasets.projection(0.0)))
    return r"calib\.txt: no projection matrix of camera 2"


def bad_matrix(folder: Path) -> str:
    (folder / "calib.txt").write_text("P2: 1 2 3\n")
    return r"calib\.txt: \[1.0, 2.0, 3.0\] is no 3x4 matrix"


@pytest.mark.parametrize(
    "damage",
    [
        damage_picture, deep_picture, odd_name, frame_without_time, few_times, words_for_times,
        short_pose, no_camera, bad_matrix,
    ],
)  # fmt: skip
def test_damaged_kitti_odometry(tmp_path, damage):
    folder = datasets.kitti_odometry(tmp_path / "00")
    reason = damage(folder)
    with pytest.raises((ConversionError, KittiFileError), match=reason):
        convert("kitti-odometry", folder, tmp_path / "out")


def test_damaged_kitti_object(tmp_path):
    folder = datasets.kitti_object(tmp_path / "training")
    (folder / "label_2" / "000001.txt").write_text("Car 0 0 0\n")
    with pytest.raises(KittiFileError, match="000001.txt: not a label of 15 columns: 'Car 0 0 0'"):
        convert("kitti-object", folder, tmp_path / "out")
    (folder / "calib" / "000000.txt").write_text(datasets.projections())
    with pytest.raises(KittiFileError, match="000000.txt: no R0_rect, Tr_velo_to_cam"):
        convert("kitti-object", folder, tmp_path / "out")


def test_damaged_kitti_raw(tmp_path):
    drive = datasets.kitti_raw(tmp_path / "day")
    (drive / "oxts" / "timestamps.txt").write_text("yesterday\n")
    with pytest.raises(ConversionError, match=r"timestamps\.txt: not a time: 'yesterday'"):
        convert("kitti-raw", drive, tmp_path / "out")


def test_images_and_stamps_must_agree(tmp_path):
    datasets.write_picture(tmp_path / "images" / "a.png")
    stamps = datasets.write(tmp_path / "stamps.txt", "1\n2\n")
    with pytest.raises(ConversionError, match=r"stamps\.txt: 2 stamps for the 1 pictures"):
        convert("images", tmp_path / "images", tmp_path / "out", ConvertOptions(stamps=str(stamps)))
