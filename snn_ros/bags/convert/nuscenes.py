"""nuScenes key frames with their information as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from snn_ros.bags.convert import messages
from snn_ros.bags.convert.sources import (
    STATIC_TRANSFORMS,
    TRANSFORMS,
    Entry,
    Source,
    in_time_order,
    read_image,
    read_points,
    read_text,
)
from snn_ros.bags.errors import ConversionError
from snn_ros.geometry.rigid import Transform

_POINT = np.dtype([(name, "<f4") for name in ("x", "y", "z", "intensity", "ring")])
_LIDAR = "lidar_top"


def nuscenes(source: Source) -> Iterator[Entry]:
    """Samples of nuScenes: six cameras, LiDAR, pose, labelled boxes.

    Every sensor keeps its own stamp. ``base_link`` is the vehicle's frame, and the calibration of
    the first sample stands for all. Boxes of no category of the detection benchmark are left out.

    Args:
        source: folder with info.json (the layout of mmdetection3d's info files, converted from
            pickle) and the files it names.
    """
    path = source.path / "info.json"
    try:
        information = json.loads(read_text(path))
        names = {number: name for name, number in information["metainfo"]["categories"].items()}
        samples = information["data_list"]
        calibration = messages.transforms(first := _earliest(samples[0]), _links(samples[0]))
        yield Entry(first, STATIC_TRANSFORMS, calibration)
        for sample in samples:
            yield from _sample(source, sample, names)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as err:
        raise ConversionError(path, f"not nuScenes info: {type(err).__name__} {err}") from err


def _sample(source: Source, sample: Mapping[str, Any], names: Mapping[int, str]) -> Iterator[Entry]:
    return in_time_order(
        _lidar(source, sample, names),
        *(_camera(source.path, name, camera) for name, camera in sorted(sample["images"].items())),
    )


def _lidar(source: Source, sample: Mapping[str, Any], names: Mapping[int, str]) -> Iterator[Entry]:
    """What has the stamp of the LiDAR: the cloud, the vehicle's pose, and the boxes."""
    stamp = _nanoseconds(sample["timestamp"])
    pose = _transform(sample["ego2global"])
    points = read_points(source.path / sample["lidar_points"]["lidar_path"], _POINT)
    found = [i for i in sample["instances"] if i["bbox_label_3d"] in names]
    source.left_out["boxes of no category"] += len(sample["instances"]) - len(found)
    labelled = messages.boxes(stamp, _LIDAR, (_box(instance, names) for instance in found))
    yield Entry(stamp, TRANSFORMS, messages.transforms(stamp, [("map", "base_link", pose)]))
    yield Entry(stamp, "/nuscenes/odometry", messages.odometry(stamp, "map", "base_link", pose))
    yield Entry(stamp, f"/nuscenes/{_LIDAR}/points", messages.point_cloud(stamp, _LIDAR, points))
    yield Entry(stamp, "/nuscenes/ground_truth", labelled)


def _camera(folder: Path, name: str, camera: Mapping[str, Any]) -> Iterator[Entry]:
    stamp, frame = _nanoseconds(camera["timestamp"]), name.lower()
    pixels = read_image(folder / camera["img_path"])
    height, width = pixels.shape[:2]
    projection = np.hstack([np.array(camera["cam2img"], dtype=float), np.zeros((3, 1))])
    info = messages.camera_info(stamp, frame, width, height, projection)
    yield Entry(stamp, f"/nuscenes/{frame}/camera_info", info)
    yield Entry(stamp, f"/nuscenes/{frame}/image", messages.image(stamp, frame, pixels))


def _links(sample: Mapping[str, Any]) -> list[tuple[str, str, Transform]]:
    lidar = ("base_link", _LIDAR, _transform(sample["lidar_points"]["lidar2ego"]))
    cameras = sample["images"].items()
    return [lidar, *(("base_link", n.lower(), _transform(c["cam2ego"])) for n, c in cameras)]


def _box(instance: Mapping[str, Any], names: Mapping[int, str]) -> messages.Box:
    x, y, z, length, width, height, yaw = instance["bbox_3d"]
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("z", yaw).as_matrix()
    pose[:3, 3] = x, y, z
    return messages.Box(names[instance["bbox_label_3d"]], pose, (length, width, height))


def _earliest(sample: Mapping[str, Any]) -> int:
    return min(_nanoseconds(s["timestamp"]) for s in [sample, *sample["images"].values()])


def _transform(rows: Any) -> Transform:
    transform: NDArray[np.float64] = np.array(rows, dtype=float)
    if transform.shape != (4, 4):
        raise ValueError(f"a transform of shape {transform.shape}")
    return transform


def _nanoseconds(seconds: float) -> int:
    """File stamps are whole microseconds; the seconds they come as have rounding noise below."""
    return round(seconds * 1e6) * 1000
