"""Drives as KITTI folders: read back by the converter of KITTI's own, and by hand."""

import errno
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from snn_ros.bags import BagReader
from snn_ros.bags.convert import convert
from snn_ros.geometry.boxes import count_points
from snn_ros.geometry.rigid import inverse
from snn_ros.simulation.render import RendererError
from snn_ros.simulation.street.kitti_export import (
    KittiFolderExists,
    KittiNotWritten,
    NotAKittiCar,
    export_kitti,
)
from snn_ros.simulation.street.scenario import street_scenario
from snn_ros.simulation.street.simulation import StreetSimulation

SMALL = {
    "duration": 0.5,
    "seed": 3,
    "layout": {"length": 120.0},
    "ego": {"position": 20.0, "speed": 8.0},
    "traffic": {"vehicles": 6, "cyclists": 1, "pedestrians": 3, "parked": 0.4},
}
LIDAR = {"lidar_columns": 512}


def drive(**sensors: object) -> StreetSimulation:
    try:
        return StreetSimulation(street_scenario(SMALL | {"sensors": LIDAR | sensors}, "test"))
    except RendererError as err:
        pytest.skip(str(err))


def export(folder: Path, **sensors: object) -> list:
    readings: list = []
    with drive(**sensors) as street:
        assert export_kitti(street, folder, readings.append) == len(readings)
    return readings


def label_rows(file: Path) -> list[list[str]]:
    return [line.split() for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list]:
    folder = tmp_path_factory.mktemp("kitti") / "drive"
    return folder, export(folder, cameras="stereo", stereo_width=320)


def test_the_converter_of_kitti_folders_reads_it_back(exported, tmp_path) -> None:
    folder, readings = exported
    convert("kitti-object", folder / "training", tmp_path / "bag")
    left = readings[0].objects.camera
    found: dict[str, list] = {}
    with BagReader(tmp_path / "bag") as bag:
        for message in bag.messages():
            found.setdefault(message.topic, []).append(bag.decode(message))
    assert len(found["/kitti/points"]) == len(readings)
    for cloud, image, info, truth, reading in zip(
        found["/kitti/points"],
        found["/kitti/camera_2/image"],
        found["/kitti/camera_2/camera_info"],
        found["/kitti/ground_truth"],
        readings,
        strict=True,
    ):
        points = cloud.data.view("<f4").reshape(-1, 4)
        np.testing.assert_array_equal(points[:, :3], reading.scan.positions)
        np.testing.assert_array_equal(points[:, 3], reading.scan.points["intensity"])
        bgr = image.data.reshape(image.height, image.width, 3)
        np.testing.assert_array_equal(bgr[..., ::-1], reading.images["left"])
        np.testing.assert_allclose(info.k.reshape(3, 3), left.intrinsics, rtol=1e-12)
        assert len(truth.detections) > 0
        check_boxes(truth.detections, reading)
    check_frames(found["/tf_static"][0].transforms, left)


def check_boxes(detections, reading) -> None:
    """Boxes in the frame of the LiDAR, of two decimals."""
    from_lidar = inverse(reading.pose @ np.array(LIDAR_POSE))
    labels = reading.objects.labels.seen_from(from_lidar)
    for detection in detections:
        centre = detection.bbox.center.position
        away = np.linalg.norm(labels.boxes[:, :3] - [centre.x, centre.y, centre.z], axis=1)
        i = int(away.argmin())
        assert away[i] < 0.02
        assert detection.results[0].hypothesis.class_id == labels.classes[i]
        size = detection.bbox.size
        np.testing.assert_allclose([size.x, size.y, size.z], labels.boxes[i, 3:6], atol=0.00501)
        rotation = detection.bbox.center.orientation
        yaw = 2.0 * math.atan2(rotation.z, rotation.w)
        assert abs(math.remainder(yaw - labels.boxes[i, 6], 2.0 * math.pi)) < 0.006


LIDAR_POSE = [[1, 0, 0, 0.76], [0, 1, 0, 0], [0, 0, 1, 1.73], [0, 0, 0, 1.0]]


def check_frames(transforms, left) -> None:
    """The LiDAR sits where it is mounted, relative to the left camera."""
    (link,) = (t for t in transforms if t.child_frame_id == "velodyne")
    place = link.transform.translation
    expected = (inverse(left.pose) @ np.array(LIDAR_POSE))[:3, 3]
    np.testing.assert_allclose([place.x, place.y, place.z], expected, atol=1e-9)


def test_labels_of_the_object_benchmark(exported) -> None:
    folder, readings = exported
    for i, reading in enumerate(readings):
        rows = label_rows(folder / "training/label_2" / f"{i:06}.txt")
        assert {len(row) for row in rows} == {15}
        width, height = reading.objects.camera.width, reading.objects.camera.height
        for row in rows:
            truncation, occlusion, alpha, left, top, right, bottom = map(float, row[1:8])
            x, _, z, rotation = map(float, row[11:15])
            assert 0.0 <= truncation <= 1.0
            assert occlusion in (0, 1, 2, 3)
            assert 0 <= left < right <= width - 1
            assert 0 <= top < bottom <= height - 1
            assert math.remainder(rotation - math.atan2(x, z) - alpha, 2.0 * math.pi) == (
                pytest.approx(0.0, abs=0.02)
            )
        shown = reading.objects.visibility.image.in_view.sum()
        assert len(rows) <= shown < len(reading.objects.labels)


