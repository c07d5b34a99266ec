"""The edge detector's default score threshold, from simulated validation drives.

The drives are neither trained on nor scored; half of their scans are seen among clumps. The rule:
the highest threshold, in steps of 0.02, that loses at most one in a hundred of the cars that the
lowest one finds: what is beyond only adds false positives. No real scan has a part in it.

Example: ``python -m benchmarks.lidar_threshold --json -``
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.output import json_target, publish
from snn_ros.cli.simulated_scans import ensure_drives, one_lidar
from snn_ros.lidar_detection import DetectorConfig, LidarDetector
from snn_ros.lidar_detection.augmentation import from_road
from snn_ros.lidar_detection.clutter import with_clumps
from snn_ros.lidar_detection.edge_decoding import DecodingConfig
from snn_ros.lidar_detection.evaluation import confident, kitti_frame
from snn_ros.lidar_detection.scans import LabelledScan, ScanFolder
from snn_ros.lidar_detection.training import LOW_SCORE
from snn_ros.metrics.detection import score_frames

FOLDER = Path("build/training/lidar_detection/validation")
SEEDS = range(90_000, 90_010)
CLUMPS = 16
LARGEST_LOSS = 0.01  # of recall
THRESHOLDS = np.arange(LOW_SCORE, 0.9, 0.02)


def among_clumps(scan: LabelledScan, number: int) -> LabelledScan:
    """The scan, frame of the LiDAR, with clumps drawn by its number."""
    fuller = with_clumps(from_road(scan), CLUMPS, np.random.default_rng(number))
    points = fuller.points.copy()
    points[:, 2] -= scan.sensor_height
    return replace(scan, points=points, points_in_box=fuller.points_in_box)


def main() -> None:
    """Detect, try all thresholds, and print them with the one that the rule takes."""
    target = json_target(__doc__)
    config = DetectorConfig(decoding=DecodingConfig(score_threshold=LOW_SCORE))
    detector, frames = LidarDetector.from_config(device="cpu", config=config), []
    for number, scan in enumerate(ScanFolder(ensure_drives(FOLDER, SEEDS, one_lidar("hdl_64e")))):
        seen = among_clumps(scan, number) if number % 2 else scan
        frames.append(kitti_frame(seen, detector.detect(seen.points).detections))
    scores: dict[str, float] = {"frames": len(frames)}
    recalls = []
    for threshold in THRESHOLDS:
        found = score_frames([confident(frame, threshold) for frame in frames])
        name = f"threshold_{threshold:.2f}"
        scores[f"{name}_recall"] = found["recall_car_moderate_iou50"]
        scores[f"{name}_false_positives"] = found["false_positives_per_frame"]
        recalls.append(found["recall_car_moderate_iou50"])
    taken = float(THRESHOLDS[np.array(recalls) >= max(recalls) - LARGEST_LOSS].max())
    publish("lidar_detection", "validation drives", scores | {"score_threshold": taken}, target)


if __name__ == "__main__":
    main()
