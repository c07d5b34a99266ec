"""Labelled scans with a camera's view, from KITTI's folders and from recorded drives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as ImageFile

from snn_ros.bags import BagReader
from snn_ros.cli.bag_topics import WrongTopics, only_topic, topics_of
from snn_ros.drawing import Floats, Image
from snn_ros.geometry.boxes import Boxes, transform_boxes
from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.kitti.folder import KittiFrame, read_frames
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.evaluation import kitti_frame
from snn_ros.lidar_detection.paper.pipeline import KITTI_SENSOR_HEIGHT
from snn_ros.lidar_detection.scans import CLASSES, CameraView, LabelledScan
from snn_ros.metrics.kitti import Frame
from snn_ros.ros.conversions.cameras import read_camera_info
from snn_ros.ros.conversions.geometry import read_transform
from snn_ros.ros.conversions.images import read_image
from snn_ros.ros.conversions.point_clouds import PointCloud, read_points
from snn_ros.ros.conversions.stamps import read_header
from snn_ros.ros.frames import FrameTree
from snn_ros.simulation.sensors.mounts import CameraMount, kitti_stereo

_CLOUD, _TRUTH = "sensor_msgs/msg/PointCloud2", "snn_ros/msg/ObjectTruthArray"
_CAMERA, _STATIC = "sensor_msgs/msg/CameraInfo", "/tf_static"
_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_BASE = "base_link"  # on the road


@dataclass(frozen=True, eq=False)
class Scene:
    """One scan, what is true in it, and the camera that tells what counts.

    Attributes:
        name: of the frame.
        stamp_ns: of the cloud; 0 in folders, which have no times.
        points: (N, 4) x, y, z in m in the frame of the LiDAR, intensity 0..1.
        sensor_height: of the LiDAR above the road in m.
        truth: (M, 7) boxes of all objects, in the frame of the LiDAR.
        pose: (4, 4) ``T_camera_lidar``, optical frame.
        intrinsics: (3, 3).
        size: width and height of its picture in pixels.
        frame: labels and given detections as KITTI's evaluation takes them.
        picture: of the camera, (H, W, 3) RGB; None where there is none.
    """

    name: str
    stamp_ns: int
    points: NDArray[np.float32]
    sensor_height: float
    truth: Boxes
    pose: Transform
    intrinsics: Floats
    size: tuple[int, int]
    frame: Callable[[Detections], Frame]
    picture: Callable[[], Image | None]

    def points_in_view(self) -> NDArray[np.float32]:
        """(K, 4) those that the camera's picture shows: what the published detector was fed."""
        seen = self.points[:, :3] @ self.pose[:3, :3].T + self.pose[:3, 3]
        pixels = seen @ self.intrinsics.T
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = pixels[:, :2] / pixels[:, 2:]
        inside = (pixels >= 0.0) & (pixels <= np.array(self.size) - 1.0)
        return self.points[(seen[:, 2] > 0.0) & inside.all(axis=1)]


def open_scenes(path: Path) -> Iterator[Scene]:
    """The scans of a KITTI folder or of a recording, one after the other.

    Raises:
        KittiFileError: a frame of the folder cannot be read.
        BagUnreadable: it is neither, or a damaged recording.
        WrongTopics: the recording is not that of a simulated drive with a LiDAR.
    """
    if (path / "calib").is_dir() or (path / "training").is_dir():
        return map(_kitti_scene, read_frames(path))
    return _recorded_scenes(path)


def _kitti_scene(frame: KittiFrame) -> Scene:
    def labelled(found: Detections) -> Frame:
        names = [CLASSES[label] for label in found.labels]
        return frame.labels, frame.detections(found.boxes, names, found.scores)

    return Scene(
        name=frame.name,
        stamp_ns=0,
        points=frame.scan(),
        sensor_height=KITTI_SENSOR_HEIGHT,
        truth=frame.boxes(),
        pose=frame.picture_from_lidar,
        intrinsics=frame.intrinsics,
        size=frame.image_size,
        frame=labelled,
        picture=lambda: np.array(ImageFile.open(frame.image_file).convert("RGB")),
    )


