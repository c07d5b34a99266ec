"""The frames of KITTI's object benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from snn_ros.bags.convert import messages
from snn_ros.bags.convert.kitti import camera_entries, scan_entry, static_entry
from snn_ros.bags.convert.sources import Entry, Source, frames_in, read_text, stamps_at
from snn_ros.bags.errors import ConversionError
from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.kitti.calibration import read_object_calibration
from snn_ros.kitti.labels import DONT_CARE, boxes_of, read_labels


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
    every = read_labels(file)
    labels = [label for label in every if label.class_name != DONT_CARE]
    if left_out := len(every) - len(labels):
        source.left_out["DontCare labels"] += left_out
    for label, box in zip(labels, boxes_of(labels, T_velodyne_camera), strict=True):
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_euler("z", box[6]).as_matrix()
        pose[:3, 3] = box[:3]
        length, width, height = box[3:6].tolist()
        yield messages.Box(label.class_name, pose, (length, width, height))
