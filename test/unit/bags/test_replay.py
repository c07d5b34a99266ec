"""The schedule of a replay: order, clock, selection, and pace."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bags import IMAGE, PERIOD_NS, RANGE, READINGS, START_NS, STATIC, write_mcap

from snn_ros.bags import BagReader, BagWriter, Message
from snn_ros.bags.errors import UnknownTopic
from snn_ros.bags.replay import (
    LONGEST_CATCH_UP,
    Pacer,
    ReplayConfig,
    Schedule,
    Step,
    in_order,
    with_ticks,
)
from snn_ros.configuration import ConfigurationError, check

stamps = st.lists(st.integers(0, 10**6), max_size=30)


@pytest.fixture
def bag(tmp_path):
    with BagReader(write_mcap(tmp_path / "bag")) as reader:
        yield reader


def messages_of(schedule: Schedule) -> list[Message]:
    return [step.message for step in schedule.steps() if step.message is not None]


@settings(deadline=None)  # the machine may be busy
@given(stamps, st.integers(0, 10**6))
def test_steps_never_go_back_and_lose_nothing(stamps_ns, start_ns):
    messages = [Message("/a", b"", stamp) for stamp in stamps_ns]
    steps = list(in_order(messages, start_ns))
    assert [step.message for step in steps] == messages
    assert all(a.stamp_ns <= b.stamp_ns for a, b in pairwise(steps))
    assert all(step.stamp_ns >= start_ns for step in steps)
    if stamps_ns == sorted(stamps_ns) and stamps_ns and stamps_ns[0] >= start_ns:
        assert [step.stamp_ns for step in steps] == stamps_ns


@settings(deadline=None)  # the machine may be busy
@given(stamps, st.integers(10**4, 10**6))
def test_the_clock_never_stands_longer_than_a_period(stamps_ns, period_ns):
    steps = [Step(stamp, Message("/a", b"", stamp)) for stamp in sorted(stamps_ns)]
    ticked = list(with_ticks(steps, 0, period_ns))
    assert [step for step in ticked if step.message is not None] == steps
    times = [step.stamp_ns for step in ticked]
    gaps = [b - a for a, b in pairwise(times)]
    assert all(0 <= gap <= period_ns for gap in gaps)
    ticks = len(ticked) - len(steps)
    assert ticks <= 1 + (times[-1] // period_ns)  # none where messages move the clock anyway


def test_everything_once(bag):
    schedule = Schedule(bag, ReplayConfig())
    assert messages_of(schedule) == list(bag.messages())
    assert messages_of(schedule) == list(bag.messages())  # and again in the next loop


def test_the_clock_follows_rate_and_wall_time(bag):
    """At rate 10 and 100 ticks/s of wall time, a tick is 0.1 s of recorded time at most."""
    config = ReplayConfig(rate=0.1, clock_rate=100.0)
    times = [step.stamp_ns for step in Schedule(bag, config).steps()]
    assert max(b - a for a, b in pairwise(times)) == 1_000_000
    times = [step.stamp_ns for step in Schedule(bag, ReplayConfig(clock=False)).steps()]
    assert len(times) == bag.count


def test_topics(bag):
    schedule = Schedule(bag, ReplayConfig(topics=(IMAGE,)))
    assert list(schedule.topics) == [IMAGE]
    assert {m.topic for m in messages_of(schedule)} == {IMAGE}


def test_start_keeps_what_late_subscribers_must_get(bag):
    schedule = Schedule(bag, ReplayConfig(start=0.5))
    first, *others = messages_of(schedule)
    assert (first.topic, first.stamp_ns) == (STATIC, START_NS)
    start_ns = START_NS + 500_000_000
    assert others == [m for m in bag.messages() if m.stamp_ns >= start_ns]
    assert len([m for m in others if m.topic == RANGE]) == READINGS - 500_000_000 // PERIOD_NS
    assert {step.stamp_ns >= start_ns for step in schedule.steps()} == {True}


def test_a_start_behind_the_end(bag):
    with pytest.raises(ConfigurationError, match=r"start = 2 s: the recording is 0\.95 s long"):
        Schedule(bag, ReplayConfig(start=2.0))


def test_remap(bag):
    schedule = Schedule(bag, ReplayConfig(remap=(f"{RANGE}:=/altitude",)))
    assert schedule.published_name(RANGE) == "/altitude"
    assert schedule.published_name(IMAGE) == IMAGE


@pytest.mark.parametrize("entry", ["/range", "/range:=", ":=/x", "/range=/x"])
def test_what_is_no_remapping(bag, entry):
    with pytest.raises(ConfigurationError, match=f"remap = '{entry}': must be from:=to"):
        Schedule(bag, ReplayConfig(remap=(entry,)))


def test_two_topics_must_not_become_one(bag):
    with pytest.raises(ConfigurationError, match=f"two topics become {IMAGE}"):
        Schedule(bag, ReplayConfig(remap=(f"{RANGE}:={IMAGE}",)))


@pytest.mark.parametrize("wish", [{"topics": ("/gone",)}, {"remap": ("/gone:=/here",)}])
def test_topics_that_are_not_there(bag, wish):
    with pytest.raises(UnknownTopic, match=r"/gone.*it has"):
        Schedule(bag, ReplayConfig(**wish))


@pytest.mark.parametrize("clock", [True, False])
def test_a_recorded_clock_is_replaced(tmp_path, clock):
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/clock", "rosgraph_msgs/msg/Clock")
        writer.add_topic("/on", "std_msgs/msg/Bool")
        for stamp in range(3):
            writer.write("/clock", stamp, b"\0\1\0\0" + bytes(8))
            writer.write("/on", stamp, b"\0\1\0\0\1")
    with BagReader(tmp_path / "bag") as bag:
        schedule = Schedule(bag, ReplayConfig(clock=clock))
        assert {m.topic for m in messages_of(schedule)} == ({"/on"} if clock else {"/on", "/clock"})


def test_wrong_values_are_all_named():
    with pytest.raises(ConfigurationError) as caught:
        check(ReplayConfig(rate=0.0, loop=-1, clock_rate=10.0))
    assert [problem.split(" ")[0] for problem in caught.value.problems] == [
        "rate", "loop", "clock_rate",
    ]  # fmt: skip


class FakeClock:
    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@settings(deadline=None)  # the machine may be busy
@given(stamps, st.floats(0.01, 100.0))
def test_pace(stamps_ns, rate):
    clock = FakeClock()
    pacer = Pacer(rate, clock)
    ordered = sorted(stamps_ns)
    for stamp in ordered:
        due = pacer.due(stamp)
        assert due == pytest.approx(100.0 + (stamp - ordered[0]) * 1e-9 / rate)
        clock.now = max(clock.now, due)
    assert pacer.lost_s == 0.0


def test_a_short_hiccup_is_made_up_for():
    clock = FakeClock()
    pacer = Pacer(1.0, clock)
    pacer.due(0)
    clock.now += 0.1 + 0.9 * LONGEST_CATCH_UP
    assert pacer.due(100_000_000) == pytest.approx(100.1)
    assert pacer.due(1_000_000_000) == pytest.approx(101.0)
    assert pacer.lost_s == 0.0


def test_after_a_long_hiccup_messages_keep_their_distance():
    """10 s of standstill: no burst of 10 s of messages, the rest comes 10 s later."""
    clock = FakeClock()
    pacer = Pacer(2.0, clock)
    pacer.due(0)
    clock.now += 10.0
    assert pacer.due(100_000_000) == clock.now
    assert pacer.due(200_000_000) == pytest.approx(clock.now + 0.05)
    assert pacer.lost_s == pytest.approx(9.95)
