"""Message objects from plain arrays, for writing; no ROS is needed.

Poses are 4x4 transforms ``T_parent_child``, see ``snn_ros.geometry.rigid``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys.stores import ros2_jazzy as ros

from snn_ros.bags.message_types import standard_types
from snn_ros.geometry.rigid import Transform, quaternion_of

_FIELD_TYPES = {
    np.dtype(np.uint8): ros.sensor_msgs__msg__PointField.UINT8,
    np.dtype(np.uint16): ros.sensor_msgs__msg__PointField.UINT16,
    np.dtype(np.float32): ros.sensor_msgs__msg__PointField.FLOAT32,
}


@dataclass(frozen=True, eq=False)
class Box:
    """One labelled box."""

    label: str
    pose: Transform
    """(4, 4) of the geometric centre; x along the length, z up."""
    size: tuple[float, float, float]
    """Length, width, height in metres."""


def header(stamp_ns: int, frame: str) -> ros.std_msgs__msg__Header:
    """Stamp and frame."""
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    return ros.std_msgs__msg__Header(
        ros.builtin_interfaces__msg__Time(seconds, nanoseconds), frame_id=frame
    )


def range_message(stamp_ns: int, frame: str, distance: float) -> ros.sensor_msgs__msg__Range:
    """A reading in metres, as of the blimp's laser: narrow beam, 0.1 to 12 m."""
    return ros.sensor_msgs__msg__Range(
        header=header(stamp_ns, frame),
        radiation_type=ros.sensor_msgs__msg__Range.INFRARED,
        field_of_view=0.04,
        min_range=0.1,
        max_range=12.0,
        range=distance,
        variance=0.0,
    )


def point(
    stamp_ns: int, frame: str, x: float, y: float, z: float
) -> ros.geometry_msgs__msg__PointStamped:
    """A point in metres."""
    return ros.geometry_msgs__msg__PointStamped(
        header(stamp_ns, frame), ros.geometry_msgs__msg__Point(x, y, z)
    )


def pose(stamp_ns: int, frame: str, transform: Transform) -> ros.geometry_msgs__msg__PoseStamped:
    """A pose in a frame."""
    return ros.geometry_msgs__msg__PoseStamped(header(stamp_ns, frame), _pose(transform))


def transforms(
    stamp_ns: int, links: Iterable[tuple[str, str, Transform]]
) -> ros.tf2_msgs__msg__TFMessage:
    """Frames as (parent, child, T_parent_child)."""
    return ros.tf2_msgs__msg__TFMessage(
        [
            ros.geometry_msgs__msg__TransformStamped(
                header(stamp_ns, parent),
                child,
                ros.geometry_msgs__msg__Transform(
                    ros.geometry_msgs__msg__Vector3(*transform[:3, 3].tolist()),
                    ros.geometry_msgs__msg__Quaternion(*quaternion_of(transform).tolist()),
                ),
            )
            for parent, child, transform in links
        ]
    )


def odometry(
    stamp_ns: int,
    frame: str,
    child: str,
    transform: Transform,
    linear: Iterable[float] = (0.0, 0.0, 0.0),
    angular: Iterable[float] = (0.0, 0.0, 0.0),
) -> ros.nav_msgs__msg__Odometry:
    """A pose in a frame, with velocities in m/s and rad/s in the child's axes."""
    unknown = np.zeros(36)
    return ros.nav_msgs__msg__Odometry(
        header(stamp_ns, frame),
        child,
        ros.geometry_msgs__msg__PoseWithCovariance(_pose(transform), unknown),
        ros.geometry_msgs__msg__TwistWithCovariance(
            ros.geometry_msgs__msg__Twist(
                ros.geometry_msgs__msg__Vector3(*linear), ros.geometry_msgs__msg__Vector3(*angular)
            ),
            unknown,
        ),
    )


def point_cloud(
    stamp_ns: int, frame: str, points: NDArray[Any]
) -> ros.sensor_msgs__msg__PointCloud2:
    """A cloud of points in metres.

    Args:
        stamp_ns: of the scan.
        frame: of the sensor.
        points: (N,) structured; each member becomes a field of the cloud.
    """
    members: Mapping[str, Any] = points.dtype.fields or {}
    return ros.sensor_msgs__msg__PointCloud2(
        header=header(stamp_ns, frame),
        height=1,
        width=len(points),
        fields=[
            ros.sensor_msgs__msg__PointField(name, offset, _FIELD_TYPES[dtype], 1)
            for name, (dtype, offset, *_) in members.items()
        ],
        is_bigendian=False,
        point_step=points.dtype.itemsize,
        row_step=points.nbytes,
        data=np.ascontiguousarray(points).view(np.uint8),
        is_dense=True,
    )


def image(stamp_ns: int, frame: str, pixels: NDArray[np.uint8]) -> ros.sensor_msgs__msg__Image:
    """A picture.

    Args:
        stamp_ns: of the exposure.
        frame: optical frame of the camera.
        pixels: (H, W) grey or (H, W, 3) blue, green, red, as OpenCV reads them.
    """
    colour = pixels.ndim == 3
    return ros.sensor_msgs__msg__Image(
        header=header(stamp_ns, frame),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding="bgr8" if colour else "mono8",
        is_bigendian=0,
        step=pixels.shape[1] * (3 if colour else 1),
        data=np.ascontiguousarray(pixels).reshape(-1),
    )


def camera_info(
    stamp_ns: int,
    frame: str,
    width: int,
    height: int,
    projection: NDArray[np.float64],
) -> ros.sensor_msgs__msg__CameraInfo:
    """Calibration of a rectified camera.

    Args:
        stamp_ns: of the image it belongs to.
        frame: optical frame of the camera.
        width: of the image in pixels.
        height: of the image in pixels.
        projection: (3, 4) P; its last column is zero, but for the right camera of a stereo pair,
            where its first entry is -fx times the baseline.
    """
    return ros.sensor_msgs__msg__CameraInfo(
        header=header(stamp_ns, frame),
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=projection[:, :3].reshape(9).copy(),
        r=np.eye(3).reshape(9),
        p=projection.reshape(12).copy(),
        binning_x=0,
        binning_y=0,
        roi=ros.sensor_msgs__msg__RegionOfInterest(0, 0, 0, 0, do_rectify=False),
    )


def boxes(stamp_ns: int, frame: str, found: Iterable[Box]) -> Any:
    """Labelled boxes as vision_msgs/Detection3DArray with score 1."""
    types = standard_types().types
    detections = [
        types["vision_msgs/msg/Detection3D"](
            header=header(stamp_ns, frame),
            results=[
                types["vision_msgs/msg/ObjectHypothesisWithPose"](
                    types["vision_msgs/msg/ObjectHypothesis"](box.label, 1.0),
                    ros.geometry_msgs__msg__PoseWithCovariance(_pose(box.pose), np.zeros(36)),
                )
            ],
            bbox=types["vision_msgs/msg/BoundingBox3D"](
                _pose(box.pose), ros.geometry_msgs__msg__Vector3(*box.size)
            ),
            id="",
        )
        for box in found
    ]
    return types["vision_msgs/msg/Detection3DArray"](header(stamp_ns, frame), detections)


def _pose(transform: Transform) -> ros.geometry_msgs__msg__Pose:
    return ros.geometry_msgs__msg__Pose(
        ros.geometry_msgs__msg__Point(*transform[:3, 3].tolist()),
        ros.geometry_msgs__msg__Quaternion(*quaternion_of(transform).tolist()),
    )
