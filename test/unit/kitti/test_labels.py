"""Labels and boxes: lines there and back, frames there and back, damaged files."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.geometry.rigid import inverse, rigid_transform
from snn_ros.kitti.calibration import T_BASE_CAMERA
from snn_ros.kitti.files import KittiFileError
from snn_ros.kitti.labels import KittiLabel, boxes_of, placement_of, read_labels

LINE = "Car 0.10 1 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "000007.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_lines_there_and_back(tmp_path: Path) -> None:
    label, found = read_labels(written(tmp_path, LINE, "", f"{LINE} 0.7312"))
    assert label.image_box == (387.63, 181.54, 423.81, 203.12)
    assert (label.truncation, label.occlusion, label.score) == (0.1, 1, None)
    assert label.object_line() == LINE
    assert found.score == 0.7312
    assert found.object_line() == f"{LINE} 0.7312"


@pytest.mark.parametrize(
    "line",
    [
        "Car",
        "Car 1 2 3",
        f"{LINE} 0.5 1",
        LINE.replace("1.67", "nan"),
        LINE.replace("58.49", "far"),
    ],
)
def test_damaged_lines(tmp_path: Path, line: str) -> None:
    with pytest.raises(KittiFileError, match=r"000007\.txt: not a label of 15 columns: 'Car"):
        read_labels(written(tmp_path, LINE, line))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(KittiFileError, match=r"none\.txt: No such file"):
        read_labels(tmp_path / "none.txt")


def test_a_label_by_hand() -> None:
    # ahead to the right, driving away: along the camera's z axis, the LiDAR's x axis
    label = KittiLabel("Car", 0.0, 0, (0, 0, 1, 1), (1.5, 1.8, 4.0), (3.0, 1.7, 20.0), -math.pi / 2)
    box = boxes_of([label], T_BASE_CAMERA)[0]
    np.testing.assert_allclose(box, [20.0, -3.0, -1.7 + 0.75, 4.0, 1.8, 1.5, 0.0], atol=1e-12)
    assert label.alpha == pytest.approx(-math.pi / 2 - math.atan2(3.0, 20.0))


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_frames_there_and_back(seed: int) -> None:
    """Also for a LiDAR that is not quite upright, as KITTI's."""
    random = np.random.default_rng(seed)
    boxes = np.hstack(
        [
            random.uniform(-40, 40, (6, 3)),
            random.uniform(0.4, 5, (6, 3)),
            random.uniform(-3.1, 3.1, (6, 1)),
        ]
    )
    tilt = rigid_transform([0.3, -0.1, 0.06], [*random.normal(0, 0.01, 3), 1.0])
    T_camera_lidar = inverse(T_BASE_CAMERA) @ tilt
    locations, rotations = placement_of(boxes, T_camera_lidar)
    labels = [
        KittiLabel("Car", 0.0, 0, (), tuple(box[[5, 4, 3]]), tuple(location), rotation)
        for box, location, rotation in zip(boxes, locations, rotations, strict=True)
    ]
    found = boxes_of(labels, inverse(T_camera_lidar))
    np.testing.assert_allclose(found[:, :6], boxes[:, :6], atol=1e-9)
    turned = (found[:, 6] - boxes[:, 6] + math.pi) % (2 * math.pi) - math.pi
    np.testing.assert_allclose(turned, 0.0, atol=5e-3)  # of the second order in the tilt


def test_no_labels() -> None:
    assert boxes_of([], np.eye(4)).shape == (0, 7)
    assert placement_of(np.zeros((0, 7)), np.eye(4))[0].shape == (0, 3)
