from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.ros.synchroniser import Synchroniser

MS = 1_000_000


def stereo(bound=0, **options):
    return Synchroniser(("left", "right"), bound_ns=bound * MS, **options)


def feed(synchroniser, events):
    """Feed (name, stamp in ms) pairs; the stamps in ms of each set given out, by input."""
    sets = []
    for name, stamp in events:
        matched = synchroniser.add(name, stamp * MS, (name, stamp))
        if matched is not None:
            assert all(matched.messages[n] == (n, s // MS) for n, s in matched.stamps_ns.items())
            sets.append(tuple(s // MS for s in matched.stamps_ns.values()))
    return sets


def left(*stamps):
    return [("left", stamp) for stamp in stamps]


def right(*stamps):
    return [("right", stamp) for stamp in stamps]


def counts(synchroniser, name):
    return synchroniser.report().counts[name]


def test_equal_stamps_pair_at_once_whichever_comes_first():
    assert feed(stereo(), left(0) + right(0) + right(33) + left(33)) == [(0, 0), (33, 33)]


def test_the_set_has_the_stamp_of_the_first_input_and_its_spread():
    synchroniser = stereo(bound=5)
    synchroniser.add("right", 103 * MS, "r")
    matched = synchroniser.add("left", 100 * MS, "l")
    assert matched.messages == {"left": "l", "right": "r"}
    assert (matched.stamp_ns, matched.spread_ns) == (100 * MS, 3 * MS)


@pytest.mark.parametrize("offset", [-5, 5])
def test_a_constant_offset_within_the_bound_pairs_without_waiting(offset):
    synchroniser = stereo(bound=5)
    for k in range(20):
        stamp = 100 + 33 * k
        assert feed(synchroniser, left(stamp) + right(stamp + offset)) == [(stamp, stamp + offset)]


def test_beyond_the_bound_nothing_pairs():
    synchroniser = stereo(bound=5)
    assert feed(synchroniser, [e for k in range(9) for e in left(33 * k) + right(33 * k + 6)]) == []
    report = synchroniser.report()
    assert report.spread_ns == 6 * MS
    assert "newest stamps spread over 0.0060 s, allowed 0.0050 s" in str(report)
    assert "waiting" not in str(report)


def test_between_two_sets_no_input_is_blamed():
    synchroniser = stereo()
    feed(synchroniser, left(0) + right(0))
    assert "waiting" not in str(synchroniser.report())


def test_without_a_bound_a_nanosecond_is_too_much():
    synchroniser = stereo()
    assert synchroniser.add("left", 100, "l") is None
    assert synchroniser.add("right", 101, "r") is None


def test_the_nearer_of_two_partners_is_taken():
    assert feed(stereo(bound=10), left(100) + left(108) + right(107)) == [(108, 107)]


def test_an_exact_partner_goes_before_a_near_one_that_waits():
    synchroniser = Synchroniser(("left", "right", "depth"), bound_ns=10 * MS)
    events = left(100) + right(95) + right(100) + [("depth", 100)]
    assert feed(synchroniser, events) == [(100, 100, 100)]
    assert synchroniser.report().exact_sets == 1
    assert counts(synchroniser, "right").unmatched == 1


def test_a_dropped_image_does_not_pair_its_partner_with_the_next_one():
    # The bound is wider than the period of 33 ms, and left 66 is lost.
    synchroniser = stereo(bound=40)
    events = left(0) + right(0) + left(33) + right(33) + right(66) + left(99) + right(99)
    assert feed(synchroniser, events) == [(0, 0), (33, 33), (99, 99)]
    assert counts(synchroniser, "right").unmatched == 1


def test_inputs_that_stop_stamping_alike_still_pair_approximately():
    synchroniser = stereo(bound=10)
    events = left(0) + right(0) + left(33) + right(35) + left(66) + right(68)
    assert feed(synchroniser, events) == [(0, 0), (33, 35)]
    assert synchroniser.report().approximate_sets == 1


def test_messages_out_of_order_still_pair_until_a_newer_set_is_out():
    assert feed(stereo(), left(33) + left(0) + right(0) + right(33)) == [(0, 0), (33, 33)]
    synchroniser = stereo()
    assert feed(synchroniser, left(0) + left(33) + right(33) + right(0)) == [(33, 33)]
    assert counts(synchroniser, "left").unmatched == 1
    assert counts(synchroniser, "right").late == 1


def test_duplicates_pair_once():
    synchroniser = stereo()
    assert feed(synchroniser, left(0, 0) + right(0, 0) + left(0)) == [(0, 0)]
    assert (counts(synchroniser, "left").duplicate, counts(synchroniser, "right").duplicate) == (
        2,
        1,
    )


def test_a_full_queue_passes_its_oldest_over():
    synchroniser = stereo(queue_size=2)
    assert feed(synchroniser, left(0, 33, 66) + right(0, 33)) == [(33, 33)]
    assert counts(synchroniser, "left").unmatched == 1
    assert counts(synchroniser, "right").unmatched == 1


def test_a_clock_set_back_clears_what_waits_and_goes_on():
    synchroniser = stereo()
    assert feed(synchroniser, left(10_000) + right(10_000) + left(10_033)) == [(10_000, 10_000)]
    assert feed(synchroniser, left(5_000) + right(5_000)) == [(5_000, 5_000)]
    report = synchroniser.report()
    assert (report.clock_jumps, report.counts["left"].cleared) == (1, 1)


def test_each_input_of_a_jump_may_come_in_its_own_time():
    # right is still delivering from before the jump
    synchroniser = stereo()
    feed(synchroniser, left(10_000) + right(10_000))
    events = left(5_000) + right(10_033) + right(5_000) + left(5_033) + right(5_033)
    assert feed(synchroniser, events) == [(5_033, 5_033)]


def test_one_stamp_from_the_future_does_not_block_the_rest():
    events = left(0) + right(0) + left(10**6) + left(66) + right(66) + left(99) + right(99)
    assert feed(stereo(), events)[-1] == (99, 99)


def test_the_report_names_the_input_that_holds_up_the_rest():
    synchroniser = stereo(bound=5)
    feed(synchroniser, left(0, 33, 66))
    report = synchroniser.report()
    assert list(report.missing) == ["right"]
    assert report.spread_ns is None
    text = str(report)
    assert "received 3 left, 0 right; made 0 exact and 0 approximate sets" in text
    assert "waiting for right" in text


def test_a_report_is_a_snapshot():
    synchroniser = stereo()
    report = synchroniser.report()
    feed(synchroniser, left(0))
    assert report.counts["left"].received == 0


@pytest.mark.parametrize(
    "options",
    [
        {"names": ("left",), "bound_ns": 0},
        {"names": ("left", "left"), "bound_ns": 0},
        {"names": ("left", "right"), "bound_ns": -1},
        {"names": ("left", "right"), "bound_ns": 0, "queue_size": 0},
    ],
)
def test_a_synchroniser_that_cannot_work_is_refused(options):
    with pytest.raises(ValueError, match="names|bound_ns"):
        Synchroniser(**options)


NAMES = ("front", "left", "right")
events_of_three = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3000)), max_size=80)


@given(events_of_three, st.integers(0, 300), st.integers(1, 4))
def test_whatever_comes_sets_are_whole_tight_new_and_nothing_is_unaccounted(events, bound, size):
    synchroniser = Synchroniser(NAMES, bound_ns=bound, queue_size=size, jump_back_ns=2000)
    last, jumps = defaultdict(lambda: -1), 0
    for name, stamp in events:
        matched = synchroniser.add(name, stamp, (name, stamp))
        if synchroniser.report().clock_jumps > jumps:
            jumps = synchroniser.report().clock_jumps
            last.clear()
        if matched:
            assert tuple(matched.messages) == NAMES
            assert matched.spread_ns <= bound
            for n, s in matched.stamps_ns.items():
                assert matched.messages[n] == (n, s)
                assert s > last[n]
                last[n] = s
    report = synchroniser.report()
    sets = report.exact_sets + report.approximate_sets
    for name, c in report.counts.items():
        pending = c.received - c.matched - c.unmatched - c.duplicate - c.late - c.cleared
        assert 0 <= pending <= size
        assert (pending == 0) == (name in report.missing)
        assert c.matched == sets


@given(st.permutations(range(6)), st.permutations(range(6)), st.randoms())
def test_in_whatever_order_two_streams_come_the_newest_set_comes_out(lefts, rights, random):
    events = left(*lefts) + right(*rights)
    random.shuffle(events)
    sets = feed(stereo(queue_size=6), events)
    assert all(a == b for a, b in sets)
    assert sets == sorted(sets)
    assert sets[-1] == (5, 5)
