"""Found cars and false alarms on scenes made by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from support.labelled import found, label

from snn_ros.kitti.folder import read_frames
from snn_ros.metrics.detection import FrameScore, score_frame, score_frames


def test_found_missed_and_wrong() -> None:
    truth = [label(), label(x=9.0), label(x=18.0, occlusion=1)]
    detections = [found(truth[0], 0.9), found(truth[2], 0.4), found(label(x=-9.0), 0.3)]
    assert score_frame(truth, detections) == FrameScore(cars=3, cars_found=2, false_positives=1)


@pytest.mark.parametrize(("shift", "hit"), [(1.33, True), (1.34, False)])
def test_half_of_the_union_is_enough(shift: float, hit: bool) -> None:
    score = score_frame([label()], [found(label(x=shift), 0.9)])  # (4 - s) / (4 + s)
    assert score == FrameScore(1, int(hit), int(not hit))


def test_hard_cars_are_not_counted_and_not_wrong() -> None:
    truth = [label(occlusion=2), label(x=9.0, truncation=0.6), label(x=18.0, height=20.0)]
    assert score_frame(truth, []) == FrameScore(0, 0, 0)
    assert score_frame(truth[:2], [found(one, 0.9) for one in truth[:2]]) == FrameScore(0, 0, 0)


def test_low_detections_are_not_scored() -> None:
    low = found(label(height=24.9), 0.9)
    assert score_frame([label()], [low]) == FrameScore(1, 0, 0)
    assert score_frame([], [low]) == FrameScore(0, 0, 0)
    assert score_frame([], [found(label(height=25.0), 0.9)]).false_positives == 1


def test_the_second_on_a_car_is_wrong() -> None:
    detections = [found(label(), 0.9), found(label(x=0.2), 0.8)]
    assert score_frame([label()], detections) == FrameScore(1, 1, 1)


@pytest.mark.parametrize("class_name", ["DontCare", "Van", "Misc"])
def test_neither_count_nor_hurt(class_name: str) -> None:
    region = label(x=9.0, class_name=class_name)
    assert score_frame([region], []) == FrameScore(0, 0, 0)
    alarm = found(label(x=10.0, left=149.0), 0.9)
    assert score_frame([region], [alarm]).false_positives == 0
    aside = found(label(x=10.0, left=151.0), 0.9)  # less than half of it
    assert score_frame([region], [aside]).false_positives == 1


def test_classes_are_kept_apart() -> None:
    walker = label(class_name="Pedestrian")
    assert score_frame([walker], [found(walker, 0.9)]) == FrameScore(0, 0, 0)
    assert score_frame([walker], [found(label(), 0.9)]).false_positives == 1
    assert score_frame([label()], [found(walker, 0.9)]) == FrameScore(1, 0, 1)
    assert score_frame([], [found(label(class_name="Truck"), 0.9)]).false_positives == 0


def test_sums_over_frames() -> None:
    frames = [([label()], [found(label(), 0.9)]), ([label()], [found(label(x=9.0), 0.9)])]
    frames.append(([], []))
    figures = score_frames(frames)
    assert figures["recall_car_moderate_iou50"] == 0.5
    assert figures["false_positives_per_frame"] == pytest.approx(1 / 3)
    assert all(math.isnan(value) for value in score_frames([]).values())


def test_real_labels(data_dir) -> None:
    """Every object detected as it is; those of classes that are not ours as cars."""
    folder = data_dir / "kitti_object"
    if not folder.is_dir():
        pytest.skip(f"real recordings: no folder {folder}")
    frames = []
    for one in read_frames(folder):
        ours = ("Car", "Pedestrian", "Cyclist")
        names = [n if n in ours else "Car" for n in (each.class_name for each in one.objects())]
        found = one.detections(one.boxes(), names, np.full(len(names), 0.5))
        frames.append((one.labels, found))
    scores = [score_frame(*frame) for frame in frames]
    assert sum(score.cars for score in scores) == sum(score.cars_found for score in scores) == 3
    # the truck of 000001 is a false alarm, the thing labelled Misc in 000002 is not
    assert [score.false_positives for score in scores] == [0, 1, 0, 0, 0, 0]
    moved = [
        (
            truth,
            [replace(one, location=(*one.location[:2], one.location[2] + 3.0)) for one in found],
        )
        for truth, found in frames
    ]
    assert score_frames(moved)["recall_car_moderate_iou50"] == 0.0
