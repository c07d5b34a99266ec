"""Confidence: from the map itself, and on real images of places that it does not know."""

import csv

import cv2
import numpy as np
import pytest
from support.place_routes import traverses

from snn_ros.metrics.calibration import calibration_curve
from snn_ros.place_recognition import PlaceRecognizer, RecognizerConfig
from snn_ros.place_recognition.backends import SadBackend
from snn_ros.place_recognition.confidence import CalibrationError, chance_margin, confidence
from snn_ros.place_recognition.gabor import GaborBackend
from snn_ros.place_recognition.self_test import calibrated, self_calibrated
from snn_ros.place_recognition.sequence import SequenceConfig, SequenceMatcher

SINGLE = SequenceConfig(length=1, slopes=(1.0,))


def taught(pictures):
    backend = SadBackend()
    backend.learn(pictures, np.arange(len(pictures)))
    return backend


def test_a_clear_margin_is_believed_and_none_is_not():
    backend = taught(traverses(60, 14, amount=1)[0])
    calibration = self_calibrated(backend, SINGLE, 2)
    assert calibration.probability(0.0) < 0.5 < 0.8 < calibration.probability(6.0) < 1.0


def test_a_network_that_bears_noise_well_does_not_call_all_else_unknown():
    """Real change lowers all margins, so few are as large as those of the disturbed pictures."""
    first, second = traverses(120, 56, noise=1.5)
    backend, matcher = GaborBackend(), SequenceMatcher(SequenceConfig())
    backend.learn(first, np.arange(120))
    calibration = self_calibrated(backend, matcher.config, 2)
    judged = [confidence(matcher.advance(backend.score(picture)).scores) for picture in second]
    stated = np.array([calibration.probability(answer.margin) for answer in judged])
    right = np.array([abs(answer.place - k) <= 2 for k, answer in enumerate(judged)])
    assert right.mean() >= 0.95
    assert calibration_curve(stated, right).error <= 0.1


def test_unknown_images_count_as_wrong():
    first, second = traverses(60, 14)
    alien = traverses(60, 14, amount=1, seed=50)[0]
    backend = taught(first)
    calibration = calibrated(backend, [(second, np.arange(60))], SINGLE, 2)
    believed = [
        calibration.probability(confidence(backend.score(picture)).margin) > 0.9
        for picture in alien
    ]
    assert np.mean(believed) <= 0.05


def test_nothing_taught_is_nothing_calibrated():
    with pytest.raises(CalibrationError):
        self_calibrated(SadBackend(), SINGLE, 2)


def test_margin_of_chance_is_that_of_normal_scores():
    random = np.random.default_rng(0)
    scores = random.standard_normal((4000, 300))
    best_two = np.partition(scores, -2, axis=1)[:, -2:]
    gaps = np.abs(np.diff(best_two, axis=1))
    assert (gaps > chance_margin(300, 0.02)).mean() == pytest.approx(0.02, abs=0.01)


@pytest.mark.parametrize("calibrates", [False, True])
@pytest.mark.parametrize("route_filter", ["sequence", "bayes"])
@pytest.mark.parametrize("profile", ["edge", "tempo", "sad"])
def test_images_of_another_set_are_unknown(data_dir, profile, route_filter, calibrates):
    """False acceptance at the default threshold, as the issue states it: at most 1 %."""
    nordland, gardens = (read_pairs(data_dir / f"vpr_{name}") for name in NAMES)
    for (reference, query), (_, alien) in ((nordland, gardens), (gardens, nordland)):
        config = RecognizerConfig(filter=route_filter)
        recognizer = PlaceRecognizer.from_config(profile, config=config)
        recognizer.teach(reference, np.arange(len(reference)))
        if calibrates:
            recognizer.calibration = self_calibrated(
                recognizer.backend, config.sequence, config.neighbours
            )
        accepted = [recognizer.step(image, 0.0).place >= 0 for image in alien]
        assert np.mean(accepted) <= 0.01
        recognizer.reset()
        matches = [recognizer.step(image, 0.0) for image in query]
        wrong = [m.place >= 0 and abs(m.place - k) > 2 for k, m in enumerate(matches)]
        assert np.mean(wrong) <= 0.01


NAMES = ("nordland", "gardens_point")


def read_pairs(folder):
    with (folder / "ground_truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [
        [cv2.cvtColor(cv2.imread(str(folder / row[column])), cv2.COLOR_BGR2RGB) for row in rows]
        for column in ("reference", "query")
    ]
