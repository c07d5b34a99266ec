import numpy as np
import pytest

from snn_ros.place_recognition.belief import BeliefConfig, BeliefFilter
from snn_ros.place_recognition.sequence import SequenceConfig

PLACES = 100
SEQUENCE = SequenceConfig()


def column(place, random):
    """Noise, and a peak three deviations high where the robot is."""
    scores = random.standard_normal(PLACES)
    if place is None:
        return scores
    return scores + 3.0 * np.exp(-0.5 * (np.arange(PLACES) - place) ** 2)


def drive(places, spacing=1.0, seed=0, **config):
    """The last answer after a drive; place None is elsewhere."""
    random = np.random.default_rng(seed)
    belief = BeliefFilter(BeliefConfig(**config), SEQUENCE)
    for k, place in enumerate(places):
        found = belief.step(column(place, random), k * spacing)
    return belief, found


@pytest.mark.parametrize("slope", [0.8, 1.0, 1.2, -1.0])
def test_follows_the_robot_at_any_pace_and_in_reverse(slope):
    _, found = drive(50 + slope * np.arange(-29, 1))
    assert abs(found.scores.argmax() - 50) <= 1
    assert found.belief[47:54].sum() > 0.9
    assert np.sign(found.slopes[50]) == np.sign(slope)


def test_elsewhere_no_place_is_believed():
    for seed in range(20):
        _, found = drive([None] * 40, seed=seed)
        assert max(found.belief[k : k + 5].sum() for k in range(PLACES)) < 0.5


def test_belief_is_a_distribution_that_never_becomes_certain_or_impossible():
    belief, found = drive(range(10, 60))
    total = found.belief.sum() + belief._elsewhere
    assert total == pytest.approx(1.0)
    assert (found.belief > 0).all()


def test_standing_still_is_no_evidence():
    belief, moving = drive(range(10, 15))
    for _ in range(50):
        standing = belief.step(column(70, np.random.default_rng(1)), 4.05)
    np.testing.assert_array_equal(standing.belief, moving.belief)


def test_leaves_the_route_when_it_drives_off_its_end():
    _, found = drive([*range(80, 100), *[None] * 30])
    assert found.belief.sum() < 0.5


def test_new_places_take_a_share_and_fewer_places_are_another_route():
    belief, before = drive(range(10, 30))
    grown = belief.step(np.zeros(PLACES + 1), 19.0)
    assert grown.belief[:PLACES].argmax() == before.belief.argmax()
    assert belief.step(np.zeros(50), 20.0).columns == 1


@pytest.mark.parametrize("jump", [-5.0, 50.0])
def test_a_jump_of_the_odometry_drops_the_past(jump):
    belief, _ = drive(range(10, 30))
    found = belief.step(np.zeros(PLACES), 19.0 + jump)
    assert np.ptp(found.belief) == pytest.approx(0.0)
