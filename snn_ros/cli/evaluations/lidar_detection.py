"""Score the LiDAR detector on KITTI's frames or on a recorded drive."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.cli.evaluations.evaluation import Evaluation, latency_ms
from snn_ros.cli.evaluations.lidar_scenes import Scene, open_scenes
from snn_ros.configuration import check
from snn_ros.drawing import Image
from snn_ros.errors import SnnRosError
from snn_ros.lidar_detection import Detections, DetectorConfig, LidarDetector
from snn_ros.lidar_detection.edge_decoding import DecodingConfig
from snn_ros.lidar_detection.evaluation import confident, frame_scores
from snn_ros.lidar_detection.pictures import beside, birds_eye_picture, camera_picture, enlarged
from snn_ros.lidar_detection.training import LOW_SCORE
from snn_ros.metrics.detection import FrameScore, score_frame
from snn_ros.metrics.kitti import Frame
from snn_ros.spiking.activity import NetworkActivity

COLUMNS = ("frame", "cars found", "of", "false positives")
_METERED = 5
"""Frames whose spikes are counted, the first ones: it takes longer than to detect."""


class NothingToScore(SnnRosError):
    """An input has no labelled scans."""


class PictureNotWritten(SnnRosError):
    """The folder of the pictures cannot be written."""


class Judged(NamedTuple):
    """What was found in a scene, beside what is there.

    Attributes:
        name: of the scene.
        frame: labels and all detections, as KITTI's evaluation takes them.
        score: of the detections from the threshold on.
    """

    name: str
    frame: Frame
    score: FrameScore


def evaluate(arguments: argparse.Namespace) -> Evaluation:
    """Detect in every scan of the input, score, and draw if asked to."""
    threshold = arguments.threshold
    if threshold is None:
        threshold = DecodingConfig().score_threshold
    check(DecodingConfig(score_threshold=threshold))
    scenes = open_scenes(Path(arguments.input))
    first = next(scenes, None)
    if first is None:
        raise NothingToScore(f"{arguments.input}: no labelled scan")
    config = DetectorConfig(
        sensor_height=first.sensor_height,
        decoding=DecodingConfig(score_threshold=min(LOW_SCORE, threshold)),
    )
    detector = LidarDetector.from_config(
        arguments.profile, weights=arguments.weights, config=config
    )
    detector.detect(_input(first, arguments.profile))  # memory and compiled code are ready then
    judged, durations, activity = [], [], []
    for number, scene in enumerate(itertools.chain([first], scenes)):
        points = _input(scene, arguments.profile)
        result = detector.detect(points)
        durations.append(sum(result.stage_ms.values()))
        judged.append(judge(scene, result.detections, threshold))
        if detector.is_spiking and number < _METERED:
            metered = detector.detect(points, meter=True)
            assert metered.activity is not None
            activity.append(metered.activity)
        if arguments.pictures is not None:
            write_picture(arguments.pictures, scene, result.detections, threshold)
    return Evaluation(
        scores=scores_of(judged, threshold),
        latency_ms=latency_ms(np.array(durations)),
        spikes=_mean_figures(activity),
        columns=COLUMNS,
        rows=rows_of(judged),
    )


def judge(scene: Scene, detections: Detections, threshold: float) -> Judged:
    """Hold detections of a scene against what is there."""
    frame = scene.frame(detections)
    return Judged(scene.name, frame, score_frame(*confident(frame, threshold)))


def scores_of(judged: Sequence[Judged], threshold: float) -> dict[str, float]:
    """The scores of all scenes; the number of cars is that behind the recall."""
    counts = {
        "frames": float(len(judged)),
        "cars_easy_or_moderate": float(sum(one.score.cars for one in judged)),
    }
    return frame_scores([one.frame for one in judged], threshold) | counts


def rows_of(judged: Sequence[Judged]) -> list[tuple[object, ...]]:
    """A row of ``COLUMNS`` for each scene."""
    return [
        (one.name, one.score.cars_found, one.score.cars, one.score.false_positives)
        for one in judged
    ]


def picture_of(scene: Scene, detections: Detections, threshold: float) -> Image:
    """The camera's picture with boxes and without, and the cloud from above."""
    shown = detections.select(detections.scores >= threshold)
    from_above = birds_eye_picture(scene.points, shown, scene.truth, scene.sensor_height)
    taken = scene.picture()
    if taken is None:
        return from_above
    taken, intrinsics = enlarged(taken, scene.intrinsics)
    drawn = camera_picture(taken, shown, scene.truth, scene.pose, intrinsics)
    return beside([drawn, taken], from_above)


def write_picture(folder: Path, scene: Scene, detections: Detections, threshold: float) -> None:
    """Write ``picture_of`` as ``NAME.png``.

    Raises:
        PictureNotWritten: the file system refuses.
    """
    picture = picture_of(scene, detections, threshold)
    png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
    file = folder / f"{scene.name}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)
    except OSError as err:
        raise PictureNotWritten(f"{file}: cannot be written: {err.strerror or err}") from err


def _input(scene: Scene, profile: str) -> NDArray[np.float32]:
    """All points, or for the published detector those in the picture, as it was trained."""
    return scene.points_in_view() if profile == "paper" else scene.points


def _mean_figures(activity: Sequence[NetworkActivity]) -> dict[str, float]:
    figures = [one.figures() for one in activity]
    return {name: float(np.mean([one[name] for one in figures])) for name in (figures or [{}])[0]}
