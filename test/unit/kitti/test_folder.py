"""Frames of a KITTI folder: a made one, and real ones."""

from pathlib import Path

import numpy as np
import pytest
from support import datasets

from snn_ros.geometry.boxes import count_points
from snn_ros.geometry.rigid import inverse
from snn_ros.kitti.files import KittiFileError, read_scan
from snn_ros.kitti.folder import KittiFrame, read_frames
from snn_ros.kitti.labels import boxes_of


@pytest.fixture(scope="module")
def real(data_dir: Path) -> list[KittiFrame]:
    folder = data_dir / "kitti_object"
    if not folder.is_dir():
        pytest.skip(f"real recordings: no folder {folder}")
    return read_frames(folder)


def test_no_frames(tmp_path: Path) -> None:
    with pytest.raises(KittiFileError, match=r"no calib/\*\.txt"):
        read_frames(tmp_path)


def test_damaged_files(tmp_path: Path) -> None:
    folder = datasets.kitti_object(tmp_path / "training")
    assert [frame.name for frame in read_frames(folder)] == ["000000", "000001"]
    (folder / "velodyne" / "000000.bin").write_bytes(b"123")
    with pytest.raises(KittiFileError, match=r"000000\.bin: 3 bytes are not points"):
        read_frames(folder)[0].scan()
    (folder / "image_2" / "000001.png").write_bytes(b"no picture")
    with pytest.raises(KittiFileError, match=r"000001\.png: cannot be read as a picture"):
        read_frames(tmp_path)
    with pytest.raises(KittiFileError, match="No such file"):
        read_scan(folder / "none.bin")


def test_real_labels_hold_points(real: list[KittiFrame]) -> None:
    """Boxes stand where the LiDAR saw the objects; the counts are those of the data's notes."""
    counts = [count_points(frame.scan(), frame.boxes()).tolist() for frame in real]
    expected = [[376], [70, 9, 18], [1351, 67], [680], [77, 26], [70]]
    for found, told in zip(counts, expected, strict=True):
        np.testing.assert_allclose(found, told, rtol=0.1, atol=1)


def test_real_labels_project_to_their_image_boxes(real: list[KittiFrame]) -> None:
    """Those of people were drawn by hand around their limbs."""
    for frame in real:
        drawn = np.array([label.image_box for label in frame.objects()])
        differences = np.abs(frame.project(frame.boxes()).boxes - drawn).max(axis=1)
        for label, difference in zip(frame.objects(), differences, strict=True):
            assert difference < (10.0 if label.class_name == "Pedestrian" else 1.0)


def test_real_labels_come_back_as_they_were(real: list[KittiFrame]) -> None:
    for frame in real:
        labels = frame.objects()
        found = frame.detections(
            frame.boxes(), [one.class_name for one in labels], np.ones(len(labels))
        )
        for label, back in zip(labels, found, strict=True):
            np.testing.assert_allclose(back.location, label.location, atol=1e-9)
            np.testing.assert_allclose(back.size, label.size, atol=1e-12)
            assert back.rotation_y == pytest.approx(label.rotation_y, abs=1e-3)
        again = boxes_of(found, inverse(frame.camera_from_lidar))
        np.testing.assert_allclose(again[:, :6], frame.boxes()[:, :6], atol=1e-6)


def test_detections_behind_the_camera_are_not_shown(real: list[KittiFrame]) -> None:
    boxes = np.array([[-10.0, 0, -1, 4, 2, 1.5, 0], [15.0, 0, -1, 4, 2, 1.5, 0]])
    found = real[0].detections(boxes, ["Car", "Van"], np.array([0.9, 0.8]))
    assert [label.class_name for label in found] == ["Van"]
    assert found[0].score == 0.8
