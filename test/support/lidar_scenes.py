"""Small scenes for the LiDAR detector: a road and road users as surfaces of boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import count_points
from snn_ros.lidar_detection.scans import CameraView, LabelledScan

SENSOR_HEIGHT = 1.6
BOXES = np.array(
    [
        [6.0, 3.0, 0.75, 4.2, 1.8, 1.5, 0.3],
        [5.0, -5.0, 0.75, 4.4, 1.8, 1.5, -2.0],
        [9.0, -1.0, 0.9, 0.7, 0.6, 1.8, 1.0],
        [-6.0, 4.0, 0.85, 1.8, 0.6, 1.7, 2.5],
    ]
)
"""z above the road."""

CLASSES = np.array(["Car", "Car", "Pedestrian", "Cyclist"])


def scene(seed: int = 0, reach: float = 12.0) -> LabelledScan:
    """A scan of a flat road and ``BOXES``, in the frame of the LiDAR."""
    rng = np.random.default_rng(seed)
    road = np.column_stack([rng.uniform(-reach, reach, (1500, 2)), rng.normal(-0.1, 0.01, 1500)])
    points = np.concatenate([road, *(_surface(box, rng) for box in BOXES)])
    points[:, 2] -= SENSOR_HEIGHT
    boxes = BOXES - SENSOR_HEIGHT * np.eye(7)[2]
    cloud = np.column_stack([points, rng.uniform(0.1, 0.5, len(points))]).astype(np.float32)
    return LabelledScan(
        points=cloud,
        sensor_height=SENSOR_HEIGHT,
        boxes=boxes,
        classes=CLASSES,
        points_in_box=count_points(cloud, boxes, 0.01),
        view=_view(len(boxes)),
    )


def _surface(box: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """(N, 3) points on the faces of a box."""
    local = rng.uniform(-0.5, 0.5, (400, 3))
    face = rng.integers(3, size=400)
    local[np.arange(400), face] = np.sign(local[np.arange(400), face]) * 0.5
    local *= box[3:6]
    cosine, sine = np.cos(box[6]), np.sin(box[6])
    x, y = local[:, 0] * cosine - local[:, 1] * sine, local[:, 0] * sine + local[:, 1] * cosine
    return np.column_stack([x, y, local[:, 2]]) + box[:3]


def _view(count: int) -> CameraView:
    """A camera at the LiDAR that looks ahead, and plain visible objects of 60 pixels."""
    pose = np.eye(4)
    pose[:3, :3] = [[0, -1, 0], [0, 0, -1], [1, 0, 0]]
    boxes = np.tile([100.0, 100.0, 160.0, 160.0], (count, 1))
    ahead = BOXES[:, 0] > 0
    return CameraView(
        pose=pose,
        intrinsics=np.array([[300.0, 0, 600.0], [0, 300.0, 180.0], [0, 0, 1]]),
        size=np.array([1200, 360]),
        boxes=boxes * ahead[:, None],
        truncation=np.where(ahead, 0.0, 1.0),
        occlusion=np.where(ahead, 0, 3),
    )
