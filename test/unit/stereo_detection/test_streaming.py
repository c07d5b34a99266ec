"""Which result is the newest at each frame's moment."""

import itertools

import numpy as np
import pytest

from snn_ros.stereo_detection.streaming import NO_RESULT, LatencyError, newest_results, streamed


def sources(frames, *latencies):
    return newest_results(frames, itertools.cycle(latencies), period=100.0).tolist()


@pytest.mark.parametrize("latency", [1.0, 60.0, 100.0])
def test_within_a_period_each_result_serves_the_next_frame(latency):
    assert sources(5, latency) == [NO_RESULT, 0, 1, 2, 3]


def test_frames_that_wait_are_dropped_for_newer_ones():
    # frame 0 is done at 150, 1 at 300, 3 at 450, 4 at 600
    assert sources(7, 150.0) == [NO_RESULT, NO_RESULT, 0, 1, 1, 3, 4]


def test_a_late_first_result_leaves_the_clip_empty():
    assert sources(3, 250.0) == [NO_RESULT] * 3


def test_one_latency_is_taken_for_each_frame_that_is_processed():
    latencies = itertools.chain([250.0], itertools.repeat(50.0))
    newest_results(3, latencies, period=100.0)  # frames 0 and 2
    assert next(latencies) == 50.0
    counted = iter([50.0] * 5)
    newest_results(4, counted, period=100.0)
    assert len(list(counted)) == 1


def test_truth_is_paired_with_the_newest_detections():
    frames = streamed([["a"], ["b"], ["c"]], [["x"], ["y"], ["z"]], np.array([NO_RESULT, 0, 1]))
    assert frames == [(["a"], []), (["b"], ["x"]), (["c"], ["y"])]


@pytest.mark.parametrize("latency", [0.0, -1.0, float("nan")])
def test_impossible_latencies_are_refused(latency):
    with pytest.raises(LatencyError, match="must be above 0"):
        sources(3, latency)


def test_too_few_latencies_are_refused():
    with pytest.raises(LatencyError, match="fewer"):
        newest_results(3, iter([50.0]), period=100.0)
