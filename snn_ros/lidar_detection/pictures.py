"""Detections beside what is true: in the camera's picture, and from above in the cloud."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.drawing import (
    BACKGROUND,
    TRUE_BOX,
    Colour,
    Floats,
    Image,
    draw_from_above,
    draw_in_camera,
    top_view,
    write_text,
)
from snn_ros.geometry.boxes import Boxes
from snn_ros.geometry.image_boxes import project_boxes
from snn_ros.geometry.rigid import Transform
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.scans import CLASSES

REACH = 52.0  # m to each side, in pictures from above
COLOURS: dict[str, Colour] = {
    "Car": (255, 150, 40), "Pedestrian": (255, 90, 200), "Cyclist": (90, 190, 255)
}  # fmt: skip
_SIZE = 750  # of a picture from above in pixels
_WIDTH = 1242  # of KITTI's pictures
_TEXT_ABOVE = 24  # pixels


def camera_picture(
    picture: Image, detections: Detections, truth: Boxes, pose: Transform, intrinsics: Floats
) -> Image:
    """Boxes in a camera's picture: the true ones green, found ones by class with their score.

    Args:
        picture: (H, W, 3) RGB.
        detections: in the frame of the LiDAR.
        truth: (N, 7) in the same.
        pose: (4, 4) ``T_camera_lidar``, optical frame.
        intrinsics: (3, 3).
    """
    drawn = picture.copy()
    height, width = picture.shape[:2]
    draw_in_camera(drawn, truth, pose, intrinsics, TRUE_BOX)
    for name, found in _by_class(detections):
        draw_in_camera(drawn, found.boxes, pose, intrinsics, COLOURS[name])
        seen = project_boxes(found.boxes, pose, intrinsics, width, height)
        for (left, top), score in zip(
            seen.boxes[seen.in_view, :2].round().astype(int).tolist(),
            found.scores[seen.in_view].tolist(),
            strict=True,
        ):
            write_text(drawn, f"{score:.2f}", left, top - _TEXT_ABOVE, COLOURS[name])
    return drawn


def enlarged(picture: Image, intrinsics: Floats, width: int = _WIDTH) -> tuple[Image, Floats]:
    """A picture at least so wide, and the intrinsics (3, 3) that belong to it then."""
    scale = max(width / picture.shape[1], 1.0)
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    wider = intrinsics * [[scale], [scale], [1.0]]
    wider[:2, 2] += (scale - 1.0) / 2  # whole numbers are the centres of pixels
    return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), wider


def birds_eye_picture(
    points: NDArray[np.floating],
    detections: Detections,
    truth: Boxes,
    sensor_height: float,
    size: int = _SIZE,
) -> Image:
    """The cloud and all boxes from above, (size, size, 3); the sensor in the middle looks up.

    Args:
        points: (N, 3 or more) x, y, z in m in the frame of the LiDAR.
        detections: in the same frame; one colour a class.
        truth: (N, 7) in the same frame; green.
        sensor_height: of the LiDAR above the road in m.
        size: in pixels.
    """
    view = top_view(points[:, :3] + [0.0, 0.0, sensor_height], size, REACH)
    draw_from_above(view, truth, REACH, TRUE_BOX)
    for name, found in _by_class(detections):
        draw_from_above(view, found.boxes, REACH, COLOURS[name])
    for row, (name, colour) in enumerate([("true", TRUE_BOX), *COLOURS.items()]):
        write_text(view, name, 0, row * _TEXT_ABOVE, colour)
    return view


def beside(cameras: list[Image], from_above: Image) -> Image:
    """Pictures of one width one below the other, and one from above at their right.

    Args:
        cameras: (H, W, 3) each; may be none.
        from_above: (S, S, 3).
    """
    if not cameras:
        return from_above
    left = np.concatenate(cameras)
    height = max(len(left), len(from_above))
    return np.hstack([_as_high(left, height), _as_high(from_above, height)])


def _as_high(picture: Image, height: int) -> Image:
    rest = np.full((height - len(picture), picture.shape[1], 3), BACKGROUND, dtype=np.uint8)
    return np.concatenate([picture, rest])


def _by_class(detections: Detections) -> list[tuple[str, Detections]]:
    return [(name, detections.select(detections.labels == i)) for i, name in enumerate(CLASSES)]
