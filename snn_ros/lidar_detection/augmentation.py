"""Scans as other sensors on other roads might have seen them.

All act on a scan whose z is counted from the road. Each draws from the generator it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting
from snn_ros.geometry.angles import wrap_angle
from snn_ros.geometry.rotated_iou import near
from snn_ros.lidar_detection.clutter import with_clumps
from snn_ros.lidar_detection.scans import CLASSES, LabelledScan

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AugmentationConfig:
    """How much scans are varied."""

    full_turn: float = setting(
        0.5, "share of scans turned to any heading", minimum=0.0, maximum=1.0
    )
    turn: float = setting(0.785, "largest turn of the others", unit="rad", minimum=0.0)
    scale: float = setting(0.05, "largest change of scale", minimum=0.0, maximum=0.5)
    lift: float = setting(0.08, "deviation of the road's height", unit="m", minimum=0.0)
    slope: float = setting(
        0.008, "deviation of the road's slope, along and across", unit="rad", minimum=0.0
    )
    beam_loss: float = setting(
        0.3, "share of scans that keep every second ring", minimum=0.0, maximum=1.0
    )
    point_loss: float = setting(0.3, "largest share of points lost", minimum=0.0, maximum=1.0)
    range_noise: float = setting(0.02, "largest deviation of ranges", unit="m", minimum=0.0)
    intensity_scale: float = setting(0.7, "largest logarithm of the intensities' gain", minimum=0.0)
    no_intensity: float = setting(
        0.1, "share of scans without intensities", minimum=0.0, maximum=1.0
    )
    clumps: int = setting(
        16, "bushes, walls, posts and the like that are added at most", minimum=0, maximum=100
    )
    pasted: tuple[int, ...] = setting(
        (3, 6, 6), "objects of each class that are added at most", minimum=0, maximum=50
    )


@dataclass(frozen=True, eq=False)
class CutOut:
    """An object with its points, z of both counted from the road.

    Attributes:
        points: (N, 4).
        box: (7,).
        class_name: of ``CLASSES``.
    """

    points: NDArray[np.float32]
    box: Floats
    class_name: str


def from_road(scan: LabelledScan) -> LabelledScan:
    """The scan with z counted from the road."""
    points, boxes = scan.points.copy(), scan.boxes.copy()
    points[:, 2] += scan.sensor_height
    boxes[:, 2] += scan.sensor_height
    return replace(scan, points=points, boxes=boxes)


def augmented(
    scan: LabelledScan,
    config: AugmentationConfig,
    others: Sequence[CutOut],
    rng: np.random.Generator,
) -> LabelledScan:
    """A variation of a scan.

    Args:
        scan: z counted from the road.
        config: how much.
        others: objects of other scans, some of which are pasted.
        rng: decides.
    """
    scan = with_clumps(pasted(scan, config, others, rng), config.clumps, rng)
    scan = _thinned(scan, config, rng)
    return _moved(_dimmed(scan, config, rng), config, rng)


def cut_outs(scan: LabelledScan, least_points: int = 10) -> list[CutOut]:
    """The objects of a scan (z counted from the road) that have points enough."""
    chosen = np.isin(scan.classes, CLASSES) & (scan.points_in_box >= least_points)
    return [
        CutOut(scan.points[_inside(scan.points, scan.boxes[i])], scan.boxes[i], str(name))
        for i, name in enumerate(scan.classes)
        if chosen[i]
    ]


def pasted(
    scan: LabelledScan,
    config: AugmentationConfig,
    others: Sequence[CutOut],
    rng: np.random.Generator,
) -> LabelledScan:
    """Add objects of other scans, turned about the sensor, where no box is; their shadow is not.

    Turned about the sensor, an object keeps its distance and the side it shows.
    """
    boxes, classes, points = scan.boxes, list(scan.classes), [scan.points]
    counts = list(scan.points_in_box)
    for name, most in zip(CLASSES, config.pasted, strict=True):
        own = [other for other in others if other.class_name == name]
        for _ in range(int(rng.integers(0, most + 1)) if own else 0):
            other = own[int(rng.integers(len(own)))]
            angle = float(rng.uniform(-np.pi, np.pi))
            box = _turned_boxes(other.box[None], angle)
            if len(boxes) and near(box[:, None], boxes[None]).any():
                continue
            points[0] = points[0][~_inside(points[0], box[0])]
            points.append(_turned_points(other.points, angle))
            boxes = np.concatenate([boxes, box])
            classes.append(name)
            counts.append(len(other.points))
    return replace(
        scan,
        points=np.concatenate(points),
        boxes=boxes,
        classes=np.array(classes, dtype=np.str_),
        points_in_box=np.array(counts, dtype=np.int64),
    )


def _moved(
    scan: LabelledScan, config: AugmentationConfig, rng: np.random.Generator
) -> LabelledScan:
    """Mirrored, turned, scaled, lifted, on a road that rises or falls."""
    points, boxes = scan.points.copy(), scan.boxes.copy()
    if rng.random() < 0.5:
        points[:, 1] *= -1.0
        boxes[:, 1] *= -1.0
        boxes[:, 6] *= -1.0
    limit = np.pi if rng.random() < config.full_turn else config.turn
    angle = float(rng.uniform(-limit, limit))
    scale = 1.0 + float(rng.uniform(-config.scale, config.scale))
    lift = float(rng.normal(0.0, config.lift))
    points, boxes = _turned_points(points, angle), _turned_boxes(boxes, angle)
    points[:, :3] *= scale
    boxes[:, :6] *= scale
    slope = rng.normal(0.0, config.slope, 2)
    points[:, 2] += (lift + points[:, :2] @ slope).astype(np.float32)
    boxes[:, 2] += lift + boxes[:, :2] @ slope
    return replace(scan, points=points, boxes=boxes)


def _thinned(
    scan: LabelledScan, config: AugmentationConfig, rng: np.random.Generator
) -> LabelledScan:
    """Rings and single points lost; points of each box counted anew by the same share."""
    points = scan.points
    kept = rng.random(len(points)) >= float(rng.uniform(0.0, config.point_loss))
    if rng.random() < config.beam_loss:
        # the sensor is not at z = 0, which rings are measured from
        distance = np.hypot(points[:, 0], points[:, 1])
        elevation = np.degrees(np.arctan2(points[:, 2] - scan.sensor_height, distance))
        spacing, phase = float(rng.uniform(0.4, 1.4)), float(rng.uniform(0.0, 1.0))
        kept &= np.floor(elevation / spacing + phase).astype(np.int64) % 2 == 0
    share = kept.mean() if len(kept) else 1.0
    counts = np.floor(scan.points_in_box * share).astype(np.int64)
    return replace(scan, points=points[kept], points_in_box=counts)


def _dimmed(
    scan: LabelledScan, config: AugmentationConfig, rng: np.random.Generator
) -> LabelledScan:
    """Other gain of the receiver, noisier ranges."""
    points = scan.points.copy()
    gain = np.exp(rng.uniform(-config.intensity_scale, config.intensity_scale))
    gain *= float(rng.random() >= config.no_intensity)
    points[:, 3] = (points[:, 3] * gain).clip(0.0, 1.0)
    noise = rng.normal(0.0, float(rng.uniform(0.0, config.range_noise)), len(points))
    distance = np.linalg.norm(points[:, :3], axis=1).clip(min=1.0)
    points[:, :3] *= (1.0 + noise / distance)[:, None].astype(np.float32)
    return replace(scan, points=points)


def _turned_points(points: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    turned = points.copy()
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    turned[:, 0] = points[:, 0] * cosine - points[:, 1] * sine
    turned[:, 1] = points[:, 0] * sine + points[:, 1] * cosine
    return turned


def _turned_boxes(boxes: Floats, angle: float) -> Floats:
    turned = boxes.copy()
    cosine, sine = np.cos(angle), np.sin(angle)
    turned[:, 0] = boxes[:, 0] * cosine - boxes[:, 1] * sine
    turned[:, 1] = boxes[:, 0] * sine + boxes[:, 1] * cosine
    turned[:, 6] = wrap_angle(boxes[:, 6] + angle)
    return turned


def _inside(points: NDArray[np.float32], box: Floats) -> NDArray[np.bool_]:
    """(N,) which points lie in a box, a little more than its faces included."""
    away = points[:, :3] - box[:3]
    along = away[:, 0] * np.cos(box[6]) + away[:, 1] * np.sin(box[6])
    across = away[:, 1] * np.cos(box[6]) - away[:, 0] * np.sin(box[6])
    local = np.abs(np.stack([along, across, away[:, 2]], axis=1))
    inside: NDArray[np.bool_] = (local <= box[3:6] / 2 + 0.05).all(axis=1)
    return inside