def test_a_label_holds_the_points_of_its_object(exported) -> None:
    """With KITTI's own formulas, from the files alone."""
    folder, readings = exported
    calib = dict(
        line.split(": ")
        for line in (folder / "training/calib/000000.txt").read_text().strip().splitlines()
    )
    to_camera = np.array(calib["Tr_velo_to_cam"].split(), float).reshape(3, 4)
    points = np.fromfile(folder / "training/velodyne/000000.bin", "<f4").reshape(-1, 4)
    camera = points[:, :3] @ to_camera[:, :3].T + to_camera[:, 3]
    # as boxes with z up: x of the camera to the right, its z forward
    upright = np.column_stack([camera[:, 0], camera[:, 2], -camera[:, 1]])
    tracks = label_rows(folder / "training/label_02/0000.txt")
    counts = dict(
        zip(*(readings[0].objects.labels.identifiers, readings[0].objects.points), strict=True)
    )
    checked = 0
    for row in (row for row in tracks if row[0] == "0"):
        height, width, length, x, y, z, rotation = map(float, row[10:17])
        box = np.array([[x, z, height / 2 - y, length, width, height, -rotation]])
        inside = count_points(upright, box, margin=0.02)[0]
        fewest = count_points(upright, box, margin=-0.02)[0]
        assert fewest <= counts[int(row[1])] <= inside
        checked += inside > 0
    assert checked


def test_tracks_poses_and_times_of_the_sequence(exported) -> None:
    folder, readings = exported
    training = folder / "training"
    tracks = label_rows(training / "label_02/0000.txt")
    for i, reading in enumerate(readings):
        mine = [row for row in tracks if row[0] == str(i)]
        assert [row[2] for row in mine] == [
            row[0] for row in label_rows(training / "label_2" / f"{i:06}.txt")
        ]
        assert {int(row[1]) for row in mine} <= set(reading.objects.labels.identifiers.tolist())
        assert len({row[1] for row in mine}) == len(mine)
    poses = np.loadtxt(training / "poses/0000.txt").reshape(-1, 3, 4)
    np.testing.assert_allclose(poses[0], np.eye(4)[:3], atol=1e-12)
    moved = np.linalg.norm(readings[-1].pose[:3, 3] - readings[0].pose[:3, 3])
    assert np.linalg.norm(poses[-1, :, 3]) == pytest.approx(moved, abs=1e-3)
    assert poses[-1, 2, 3] > 0.9 * moved  # forward is z of a camera
    times = np.loadtxt(training / "times/0000.txt")
    np.testing.assert_allclose(times, [reading.frame.time for reading in readings])


def test_the_right_picture_and_its_baseline(exported) -> None:
    folder, readings = exported
    bgr = cv2.imread(str(folder / "training/image_3/000004.png"))
    np.testing.assert_array_equal(bgr[..., ::-1], readings[4].images["right"])
    text = (folder / "training/calib/000004.txt").read_text()
    rows = {line.split(":")[0]: np.array(line.split()[1:], float) for line in text.splitlines()}
    for left, right in (("P0", "P1"), ("P2", "P3")):
        assert rows[left][3] == 0.0
        assert -rows[right][3] / rows[right][0] == pytest.approx(0.54)


def test_the_sets_are_the_frames_and_the_end_is_for_validation(exported) -> None:
    folder, _ = exported
    sets = [(folder / "ImageSets" / f"{name}.txt").read_text().split() for name in ("train", "val")]
    assert sets == [["000000", "000001", "000002", "000003"], ["000004"]]
    assert not (folder / ".reserve").exists()


def test_without_cameras_labels_are_those_of_kittis(tmp_path) -> None:
    export(tmp_path / "drive")
    training = tmp_path / "drive/training"
    assert not (training / "image_2").exists()
    assert (training / "calib/000000.txt").read_text().startswith("P0: 7.215377000000e+02")
    assert label_rows(training / "label_2/000000.txt")


class Stopped(KeyboardInterrupt):
    """Not the user's."""


@pytest.mark.parametrize("error", [Stopped(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_frame_that_was_cut_short_is_not_there(tmp_path, monkeypatch, error) -> None:
    """The third frame's label file is only half written."""
    write = Path.write_bytes

    def failing(path: Path, data: bytes) -> int:
        if path.parts[-2:] == ("label_2", "000002.txt"):
            write(path, data[: len(data) // 2])
            raise error
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    expected = KittiNotWritten if isinstance(error, OSError) else Stopped
    with drive() as street, pytest.raises(expected) as caught:
        export_kitti(street, tmp_path / "drive")
    if isinstance(error, OSError):
        assert str(caught.value) == f"{tmp_path / 'drive'}: cannot be written: {error.strerror}"
    training = tmp_path / "drive/training"
    for kind in ("velodyne", "calib", "label_2"):
        assert sorted(f.stem for f in (training / kind).iterdir()) == ["000000", "000001"]
    names = (tmp_path / "drive/ImageSets/train.txt").read_text().split()
    names += (tmp_path / "drive/ImageSets/val.txt").read_text().split()
    assert names == ["000000", "000001"]
    assert {row[0] for row in label_rows(training / "label_02/0000.txt")} == {"0", "1"}
    assert len(label_rows(training / "poses/0000.txt")) == 2


def test_what_is_refused(tmp_path) -> None:
    (tmp_path / "file").touch()
    with drive() as street:
        with pytest.raises(KittiFolderExists) as caught:
            export_kitti(street, tmp_path)
        assert str(tmp_path) in str(caught.value)
        with pytest.raises(KittiNotWritten, match="Not a directory"):
            export_kitti(street, tmp_path / "file" / "drive")


def test_surround_cameras_have_no_place_there(tmp_path) -> None:
    with (
        drive(cameras="surround", surround_width=160, lidar="none") as street,
        pytest.raises(NotAKittiCar, match=r"sensors\.cameras = 'surround'"),
    ):
        export_kitti(street, tmp_path / "drive")
    assert not (tmp_path / "drive").exists()
