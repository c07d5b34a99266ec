"""Pairing of results with truth, and its scores, against the authors' simulator and evaluator."""

import itertools

import numpy as np
import pytest
from support.stereo_vectors import cases

from snn_ros.kitti.difficulty import DIFFICULTIES
from snn_ros.kitti.labels import KittiLabel
from snn_ros.metrics.kitti import evaluate_kitti
from snn_ros.stereo_detection.streaming import newest_results, streamed

PERIOD_MS = 100.0
CLASSES = ("Car", "Pedestrian", "Cyclist", "Van")
MEASURES = {"bbox": "image", "bev": "bev", "3d": "3d"}
STRATEGIES = ("offline", "copy60", "copy150")


def paired(latencies, clips):
    cycle = itertools.cycle(latencies.tolist())
    return [newest_results(frames, cycle, period=PERIOD_MS).tolist() for frames in clips]


def test_pairing(parity_dir):
    for vectors in cases(parity_dir, "sap"):
        names = [name.removesuffix("_latency_ms") for name in vectors if "latency" in name]
        assert names
        for name in names:
            truth = vectors[f"{name}_gt_frame"]
            assert truth.tolist() == list(range(len(truth)))
            sources = paired(vectors[f"{name}_latency_ms"], [len(truth)])[0]
            assert sources == vectors[f"{name}_source_frame"].tolist(), name
        clips = vectors["three_clips_mixed_gt_frame"]
        starts = [*np.flatnonzero(clips == 0).tolist(), len(clips)]
        lengths = np.diff(starts).tolist()
        sources = itertools.chain(*paired(vectors["mixed_latency_ms"], lengths))
        assert list(sources) == vectors["three_clips_mixed_source_frame"].tolist()
        vectors.assert_all_read()


def labels_of(vectors, kind):
    """Of each frame of the file."""
    columns = {name: vectors[f"{kind}_{name}"].tolist() for name in (
        "frame", "class", "bbox", "dimensions", "location", "rotation_y", "alpha")}  # fmt: skip
    count = len(columns["frame"])
    truth = kind == "gt"
    truncated = vectors["gt_truncated"].tolist() if truth else [0.0] * count
    occluded = vectors["gt_occluded"].tolist() if truth else [0] * count
    scores = [None] * count if truth else vectors["det_score"].tolist()
    frames = [[] for _ in vectors["clip_of_frame"]]
    for row in range(count):
        length, height, width = columns["dimensions"][row]
        label = KittiLabel(
            CLASSES[columns["class"][row]], truncated[row], int(occluded[row]),
            tuple(columns["bbox"][row]), (height, width, length),
            tuple(columns["location"][row]), columns["rotation_y"][row], score=scores[row],
        )  # fmt: skip
        frames[columns["frame"][row]].append(label)
    return frames


def frames_of(vectors, strategy):
    labels, detections = labels_of(vectors, "gt"), labels_of(vectors, "det")
    latencies = vectors[f"{strategy}_latency_ms"]
    if not len(latencies):
        return list(zip(labels, detections, strict=True))
    clips = vectors["clip_of_frame"].numpy()
    rows = [np.flatnonzero(clips == clip) for clip in np.unique(clips)]
    frames = []
    for sources, clip in zip(paired(latencies, map(len, rows)), rows, strict=True):
        inside = slice(clip[0], clip[-1] + 1)
        frames += streamed(labels[inside], detections[inside], np.array(sources))
    return frames


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_average_precision(parity_dir, strategy):
    for vectors in cases(parity_dir, "sap_ap"):
        frames = frames_of(vectors, strategy)
        overlaps = vectors["min_overlap_strict_loose"]
        counted = 0
        for kind, (place, (name, measure)) in itertools.product(
            range(2), enumerate(MEASURES.items())
        ):
            least = dict(zip(CLASSES, overlaps[kind, place].tolist(), strict=False))
            found = evaluate_kitti(frames, least_overlap=least, measures=[measure])
            for row, level in itertools.product(range(3), range(3)):
                score = found[CLASSES[row], measure, DIFFICULTIES[level]]
                for points, value in (("R40", score.r40), ("R11", score.r11)):
                    expected = float(vectors[f"{strategy}_{name}_{points}"][row, level, kind])
                    # with nothing to find, ours is NaN and theirs 0
                    ours = 0.0 if score.objects == 0 else value
                    assert ours == pytest.approx(expected, abs=1e-6)
                counted += score.objects > 0
        assert counted
