"""Scores what a LiDAR detector's node answered to the clouds of a recording."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from rclpy.serialization import deserialize_message
from vision_msgs.msg import Detection3DArray

from snn_ros.cli.evaluations.lidar_detection import (
    COLUMNS,
    judge,
    picture_of,
    rows_of,
    scores_of,
)
from snn_ros.cli.evaluations.lidar_scenes import open_scenes
from snn_ros.cli.regression.outcome import (
    EntryDoesNotFit,
    Outcome,
    answer_scores,
    replayed_to_nodes,
    stamp_of,
)
from snn_ros.cli.regression.recordings import Made
from snn_ros.drawing import Image
from snn_ros.lidar_detection import Detections
from snn_ros.lidar_detection.edge_decoding import DecodingConfig
from snn_ros.lidar_detection.scans import CLASSES
from snn_ros.ros.conversions.detections import read_detections

_WIDTH = 14.0  # of the figure in inches


def score_lidar(made: Made) -> Outcome:
    """Replay to the nodes, and judge the scans they answered.

    What the node does not publish, since its score is lower, does not count for average precision
    either.

    Args:
        made: its answers are boxes in the frame of the cloud.

    Raises:
        EntryDoesNotFit: it lacks what is needed, or nothing was answered.
        ReplayFailed: the recording did not get through.
    """
    found = replayed_to_nodes(made)
    answered = {stamp_of(heard.cdr): heard.cdr for heard in found.heard[made.entry.output]}
    threshold = DecodingConfig().score_threshold
    judged, pictures = [], []
    for scene in open_scenes(made.bag):
        if scene.stamp_ns not in answered:
            continue
        detections = read_answer(answered[scene.stamp_ns])
        judged.append(judge(scene, detections, threshold))
        pictures.append(picture_of(scene, detections, threshold))
    if not judged:
        raise EntryDoesNotFit(f"output = {made.entry.output!r}: no scan was answered")
    scores = answer_scores(made, found) | scores_of(judged, threshold)
    return Outcome(scores, COLUMNS, rows_of(judged), _figure(pictures[len(pictures) // 2]))


def read_answer(cdr: bytes) -> Detections:
    """The boxes of a serialised message, those of our classes."""
    message = read_detections(deserialize_message(cdr, Detection3DArray))
    known = [row for row, name in enumerate(message.class_names) if name in CLASSES]
    labels = [CLASSES.index(message.class_names[row]) for row in known]
    return Detections(
        np.asarray(message.boxes[known], dtype=np.float64),
        np.asarray(message.scores[known], dtype=np.float64),
        np.array(labels, dtype=np.int64),
    )


def _figure(picture: Image) -> Figure:
    height, width = picture.shape[:2]
    figure = plt.figure(figsize=(_WIDTH, _WIDTH * height / width))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.imshow(picture)
    axes.axis("off")
    return figure
