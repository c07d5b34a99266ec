"""Which range samples count."""

import math

import pytest

from snn_ros.blimp_control.altitude_filter import AltitudeFilter, AltitudeFilterConfig


def fed(samples, start=0.0, step=0.02):
    altitude_filter = AltitudeFilter()
    for index, sample in enumerate(samples):
        altitude_filter.add(sample, start + step * index)
    return altitude_filter


def test_no_altitude_before_the_first_sample():
    assert AltitudeFilter().altitude is None


def test_altitude_is_the_median_of_the_last_five():
    assert fed([1.0, 1.0, 1.0, 1.1, 1.05, 1.05, 1.2]).altitude == 1.05


@pytest.mark.parametrize(
    ("distance", "text"),
    [
        (math.nan, "range is nan"),
        (math.inf, "range is inf"),
        (0.05, "range 0.05 m outside 0.1 to 12.0"),
        (-1.0, "range -1.0 m outside"),
        (13.0, "range 13.0 m outside"),
        (1.3, "altitude jumps from 1.00 m to 1.30 m"),
    ],
)
def test_bad_samples_are_rejected_with_the_reason_and_change_nothing(distance, text):
    altitude_filter = fed([1.0] * 5)
    assert text in altitude_filter.add(distance, 0.1)
    assert (altitude_filter.altitude, altitude_filter.newest) == (1.0, 0.08)


def test_a_jump_that_lasts_is_believed_after_half_a_second():
    altitude_filter = fed([1.0] * 5)
    times = [0.1 + 0.02 * i for i in range(40)]
    accepted = [t for t in times if altitude_filter.add(1.6, t) is None]
    assert accepted[0] == pytest.approx(0.1 + 0.5, abs=0.021)
    assert altitude_filter.altitude == 1.6  # the old samples are gone


def test_single_outliers_never_add_up_to_a_jump():
    altitude_filter = fed([1.0] * 5)
    for index in range(100):
        altitude_filter.add(1.6 if index % 2 else 1.0, 0.1 + 0.02 * index)
    assert altitude_filter.altitude == 1.0


def test_after_a_gap_more_movement_is_believable():
    altitude_filter = fed([1.0] * 5)
    assert altitude_filter.add(1.6, 0.08 + 0.3) is None


def test_attitude_is_compensated():
    altitude_filter = AltitudeFilter()
    assert altitude_filter.add(2.0, 0.0, roll=0.3, pitch=-0.2) is None
    assert altitude_filter.altitude == pytest.approx(2.0 * math.cos(0.3) * math.cos(0.2))
    assert "beam tilted by 0.80 rad" in altitude_filter.add(2.0, 0.1, pitch=0.8)
    assert "attitude is" in altitude_filter.add(2.0, 0.1, roll=math.nan)


def test_a_sample_of_the_past_is_rejected():
    assert "time 0.01 s lies before" in fed([1.0] * 5).add(1.0, 0.01)


def test_limits_can_be_set():
    altitude_filter = AltitudeFilter(AltitudeFilterConfig(max_range=3.0, window=1))
    assert altitude_filter.add(3.5, 0.0) is not None
    for index, distance in enumerate((1.0, 1.1, 1.2)):
        altitude_filter.add(distance, 0.1 * index)
    assert altitude_filter.altitude == 1.2
