import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.ros.buffers import NoSampleAt, StampedBuffer

MS = 1_000_000


def filled(stamps, **options):
    buffer = StampedBuffer(100, **options)
    for stamp in stamps:
        buffer.add(stamp * MS, f"sample {stamp}")
    return buffer


def linear(start, end, fraction):
    return start + fraction * (end - start)


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(0, 300))
def test_queries_agree_with_a_search_through_all_samples(stamps, at):
    buffer = StampedBuffer(1000, jump_back_ns=10**9)
    for stamp in stamps:
        buffer.add(stamp, -stamp)
    kept = sorted(set(stamps))
    assert len(buffer) == len(kept)
    assert buffer.newest() == ((kept[-1], -kept[-1]) if kept else None)
    before = [stamp for stamp in kept if stamp <= at]
    assert buffer.before(at) == ((before[-1], -before[-1]) if before else None)
    nearest = min(kept, key=lambda stamp: (abs(stamp - at), stamp), default=None)
    assert buffer.nearest(at) == (None if nearest is None else (nearest, -nearest))


@given(
    st.lists(st.integers(0, 5000), max_size=60),
    st.integers(1, 8),
    st.none() | st.integers(0, 500),
)
def test_no_sample_is_unaccounted_and_the_bounds_hold(stamps, capacity, duration):
    buffer = StampedBuffer(capacity, duration_ns=duration, jump_back_ns=1000)
    for stamp in stamps:
        buffer.add(stamp, stamp)
        assert 1 <= len(buffer) <= capacity
        if duration is not None:
            assert buffer.newest()[0] - buffer.nearest(0)[0] <= duration
    counts = buffer.counts
    assert counts.added == len(stamps) == counts.kept + counts.duplicate + counts.too_old


def test_late_samples_take_their_place():
    buffer = filled([10, 30, 20])
    assert buffer.before(25 * MS) == (20 * MS, "sample 20")


def test_the_first_of_two_samples_of_a_stamp_stays():
    buffer = filled([10])
    buffer.add(10 * MS, "again")
    assert buffer.newest() == (10 * MS, "sample 10")
    assert buffer.counts.duplicate == 1


def test_a_full_buffer_lets_the_oldest_go():
    buffer = StampedBuffer(2)
    for stamp in (1, 2, 3):
        buffer.add(stamp, stamp)
    assert buffer.before(1) is None
    buffer.add(0, 0)  # older than all: it would be the first to go
    assert (buffer.counts.too_old, len(buffer)) == (1, 2)


def test_old_samples_go_by_age():
    buffer = filled([0, 50, 100, 151], duration_ns=100 * MS)
    assert buffer.nearest(0) == (100 * MS, "sample 100")


def test_a_clock_set_back_clears_and_begins_again():
    buffer = StampedBuffer(10, jump_back_ns=1000)
    assert not buffer.add(5000, "a")
    assert not buffer.add(4001, "overtaken")
    assert buffer.add(4000, "after the jump")
    assert len(buffer) == 1
    assert buffer.newest() == (4000, "after the jump")
    assert buffer.counts.jumps_back == 1


def test_one_sample_from_the_future_does_not_block_the_buffer():
    buffer = StampedBuffer(10, jump_back_ns=1000)
    for stamp in (100, 10**15, 200, 300):
        buffer.add(stamp, stamp)
    assert buffer.newest() == (300, 300)
    assert buffer.before(250) == (200, 200)


def test_nearest_keeps_to_its_tolerance():
    buffer = filled([10, 20])
    assert buffer.nearest(25 * MS, tolerance_ns=5 * MS) == (20 * MS, "sample 20")
    assert buffer.nearest(26 * MS, tolerance_ns=5 * MS) is None
    assert buffer.nearest(4 * MS, tolerance_ns=5 * MS) is None
    assert StampedBuffer(1).nearest(0) is None


@given(st.integers(0, 1000))
def test_interpolation_of_a_line_is_the_line(at):
    buffer = StampedBuffer(10)
    for stamp in (0, 300, 1000):
        buffer.add(stamp, 2.0 * stamp)
    assert buffer.interpolate(at, linear) == pytest.approx(2.0 * at)


def test_an_exact_sample_is_handed_out_as_it_is():
    def never(start, end, fraction):
        raise AssertionError

    buffer = filled([10, 20, 30])
    assert [buffer.interpolate(t * MS, never) for t in (10, 20, 30)] == [
        "sample 10",
        "sample 20",
        "sample 30",
    ]


@pytest.mark.parametrize(
    ("stamps", "at", "text"),
    [
        ([], 5, "no sample yet"),
        ([10, 20], 5, "0.005 s before the oldest sample"),
        ([10, 20], 1520, "1.500 s after the newest sample"),
    ],
)
def test_there_is_no_extrapolation(stamps, at, text):
    with pytest.raises(NoSampleAt, match=text):
        filled(stamps).interpolate(at * MS, linear)


def test_a_buffer_of_nothing_is_refused():
    with pytest.raises(ValueError, match="capacity: 0"):
        StampedBuffer(0)
