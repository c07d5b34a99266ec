"""Boxes and vision_msgs/Detection3DArray, visualization_msgs/MarkerArray."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from vision_msgs.msg import Detection3D, Detection3DArray, ObjectHypothesisWithPose
from visualization_msgs.msg import Marker, MarkerArray

from snn_ros.ros.conversions.stamps import read_header, write_duration, write_header
from snn_ros.ros.conversions.validation import BadFrame, BadValue, finite, unit_quaternion

_TILT_TOLERANCE = 1e-3  # of a quaternion's x and y: boxes turn about z only
_BOX_OPACITY = 0.5
_TEXT_HEIGHT = 0.8  # m
_ARROW_WIDTH = 0.15  # m
_ARROW_SECONDS = 1.0  # how far ahead a velocity arrow points


@dataclass(frozen=True, eq=False)
class Detections:
    """N boxes of one input, checked on construction.

    Raises:
        ValueError: lengths differ, a number is not finite, or a size is not positive.
    """

    boxes: NDArray[np.floating]
    """(N, 7) x y z of the geometric centre, dx dy dz along the box's own axes in metres, yaw about
    +z in radians (0: dx along the frame's x)."""
    scores: NDArray[np.floating]
    """(N,) the detector's confidence; not a probability."""
    class_names: Sequence[str]
    track_ids: Sequence[str] | None = None
    """One per box, empty where untracked; None for a detector that does not track."""
    velocities: NDArray[np.floating] | None = None
    """(N, 2) m/s in the frame of the boxes, drawn as arrows; Detection3DArray cannot hold them."""

    def __post_init__(self) -> None:
        count = len(self.class_names)
        shapes = {"boxes": (count, 7), "scores": (count,), "velocities": (count, 2)}
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values is None:
                continue
            if values.shape != shape:
                raise ValueError(f"{name}: {values.shape}: expected {shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: not finite")
        if count and self.boxes[:, 3:6].min() <= 0:
            raise ValueError(f"boxes: size {self.boxes[:, 3:6].min()}: expected more than 0")
        if self.track_ids is not None and len(self.track_ids) != count:
            raise ValueError(f"track_ids: {len(self.track_ids)}: expected {count}")

    def __len__(self) -> int:
        return len(self.class_names)


def write_detections(detections: Detections, stamp_ns: int, frame_id: str) -> Detection3DArray:
    """The standard message of a set of boxes.

    Args:
        detections: what was found.
        stamp_ns: of the input it was found in, or the time it is predicted for.
        frame_id: the frame of the boxes.
    """
    header = write_header(stamp_ns, frame_id)
    message = Detection3DArray(header=header)
    for i, (box, score) in enumerate(
        zip(detections.boxes.tolist(), detections.scores.tolist(), strict=True)
    ):
        detection = Detection3D(header=header)
        detection.bbox.center = _box_pose(box)
        detection.bbox.size = Vector3(x=box[3], y=box[4], z=box[5])
        if detections.track_ids is not None:
            detection.id = detections.track_ids[i]
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = detections.class_names[i]
        result.hypothesis.score = score
        result.pose.pose = detection.bbox.center
        detection.results.append(result)
        message.detections.append(detection)
    return message


def read_detections(message: Detection3DArray) -> Detections:
    """The boxes of a message, each under its best hypothesis.

    Raises:
        BadStamp: see read_header.
        BadFrame: no frame, or a detection in another one than the array.
        BadValue: not finite, a size that is not positive, a box that is tilted, or no hypothesis.
    """
    _, frame_id = read_header(message.header)
    boxes = np.zeros((len(message.detections), 7))
    scores = np.zeros(len(message.detections))
    class_names = []
    for i, detection in enumerate(message.detections):
        field = f"detections[{i}]"
        if detection.header.frame_id not in ("", frame_id):
            raise BadFrame(f"{field}.header.frame_id", detection.header.frame_id, "not the array's")
        if not detection.results:
            raise BadValue(f"{field}.results", [], "no hypothesis")
        best = max(detection.results, key=lambda result: result.hypothesis.score).hypothesis
        boxes[i] = _read_box(detection, field)
        scores[i] = finite(f"{field}.results.hypothesis.score", best.score, (1,))[0]
        class_names.append(best.class_id)
    track_ids = [detection.id for detection in message.detections]
    return Detections(boxes, scores, class_names, track_ids)


def write_markers(
    detections: Detections, stamp_ns: int, frame_id: str, lifetime_ns: int
) -> MarkerArray:
    """Boxes, labels and velocity arrows for RViz and Foxglove.

    The first marker deletes those of the message before, so that nothing stays that is no longer
    detected; the lifetime clears the last ones when no message follows.

    Args:
        detections: what to show.
        stamp_ns: as of the detections message.
        frame_id: the frame of the boxes.
        lifetime_ns: until the markers vanish, 0 for never.
    """
    header = write_header(stamp_ns, frame_id)
    lifetime = write_duration(lifetime_ns)
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for i in range(len(detections)):
        for marker in _markers_of(detections, i):
            marker.header, marker.lifetime, marker.id = header, lifetime, i
            markers.append(marker)
    return MarkerArray(markers=markers)


def _markers_of(detections: Detections, i: int) -> Iterator[Marker]:
    box = detections.boxes[i].tolist()
    colour = _colour(detections.class_names[i])
    yield Marker(
        ns="boxes",
        type=Marker.CUBE,
        pose=_box_pose(box),
        scale=Vector3(x=box[3], y=box[4], z=box[5]),
        color=colour,
    )
    track = detections.track_ids[i] if detections.track_ids is not None else ""
    above = Point(x=box[0], y=box[1], z=box[2] + box[5] / 2 + _TEXT_HEIGHT)
    yield Marker(
        ns="labels",
        type=Marker.TEXT_VIEW_FACING,
        pose=Pose(position=above),
        scale=Vector3(z=_TEXT_HEIGHT),
        color=ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
        text=f"{detections.class_names[i]} {track} {detections.scores[i]:.2f}".replace("  ", " "),
    )
    if detections.velocities is not None:
        vx, vy = detections.velocities[i].tolist()
        x, y, z = box[:3]
        tip = Point(x=x + vx * _ARROW_SECONDS, y=y + vy * _ARROW_SECONDS, z=z)
        yield Marker(
            ns="velocities",
            type=Marker.ARROW,
            points=[Point(x=x, y=y, z=z), tip],
            scale=Vector3(x=_ARROW_WIDTH, y=2 * _ARROW_WIDTH),
            color=ColorRGBA(r=colour.r, g=colour.g, b=colour.b, a=1.0),
        )


def _box_pose(box: Sequence[float]) -> Pose:
    half_yaw = box[6] / 2
    return Pose(
        position=Point(x=box[0], y=box[1], z=box[2]),
        orientation=Quaternion(z=float(np.sin(half_yaw)), w=float(np.cos(half_yaw))),
    )


def _read_box(detection: Detection3D, field: str) -> NDArray[np.float64]:
    center, size = detection.bbox.center, detection.bbox.size
    position, rotation = center.position, center.orientation
    numbers = (position.x, position.y, position.z, size.x, size.y, size.z)
    box = finite(f"{field}.bbox", numbers, (6,))
    if box[3:].min() <= 0:
        raise BadValue(f"{field}.bbox.size", box[3:].tolist(), "expected more than 0")
    x, y, z, w = unit_quaternion(
        f"{field}.bbox.center.orientation", (rotation.x, rotation.y, rotation.z, rotation.w)
    )
    if max(abs(x), abs(y)) > _TILT_TOLERANCE:
        raise BadValue(f"{field}.bbox.center.orientation", [x, y, z, w], "tilted, not a yaw")
    return np.append(box, 2 * np.arctan2(z, w))


def _colour(class_name: str) -> ColorRGBA:
    """A colour that a class keeps from run to run."""
    hue = (zlib.crc32(class_name.encode()) % 360) / 360
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.8, 1.0)
    return ColorRGBA(r=red, g=green, b=blue, a=_BOX_OPACITY)
