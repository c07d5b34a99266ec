"""Sets of messages of several inputs that belong to one moment.

Messages of equal stamps make a set at once. With a bound above zero, so do messages whose stamps
spread no wider than the bound; but where sets of equal stamps have been seen, only once none can
come any more, so that a dropped image does not pair its partner with the next one.

The newest set wins: what is older than a set given out is never used again. Each message ends as
exactly one of matched, unmatched, duplicate, late or cleared, or is pending.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from snn_ros.ros.conversions.stamps import CLOCK_JUMP_BACK_NS, to_seconds

Message = TypeVar("Message")


@dataclass(frozen=True)
class MatchedSet(Generic[Message]):
    """One message of every input."""

    messages: Mapping[str, Message]
    stamps_ns: Mapping[str, int]

    @property
    def stamp_ns(self) -> int:
        """The stamp of the first-named input, which stands for the set."""
        return next(iter(self.stamps_ns.values()))

    @property
    def spread_ns(self) -> int:
        """Newest stamp minus oldest; 0 for an exact set."""
        return max(self.stamps_ns.values()) - min(self.stamps_ns.values())


@dataclass
class InputCounts:
    """What became of the messages of one input."""

    received: int = 0
    matched: int = 0
    unmatched: int = 0
    """Passed over by a newer set, or pushed out of a full queue."""
    duplicate: int = 0
    """A second message of one stamp."""
    late: int = 0
    """Older than the set given out last."""
    cleared: int = 0
    """Waiting when the clock jumped back."""


@dataclass(frozen=True)
class SynchroniserReport:
    """Why there are no sets, or how many there were."""

    counts: Mapping[str, InputCounts]
    missing: Sequence[str]
    """Inputs none of whose messages wait for partners: those that hold up the rest."""
    spread_ns: int | None
    """Newest minus oldest of the inputs' newest stamps; None before two inputs have come."""
    bound_ns: int
    exact_sets: int
    approximate_sets: int
    clock_jumps: int

    def __str__(self) -> str:
        received = ", ".join(f"{counts.received} {name}" for name, counts in self.counts.items())
        parts = [
            f"received {received}; made {self.exact_sets} exact and {self.approximate_sets} "
            "approximate sets"
        ]
        if self.missing and len(self.missing) < len(self.counts):
            parts.append(f"waiting for {', '.join(self.missing)}")
        if self.spread_ns is not None:
            parts.append(
                f"newest stamps spread over {to_seconds(self.spread_ns):.4f} s, "
                f"allowed {to_seconds(self.bound_ns):.4f} s"
            )
        return "; ".join(parts)


@dataclass
class _Queue(Generic[Message]):
    """The waiting messages of one input by stamp, the stamps in order."""

    counts: InputCounts = field(default_factory=InputCounts)
    stamps: list[int] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    newest: int | None = None
    matched_until: int | None = None

    def first_from(self, stamp_ns: int) -> int | None:
        """The oldest waiting stamp not before the given one."""
        index = bisect_left(self.stamps, stamp_ns)
        return self.stamps[index] if index < len(self.stamps) else None

    def drop_before(self, stamp_ns: int) -> None:
        """Pass over what is older."""
        older = bisect_left(self.stamps, stamp_ns)
        for stamp in self.stamps[:older]:
            del self.messages[stamp]
        del self.stamps[:older]
        self.counts.unmatched += older

    def take(self, stamp_ns: int) -> Message:
        """Hand out one message; older ones are passed over."""
        self.drop_before(stamp_ns)
        self.counts.matched += 1
        self.matched_until = stamp_ns
        self.stamps.pop(0)
        return self.messages.pop(stamp_ns)

    def clear(self) -> None:
        """Forget everything but the counts."""
        self.counts.cleared += len(self.stamps)
        self.stamps.clear()
        self.messages.clear()
        self.newest = self.matched_until = None


