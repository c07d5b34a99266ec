import numpy as np
import pytest

from snn_ros.place_recognition.sequence import SequenceConfig, SequenceMatcher

PLACES = 40


def drive(matcher, places, step=1.0, noise=0.0, start=0.0):
    """Score columns with a peak at each (fractional) place."""
    random = np.random.default_rng(0)
    for k, place in enumerate(places):
        column = np.exp(-0.5 * (np.arange(PLACES) - place) ** 2)
        matched = matcher.step(column + noise * random.standard_normal(PLACES), start + k * step)
    return matched


@pytest.mark.parametrize("slope", [0.8, 1.0, 1.25, -0.8, -1.0, -1.25])
def test_finds_the_place_and_the_slope(slope):
    places = 20 + slope * np.arange(-9, 1)
    matched = drive(SequenceMatcher(SequenceConfig(length=10)), places)
    assert matched.scores.argmax() == 20
    assert matched.slopes[20] == slope
    assert matched.columns == 10


def test_stronger_against_noise_than_one_image():
    right = {1: 0, 10: 0}
    for length in right:
        for trial in range(30):
            places = 25.0 + np.arange(-9, 1)
            matcher = SequenceMatcher(SequenceConfig(length, slopes=(1.0,)))
            random = np.random.default_rng(trial)
            for k, place in enumerate(places):
                column = (np.arange(PLACES) == place) + 0.6 * random.standard_normal(PLACES)
                matched = matcher.step(column, float(k))
            right[length] += matched.scores.argmax() == 25
    assert right[10] >= right[1] + 10


def test_standing_still_adds_nothing():
    matcher = SequenceMatcher(SequenceConfig(length=5))
    moving = drive(matcher, np.arange(10.0, 15.0))
    for _ in range(20):
        standing = matcher.step(np.random.default_rng(1).random(PLACES), 4.0)
    np.testing.assert_array_equal(standing.scores, moving.scores)


def test_more_images_per_place_change_nothing_much():
    coarse = drive(SequenceMatcher(SequenceConfig(length=5)), np.arange(10.0, 20.0))
    fine = drive(SequenceMatcher(SequenceConfig(length=5)), np.arange(10.0, 19.01, 0.25), 0.25)
    assert coarse.scores.argmax() == fine.scores.argmax() == 19


@pytest.mark.parametrize("jump", [-5.0, 50.0])
def test_a_jump_of_the_odometry_drops_the_past(jump):
    matcher = SequenceMatcher(SequenceConfig(length=5))
    drive(matcher, np.arange(10.0, 15.0))
    assert matcher.step(np.arange(PLACES, dtype=float), 4.0 + jump).columns == 1


def test_no_stretch_begins_outside_the_route():
    matcher = SequenceMatcher(SequenceConfig(length=5, slopes=(1.0,)))
    matched = drive(matcher, np.arange(10.0, 15.0))
    assert np.isneginf(matched.scores[:4]).all()
    assert np.isfinite(matched.scores[4:]).all()


def test_a_route_that_grows_keeps_its_past():
    config = SequenceConfig(length=4, slopes=(1.0,))
    whole, growing = SequenceMatcher(config), SequenceMatcher(config)
    random = np.random.default_rng(3)
    for k in range(12):
        column = random.random(PLACES)
        expected = whole.step(column, float(k))
        matched = growing.step(column[: PLACES - 12 + k + 1], float(k))
        assert matched.columns == expected.columns
    # the newest place stands where the robot is, so its past is that of the places before it
    assert np.isfinite(matched.scores[-1])
    assert growing.step(column[:5], 12.0).columns == 1


def test_says_how_far_behind_the_newest_column_is():
    matcher = SequenceMatcher(SequenceConfig(spacing=5.0))
    column = np.arange(PLACES, dtype=float)
    behind = [matcher.step(column, travelled).behind for travelled in (0.0, 2.0, 4.0, 5.5)]
    assert behind == pytest.approx([0.0, 2.0, 4.0, 0.5])


@pytest.mark.parametrize("direction", [1, -1])
def test_places_that_look_alike_are_told_apart_by_the_way_to_them(direction):
    alike = np.arange(12, 28)
    matcher = SequenceMatcher(SequenceConfig(length=4))
    driven = np.arange(5, 35)[::direction]
    random = np.random.default_rng(0)
    for k, place in enumerate(driven):
        column = (np.arange(PLACES) == place).astype(float)
        column[alike] = float(place in alike)
        column += random.normal(0.0, 0.01, PLACES)
        matched = matcher.step(column, float(k))
        if k >= 4:
            assert matched.scores.argmax() == place
    assert matched.columns == 4


def test_without_ties_the_scores_are_the_means_of_the_columns():
    random = np.random.default_rng(5)
    config = SequenceConfig(length=3, slopes=(1.0,), normalised=False, tie=0.0)
    matcher = SequenceMatcher(config)
    columns = random.random((10, PLACES))
    for k, column in enumerate(columns):
        matched = matcher.step(column, float(k))
    expected = np.mean([columns[-1 - k][2 - k : PLACES - k] for k in range(3)], axis=0)
    np.testing.assert_array_equal(matched.scores[2:], expected)