@dataclass(frozen=True, eq=False)
class _Recording:
    """What holds for all scans of a recorded drive.

    Attributes:
        bag: open.
        frames: that do not move.
        truth: messages by stamp in ns.
        camera: that tells what counts; ``pose`` is ``T_base_camera``.
        images: topics of its pictures.
    """

    bag: BagReader
    frames: FrameTree
    truth: dict[int, Any]
    camera: CameraMount
    images: list[str]

    def scene(self, stamp_ns: int, cloud: PointCloud) -> Scene:
        """The scene of a cloud whose message was recorded at a stamp."""
        T_base_lidar = self.frames.lookup(_BASE, cloud.frame_id)
        scan = _labelled(cloud, self.truth[cloud.stamp_ns], T_base_lidar, self.camera)
        assert scan.view is not None
        return Scene(
            name=f"{cloud.stamp_ns * 1e-9:.3f}",
            stamp_ns=cloud.stamp_ns,
            points=scan.points,
            sensor_height=scan.sensor_height,
            truth=scan.boxes,
            pose=scan.view.pose,
            intrinsics=scan.view.intrinsics,
            size=(self.camera.width, self.camera.height),
            frame=lambda found: kitti_frame(scan, found),
            picture=lambda: self._picture(stamp_ns),
        )

    def _picture(self, stamp_ns: int) -> Image | None:
        if not self.images:
            return None
        taken = self.bag.messages(self.images, start_ns=stamp_ns, stop_ns=stamp_ns + 1)
        return next((read_image(self.bag.decode(message), "rgb") for message in taken), None)


def _recorded_scenes(path: Path) -> Iterator[Scene]:
    with BagReader(path) as bag:
        clouds, truths = only_topic(bag, _CLOUD), only_topic(bag, _TRUTH)
        decoded = [bag.decode(message) for message in bag.messages([truths])]
        if not decoded:
            raise WrongTopics(f"{path}: no message of {truths}")
        frames, name = _static_frames(bag), decoded[0].camera
        drive = _Recording(
            bag=bag,
            frames=frames,
            truth={read_header(truth.header)[0]: truth for truth in decoded},
            camera=_camera(bag, frames, name),
            images=_image_topics(bag, name),
        )
        for message in bag.messages([clouds]):
            cloud = read_points(bag.decode(message))
            if cloud.stamp_ns in drive.truth:
                yield drive.scene(message.stamp_ns, cloud)


def _labelled(
    cloud: PointCloud, truth: Any, T_base_lidar: Transform, camera: CameraMount
) -> LabelledScan:
    points = np.zeros((len(cloud.points), 4), dtype=np.float32)  # without intensity it is 0
    points[:, : len(cloud.fields)] = cloud.points
    objects = truth.objects
    boxes = np.array([one.box for one in objects], dtype=np.float64).reshape(-1, 7)
    image_boxes = np.array([one.image_box for one in objects], dtype=np.float64).reshape(-1, 4)
    return LabelledScan(
        points=points,
        sensor_height=float(T_base_lidar[2, 3]),
        boxes=transform_boxes(boxes, inverse(T_base_lidar)),
        classes=np.array([one.class_name for one in objects], dtype=np.str_),
        points_in_box=np.array([one.lidar_points for one in objects], dtype=np.int64),
        view=CameraView(
            pose=inverse(camera.pose) @ T_base_lidar,
            intrinsics=camera.intrinsics,
            size=np.array([camera.width, camera.height]),
            boxes=image_boxes,
            truncation=np.array([one.truncation for one in objects], dtype=np.float64),
            occlusion=np.array([one.occlusion for one in objects], dtype=np.int64),
        ),
    )


def _static_frames(bag: BagReader) -> FrameTree:
    frames = FrameTree()
    for message in bag.messages([_STATIC]):
        for transform in bag.decode(message).transforms:
            frames.add(read_transform(transform), static=True)
    return frames


def _camera(bag: BagReader, frames: FrameTree, name: str) -> CameraMount:
    """The camera of a name; where none was recorded, that of KITTI, by which truth is told then."""
    for topic in topics_of(bag, _CAMERA):
        for message in bag.messages([topic]):
            info = read_camera_info(bag.decode(message))
            if info.frame_id != name:
                break
            (fx, _, cx), (_, fy, cy) = info.K[:2].tolist()
            pose = frames.lookup(_BASE, name)
            return CameraMount(name, info.width, info.height, fx, fy, cx, cy, pose)
    mount = kitti_stereo()[0]
    if name != mount.name:
        raise WrongTopics(f"{bag.path}: no {_CAMERA} of the camera {name!r}, which tells the truth")
    return mount


def _image_topics(bag: BagReader, camera: str) -> list[str]:
    """Those whose messages are of a camera, and no truth such as depth."""
    found = []
    for kind in _IMAGES:
        for topic in topics_of(bag, kind):
            first = next(iter(bag.messages([topic])), None)
            if first is None or "ground_truth" in topic:
                continue
            if bag.decode(first).header.frame_id == camera:
                found.append(topic)
    return found
