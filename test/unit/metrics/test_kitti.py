"""KITTI's average precision on cases computed by hand, and on its own labels."""

import numpy as np
import pytest
from support.labelled import found, label

from snn_ros.kitti.folder import read_frames
from snn_ros.metrics.kitti import evaluate_kitti

COUNT = 80  # objects; each of the 41 samples has its own
REGION = label(class_name="DontCare", left=500.0)


def scores(frames, difficulty: str = "moderate", measure: str = "3d") -> tuple[float, float]:
    result = evaluate_kitti(frames, least_overlap={"Car": 0.7}, measures=[measure])
    figures = result["Car", measure, difficulty]
    return figures.r40, figures.r11


def frame(i: int, *more):
    """A car found with a score of its own, and what else there is."""
    return [label()], [found(label(), 0.9 - 0.01 * i), *more]


def test_all_found() -> None:
    assert scores([frame(i) for i in range(COUNT)]) == (100.0, 100.0)


def test_half_found_differs_between_the_two_means() -> None:
    """Recalls 1/40 .. 20/40 of 40, but 0, 0.1 .. 0.5 of 11."""
    frames = [frame(i) if i < COUNT // 2 else ([label()], []) for i in range(COUNT)]
    r40, r11 = scores(frames)
    assert r40 == pytest.approx(100.0 * 20 / 40)
    assert r11 == pytest.approx(100.0 * 6 / 11)


def test_one_object_has_one_sample() -> None:
    assert scores([frame(0)]) == (0.0, pytest.approx(100.0 / 11))


def test_nothing_to_find() -> None:
    assert np.isnan(scores([([], [found(label(), 0.5)])])).all()


def test_nothing_found() -> None:
    assert scores([([label()], [])] * COUNT) == (0.0, 0.0)


def test_false_alarms_better_than_all_found() -> None:
    frames = [frame(i, found(label(x=9.0), 0.99)) for i in range(COUNT)]
    assert scores(frames) == (pytest.approx(50.0), pytest.approx(50.0))


def test_false_alarms_worse_than_all_found() -> None:
    frames = [frame(i, found(label(x=9.0), 0.01)) for i in range(COUNT)]
    assert scores(frames) == (100.0, 100.0)


def test_an_object_is_found_once() -> None:
    """Of each two detections of an object one is wrong, unless the threshold leaves it out."""
    twice = [frame(i, found(label(), 0.9 - 0.01 * i)) for i in range(COUNT)]
    assert scores(twice)[0] == pytest.approx(50.0)
    weaker = [frame(i, found(label(), 0.05)) for i in range(COUNT)]
    assert scores(weaker)[0] == 100.0


@pytest.mark.parametrize(("shift", "all_found"), [(0.70, True), (0.71, False)])
def test_overlap_must_be_more_than_the_least(shift: float, all_found: bool) -> None:
    # 4 m long, shifted along: (4 - s) / (4 + s) is 0.7 at s = 0.706
    frames = [([label()], [found(label(x=shift), 0.9)])] * COUNT
    assert scores(frames)[0] == (100.0 if all_found else 0.0)


def test_height_counts_in_space_but_not_from_above() -> None:
    raised = found(label(), 0.9, location=(0.0, 1.2, 20.0))  # 1.0 of 1.5 m in common: half
    frames = [([label()], [raised])] * COUNT
    assert scores(frames)[0] == 0.0
    assert scores(frames, measure="bev")[0] == 100.0


@pytest.mark.parametrize(
    "ignored",
    [
        label(x=9.0, class_name="Van"),
        label(x=9.0, occlusion=2),
        label(x=9.0, truncation=0.4),
        label(x=9.0, height=25.0),
    ],
)
@pytest.mark.parametrize("is_found", [True, False])
def test_what_is_ignored_neither_counts_nor_hurts(ignored, is_found: bool) -> None:
    """At moderate; found with more confidence than everything else, as a car."""
    alarm = [found(ignored, 0.99, class_name="Car")] if is_found else []
    frames = [([label(), ignored], [found(label(), 0.9 - 0.01 * i), *alarm]) for i in range(COUNT)]
    assert scores(frames) == (100.0, 100.0)


def test_other_classes_hurt() -> None:
    truck = label(x=9.0, class_name="Truck")
    alarm = found(truck, 0.99, class_name="Car")
    frames = [([label(), truck], [found(label(), 0.5), alarm])] * COUNT
    assert scores(frames)[0] == pytest.approx(50.0)


def test_an_object_counts_where_it_is_easy_enough() -> None:
    hard = label(x=9.0, occlusion=2)
    frames = [([label(), hard], [found(label(), 0.9 - 0.01 * i)]) for i in range(COUNT)]
    assert scores(frames, "easy")[0] == 100.0
    assert scores(frames, "moderate")[0] == 100.0
    assert scores(frames, "hard")[0] == pytest.approx(50.0)


def test_low_detections_are_not_wrong() -> None:
    low = found(label(x=9.0, height=24.9), 0.99)
    high = found(label(x=9.0, height=25.0), 0.99)
    assert scores([frame(i, low) for i in range(COUNT)])[0] == 100.0
    assert scores([frame(i, high) for i in range(COUNT)])[0] == pytest.approx(50.0)
    assert scores([frame(i, high) for i in range(COUNT)], "easy")[0] == 100.0  # 40 pixels there


@pytest.mark.parametrize(("shift", "excused"), [(29.0, True), (31.0, False)])
def test_regions_excuse_what_they_cover(shift: float, excused: bool) -> None:
    """Only as image boxes: regions have no place in space."""
    alarm = found(label(x=9.0, left=500.0 + shift), 0.99)
    frames = [([label(), REGION], [found(label(), 0.9 - 0.01 * i), alarm]) for i in range(COUNT)]
    assert scores(frames, measure="image")[0] == (100.0 if excused else pytest.approx(50.0))
    assert scores(frames)[0] == pytest.approx(50.0)


@pytest.fixture(scope="module")
def real(data_dir):
    folder = data_dir / "kitti_object"
    if not folder.is_dir():
        pytest.skip(f"real recordings: no folder {folder}")
    return read_frames(folder)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 100.0), (0.3, 100.0), (1.2, 0.0)])
def test_real_labels(real, shift: float, expected: float) -> None:
    """Labels as detections, in the frame of the LiDAR and back, along the road by some metres."""
    frames = []
    for one in real * 30:  # six frames hold too few objects for 41 samples
        names = [each.class_name for each in one.objects()]
        boxes = one.boxes() + np.array([shift, 0, 0, 0, 0, 0, 0])
        frames.append((one.labels, one.detections(boxes, names, np.linspace(0.9, 0.5, len(boxes)))))
    for measure in ("3d", "bev"):
        result = evaluate_kitti(frames, measures=[measure])
        assert result["Car", measure, "moderate"].objects == 90
        assert result["Car", measure, "moderate"].r40 == expected
