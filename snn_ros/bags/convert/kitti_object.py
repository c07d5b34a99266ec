"""The frames of KITTI's object benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from snn_ros.bags.convert import messages
from snn_ros.bags.convert.kitti import camera_entries, scan_entry, static_entry
from snn_ros.bags.convert.kitti_calibration import read_object_calibration
from snn_ros.bags.convert.sources import Entry, Source, frames_in, read_text, stamps_at
from snn_ros.bags.errors import ConversionError
from snn_ros.geometry.rigid import Transform, inverse


def kitti_object(source: Source) -> Iterator[Entry]:
    """Cloud, left colour image, and labels as boxes in the frame of the LiDAR.

    The frames are unrelated; they are put ``rate`` apart. Static transforms come again where the
    calibration changes. Labels without a box (DontCare) are left out.

    Args:
        source: folder with velodyne, image_2, calib, and label_2 if there are labels.
    """
    folder = source.path
    files = frames_in(folder / "calib", ".txt")
    if not files:
        raise ConversionError(folder, "no calib/*.txt; expected velodyne, image_2, calib, label_2")
    known = ""
    for stamp, file in zip(stamps_at(source.options.rate, len(files)), files, strict=True):
        calibration = read_object_calibration(file)
        if (text := read_text(file)) != known:
            yield static_entry(stamp, calibration)
            known = text
        scan = folder / "velodyne" / f"{file.stem}.bin"
        picture = folder / "image_2" / f"{file.stem}.png"
        labels = folder / "label_2" / file.name
        if scan.exists():
            yield scan_entry(stamp, scan)
        if picture.exists():
            yield from camera_entries([(stamp, picture)], 2, calibration)
        if labels.exists():
            T_velodyne_camera = inverse(calibration.sensors["velodyne"][1])
            boxes = _labelled_boxes(labels, T_velodyne_camera, source)
            yield Entry(stamp, "/kitti/ground_truth", messages.boxes(stamp, "velodyne", boxes))


def _labelled_boxes(
    file: Path, T_velodyne_camera: Transform, source: Source
) -> Iterator[messages.Box]:
    """The boxes of a label file.

    A label gives height, width, length, the bottom centre in rectified camera 0, and the rotation
    about that camera's y axis (down), 0 where the object points along its x axis (right).
    """
    for line in read_text(file).splitlines():
        label, *words = line.split()
        if label == "DontCare":
            source.left_out["DontCare labels"] += 1
            continue
        try:
            height, width, length, x, y, z, rotation_y = (float(word) for word in words[7:14])
        except ValueError:
            raise ConversionError(file, f"not a label of 15 columns: {line!r}") from None
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_euler("z", -rotation_y - np.pi / 2).as_matrix()
        pose[:3, 3] = (T_velodyne_camera @ [x, y - height / 2, z, 1.0])[:3]
        yield messages.Box(label, pose, (length, width, height))