class Synchroniser(Generic[Message]):
    """Matches messages of several inputs by stamp. Not thread safe: one executor feeds it.

    Args:
        names: the inputs; the first one's stamp stands for a set.
        bound_ns: widest spread of an approximate set; 0 for exact sets only. Choose less than half
            the period of the inputs.
        queue_size: messages of one input that wait at most.
        jump_back_ns: a stamp this much older than the newest of its input is a clock set back.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        bound_ns: int,
        queue_size: int = 5,
        jump_back_ns: int = CLOCK_JUMP_BACK_NS,
    ) -> None:
        if len(set(names)) != len(names) or len(names) < 2:
            raise ValueError(f"names: {list(names)}: expected two or more, all different")
        if bound_ns < 0 or queue_size < 1:
            raise ValueError(f"bound_ns: {bound_ns}, queue_size: {queue_size}: too small")
        self._queues: dict[str, _Queue[Message]] = {name: _Queue() for name in names}
        self._bound_ns = bound_ns
        self._queue_size = queue_size
        self._jump_back_ns = jump_back_ns
        self._exact_sets = 0
        self._approximate_sets = 0
        self._clock_jumps = 0

    def add(self, name: str, stamp_ns: int, message: Message) -> MatchedSet[Message] | None:
        """Take one message in.

        Args:
            name: its input.
            stamp_ns: when it was measured.
            message: handed out with its set as it is.

        Returns:
            The set it completes, if any.
        """
        queue = self._queues[name]
        queue.counts.received += 1
        if queue.newest is not None and stamp_ns <= queue.newest - self._jump_back_ns:
            self._clock_jumps += 1
            self.clear()
        if not self._accept(queue, stamp_ns, message):
            return None
        stamps = self._tightest()
        return self._give_out(stamps) if stamps else None

    def clear(self) -> None:
        """Forget all waiting messages and given-out stamps, as after a clock jump."""
        for queue in self._queues.values():
            queue.clear()

    def report(self) -> SynchroniserReport:
        """The state of things, for diagnostics and for the report of a silent input."""
        newest = [queue.newest for queue in self._queues.values() if queue.newest is not None]
        return SynchroniserReport(
            counts={name: replace(queue.counts) for name, queue in self._queues.items()},
            missing=[name for name, queue in self._queues.items() if not queue.stamps],
            spread_ns=max(newest) - min(newest) if len(newest) > 1 else None,
            bound_ns=self._bound_ns,
            exact_sets=self._exact_sets,
            approximate_sets=self._approximate_sets,
            clock_jumps=self._clock_jumps,
        )

    def _accept(self, queue: _Queue[Message], stamp_ns: int, message: Message) -> bool:
        if stamp_ns in queue.messages or stamp_ns == queue.matched_until:
            queue.counts.duplicate += 1
            return False
        if queue.matched_until is not None and stamp_ns < queue.matched_until:
            queue.counts.late += 1
            return False
        insort(queue.stamps, stamp_ns)
        queue.messages[stamp_ns] = message
        queue.newest = stamp_ns if queue.newest is None else max(stamp_ns, queue.newest)
        if len(queue.stamps) > self._queue_size:
            queue.drop_before(queue.stamps[1])
        return stamp_ns in queue.messages

    def _tightest(self) -> dict[str, int] | None:
        """The set of least spread within the bound that no exact one can beat, newest of equals."""
        best: dict[str, int] | None = None
        best_spread = self._bound_ns
        starts = {stamp for queue in self._queues.values() for stamp in queue.stamps}
        for start in sorted(starts):
            members = {}
            for name, queue in self._queues.items():
                stamp = queue.first_from(start)
                if stamp is None or stamp - start > best_spread:
                    break
                members[name] = stamp
            else:
                spread = max(members.values()) - min(members.values())
                if spread <= best_spread and not self._exact_may_come(max(members.values())):
                    best, best_spread = members, spread
        return best

    def _exact_may_come(self, stamp_ns: int) -> bool:
        """Whether inputs known to stamp alike have yet to reach a stamp."""
        return self._exact_sets > 0 and any(
            queue.newest is None or queue.newest < stamp_ns for queue in self._queues.values()
        )

    def _give_out(self, stamps: dict[str, int]) -> MatchedSet[Message]:
        matched = MatchedSet(
            messages={name: self._queues[name].take(stamp) for name, stamp in stamps.items()},
            stamps_ns=stamps,
        )
        if matched.spread_ns:
            self._approximate_sets += 1
        else:
            self._exact_sets += 1
        return matched
