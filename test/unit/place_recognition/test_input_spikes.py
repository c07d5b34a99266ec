import numpy as np
import pytest

from snn_ros.place_recognition.input_spikes import poisson_spikes, spikes_in_order, stream

STEPS = 3500


def lines_and_steps(spikes):
    return spikes.lines, np.repeat(np.arange(STEPS + 500), np.diff(spikes.first_event))


def test_rates_are_those_of_the_pixels():
    picture = np.array([[0, 64], [128, 255]], dtype=np.uint8)
    presentations = 300
    counts = np.zeros(4)
    for k in range(presentations):
        spikes = poisson_spikes(picture, STEPS, STEPS + 500, 0.1, stream(0, 0, "input", k))
        lines, step = lines_and_steps(spikes)
        counts += np.bincount(lines, minlength=4)
        assert step.max() < STEPS
        assert len(set(zip(lines, step, strict=True))) == len(lines)
    expected = picture.ravel() / 4 * 0.35
    np.testing.assert_allclose(
        counts / presentations, expected, atol=4 * np.sqrt(expected.max() / presentations)
    )
    assert counts[0] == 0


def test_a_black_picture_is_silent():
    spikes = poisson_spikes(np.zeros((2, 2), np.uint8), 10, 20, 0.1, stream(0, 0, "input", 0))
    assert len(spikes.lines) == 0
    assert not spikes.first_event.any()


@pytest.mark.parametrize("other", [(1, 0, "a", 0), (0, 1, "a", 0), (0, 0, "b", 0), (0, 0, "a", 1)])
def test_streams_are_keyed(other):
    drawn = stream(0, 0, "a", 0).random(8)
    np.testing.assert_array_equal(drawn, stream(0, 0, "a", 0).random(8))
    assert not np.isin(drawn, stream(*other).random(8)).any()


def test_events_of_a_step():
    spikes = spikes_in_order(np.array([3, 1, 2]), np.array([0, 2, 2]), 4)
    np.testing.assert_array_equal(spikes.first_event, [0, 1, 1, 3, 3])
