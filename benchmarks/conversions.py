"""Milliseconds per message of the conversions, beside the usual way of doing the same.

Example: ``python -m benchmarks.conversions``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import statistics
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image, PointCloud2

from benchmarks.output import json_target, publish
from snn_ros.ros.conversions.images import read_image, write_image
from snn_ros.ros.conversions.point_clouds import read_points, write_points
from snn_ros.ros.conversions.stamps import write_header

_FIELDS = ("x", "y", "z", "intensity")
_HEIGHT, _WIDTH = 375, 1242  # KITTI's image
_LEAST_RUNS = 3
_LEAST_SECONDS = 0.3  # per measurement

Call = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One conversion, ours and the rival's."""

    name: str
    ours: Call
    rival: Call
    rival_name: str


def cases() -> Iterator[Case]:
    """All conversions, on seeded data."""
    random = np.random.default_rng(0)
    for megabytes in (2, 8):
        count = megabytes * 1_000_000 // 16
        yield from _cloud_cases(f"cloud_{megabytes}MB", random.normal(size=(count, 4)))
    pixels = random.integers(0, 256, (_HEIGHT, _WIDTH, 3), np.uint8)
    yield from _image_cases(f"image_{_WIDTH}x{_HEIGHT}", cv2.GaussianBlur(pixels, (9, 9), 3))


def _cloud_cases(name: str, values: np.ndarray) -> Iterator[Case]:
    points = values.astype(np.float32)
    message = write_points(points, _FIELDS, 0, "lidar")
    raw = message.data.tobytes()
    yield Case(
        f"{name}_read",
        lambda: read_points(message),
        lambda: np.array(list(struct.iter_unpack("<4f", raw)), np.float32),
        "a loop of struct.unpack",
    )
    yield Case(
        f"{name}_write",
        lambda: write_points(points, _FIELDS, 0, "lidar"),
        lambda: PointCloud2(data=points.view(np.uint8).ravel()),
        "an ndarray assigned to data",
    )


def _image_cases(name: str, pixels: Any) -> Iterator[Case]:
    message = write_image(pixels, "bgr8", 0, "camera")
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    compressed = CompressedImage(header=write_header(0, "camera"), format="jpeg", data=jpeg)

    def copied() -> np.ndarray:
        return np.array(message.data, np.uint8).reshape(_HEIGHT, _WIDTH, 3)

    yield Case(f"{name}_read", lambda: read_image(message, "bgr"), copied, "a copy, unchecked")
    yield Case(
        f"{name}_read_mono",
        lambda: read_image(message, "mono"),
        lambda: cv2.cvtColor(copied(), cv2.COLOR_BGR2GRAY),
        "a copy, unchecked, and cvtColor",
    )
    yield Case(
        f"{name}_read_jpeg",
        lambda: read_image(compressed, "bgr"),
        lambda: cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR),
        "cv2.imdecode, unchecked",
    )
    yield Case(
        f"{name}_write",
        lambda: write_image(pixels, "bgr8", 0, "camera"),
        lambda: Image(data=pixels.ravel()),
        "an ndarray assigned to data",
    )


def milliseconds(call: Call) -> float:
    """Median of several runs after one that warms up."""
    call()
    runs: list[float] = []
    while len(runs) < _LEAST_RUNS or sum(runs) < _LEAST_SECONDS:
        began = time.perf_counter()
        call()
        runs.append(time.perf_counter() - began)
    return statistics.median(runs) * 1e3


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    scores = {}
    lines = [f"{'conversion':32}{'ms':>9}{'rival ms':>10}{'ratio':>9}  rival"]
    for case in cases():
        ours, rival = milliseconds(case.ours), milliseconds(case.rival)
        scores[f"{case.name}_ms"] = ours
        scores[f"{case.name}_rival_ms"] = rival
        scores[f"{case.name}_ratio"] = rival / ours
        lines.append(
            f"{case.name:32}{ours:9.3f}{rival:10.3f}{rival / ours:9.1f}  {case.rival_name}"
        )
    publish("ros", "seeded clouds and images", scores, target, lines)


if __name__ == "__main__":
    main()
