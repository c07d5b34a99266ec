"""Any field may hold any value of its type: a reader refuses the message or reads it soundly."""

import dataclasses
import math
import warnings

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from hypothesis import given
from hypothesis import strategies as st
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CameraInfo, CompressedImage, Imu, LaserScan, Range
from support.fuzzed_messages import spoil

from snn_ros.ros.conversions.cameras import read_camera_info
from snn_ros.ros.conversions.detections import Detections, read_detections, write_detections
from snn_ros.ros.conversions.geometry import read_imu, read_odometry, read_range, read_transform
from snn_ros.ros.conversions.grids import Grid, read_grid, write_grid
from snn_ros.ros.conversions.images import image_view, read_image, write_image
from snn_ros.ros.conversions.paths import PosePath, read_path, write_path
from snn_ros.ros.conversions.point_clouds import read_points, write_points
from snn_ros.ros.conversions.scans import read_middle_ray
from snn_ros.ros.conversions.stamps import write_header
from snn_ros.ros.conversions.validation import BadMessage

HEADER = write_header(1_000_000_001, "frame")


def cloud():
    points = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    return write_points(points, ("x", "y", "z", "intensity"), 5, "lidar")


def image():
    return write_image(np.arange(60, dtype=np.uint8).reshape(4, 5, 3), "bgr8", 5, "camera")


def compressed():
    data = cv2.imencode(".png", np.arange(60, dtype=np.uint8).reshape(4, 5, 3))[1].tobytes()
    return CompressedImage(header=HEADER, format="png", data=data)


def scan():
    return LaserScan(header=HEADER, range_max=4.0, ranges=[1.0, math.inf, -math.inf])


def camera_info():
    return CameraInfo(
        header=HEADER,
        width=640,
        height=480,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[500.0, 0, 320, 0, 500, 240, 0, 0, 1],
        r=np.eye(3).ravel(),
        p=[500.0, 0, 320, -50, 0, 500, 240, 0, 0, 0, 1, 0],
    )


def detections():
    boxes = np.array([[1.0, 2, 3, 4, 5, 6, 0.5], [7.0, 8, 9, 1, 2, 3, -0.5]])
    return write_detections(Detections(boxes, np.array([0.9, 0.1]), ("Car", "Van")), 5, "lidar")


def grid():
    return write_grid(Grid(5, "map", 0.5, np.eye(4), np.zeros((2, 3), np.int8)))


def path():
    quaternions = np.tile([0.0, 0, 0, 1], (3, 1))
    return write_path(PosePath(5, "map", np.arange(3), np.zeros((3, 3)), quaternions))


CASES = {
    "cloud": (cloud, read_points),
    "image": (image, lambda m: read_image(m, "mono")),
    "image_view": (image, image_view),
    "compressed": (compressed, lambda m: read_image(m, "rgb")),
    "camera_info": (camera_info, read_camera_info),
    "odometry": (lambda: Odometry(header=HEADER, child_frame_id="base"), read_odometry),
    "imu": (lambda: Imu(header=HEADER), read_imu),
    "range": (lambda: Range(header=HEADER, max_range=4.0, range=1.0), read_range),
    "scan": (scan, read_middle_ray),
    "transform": (lambda: TransformStamped(header=HEADER, child_frame_id="base"), read_transform),
    "detections": (detections, read_detections),
    "grid": (grid, read_grid),
    "path": (path, read_path),
}


def assert_sound(value):
    """No number that is not finite, no array that claims more than it holds."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            assert_sound(getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        assert value.dtype == np.uint8 or np.isfinite(value).all()
        assert value.nbytes < 10**6
    elif isinstance(value, float):
        assert not math.isnan(value)


@pytest.mark.parametrize("case", CASES)
def test_the_message_the_fuzzing_starts_from_is_good(case):
    make, read = CASES[case]
    assert_sound(read(make()))


@pytest.mark.parametrize("case", CASES)
@given(data=st.data())
def test_any_message_is_read_soundly_or_refused(case, data):
    make, read = CASES[case]
    message = make()
    spoil(message, data, at_least=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = read(message)
        except BadMessage as err:
            assert str(err).startswith(err.field + ": ")
            return
    if not (case == "image_view" and result.dtype.kind == "f"):  # a depth image may have gaps
        assert_sound(result)
