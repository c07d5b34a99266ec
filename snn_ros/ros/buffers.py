"""A bounded buffer of stamped samples, such as odometry, IMU readings or ranges."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from snn_ros.errors import SnnRosError
from snn_ros.ros.conversions.stamps import CLOCK_JUMP_BACK_NS, to_seconds

Sample = TypeVar("Sample")


class NoSampleAt(SnnRosError):
    """The buffer holds nothing for the stamp asked for."""


@dataclass
class BufferCounts:
    """What became of the samples added: added = kept + duplicate + too_old at any time."""

    added: int = 0
    kept: int = 0
    duplicate: int = 0
    """A sample of that stamp is there already; the first one stays."""
    too_old: int = 0
    """Older than all of a full buffer, or than its duration allows."""
    jumps_back: int = 0
    """Times the clock was set back, which clears the buffer."""


class StampedBuffer(Generic[Sample]):
    """The newest samples in the order of their stamps, whatever order they come in. Thread safe.

    Args:
        capacity: samples held at most.
        duration_ns: a sample this much older than the newest is let go.
        jump_back_ns: a sample this much older than the newest is a clock set back: everything
            older is cleared and the buffer begins again with it.
    """

    def __init__(
        self,
        capacity: int,
        *,
        duration_ns: int | None = None,
        jump_back_ns: int = CLOCK_JUMP_BACK_NS,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity: {capacity}: expected at least 1")
        self.counts = BufferCounts()
        self._capacity = capacity
        self._duration_ns = duration_ns
        self._jump_back_ns = jump_back_ns
        self._lock = threading.Lock()
        self._stamps: list[int] = []
        self._samples: list[Sample] = []

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, stamp_ns: int, sample: Sample) -> bool:
        """Put a sample in its place.

        Returns:
            Whether the clock was found set back, which cleared what was there.
        """
        with self._lock:
            self.counts.added += 1
            jumped = bool(self._stamps) and stamp_ns <= self._stamps[-1] - self._jump_back_ns
            if jumped:
                self.counts.jumps_back += 1
                self._clear()
            self._insert(stamp_ns, sample)
            return jumped

    def clear(self) -> None:
        """Forget all samples, as after a clock jump; the counts stay."""
        with self._lock:
            self._clear()

    def newest(self) -> tuple[int, Sample] | None:
        """Stamp and sample of the newest, None from an empty buffer."""
        with self._lock:
            return self._at(len(self._stamps) - 1)

    def before(self, stamp_ns: int) -> tuple[int, Sample] | None:
        """The newest with a stamp not after the given one."""
        with self._lock:
            return self._at(bisect_right(self._stamps, stamp_ns) - 1)

    def nearest(self, stamp_ns: int, tolerance_ns: int | None = None) -> tuple[int, Sample] | None:
        """The one whose stamp is nearest, the older of two as near.

        Args:
            stamp_ns: where to look.
            tolerance_ns: None is returned where the nearest is farther than this.
        """
        with self._lock:
            after = bisect_left(self._stamps, stamp_ns)
            around = [i for i in (after - 1, after) if 0 <= i < len(self._stamps)]
            if not around:
                return None
            index = min(around, key=lambda i: abs(self._stamps[i] - stamp_ns))
            if tolerance_ns is not None and abs(self._stamps[index] - stamp_ns) > tolerance_ns:
                return None
            return self._at(index)

    def interpolate(
        self, stamp_ns: int, blend: Callable[[Sample, Sample, float], Sample]
    ) -> Sample:
        """The sample at a stamp: an exact one as it is, else blended from the two around it.

        Args:
            stamp_ns: within the span of the buffer.
            blend: of the sample before, the one after, and the fraction of the way between.

        Raises:
            NoSampleAt: the buffer is empty, or the stamp is before or after its samples.
        """
        with self._lock:
            after = bisect_left(self._stamps, stamp_ns)
            if after < len(self._stamps) and self._stamps[after] == stamp_ns:
                return self._samples[after]
            if not 0 < after < len(self._stamps):
                raise NoSampleAt(self._out_of_span(stamp_ns))
            start_ns, end_ns = self._stamps[after - 1], self._stamps[after]
            start, end = self._samples[after - 1], self._samples[after]
        return blend(start, end, (stamp_ns - start_ns) / (end_ns - start_ns))

    def _insert(self, stamp_ns: int, sample: Sample) -> None:
        index = bisect_left(self._stamps, stamp_ns)
        if index < len(self._stamps) and self._stamps[index] == stamp_ns:
            self.counts.duplicate += 1
            return
        if index == 0 and self._full_or_too_long(stamp_ns):
            self.counts.too_old += 1
            return
        self.counts.kept += 1
        self._stamps.insert(index, stamp_ns)
        self._samples.insert(index, sample)
        oldest = max(0, len(self._stamps) - self._capacity)
        if self._duration_ns is not None:
            oldest = max(oldest, bisect_left(self._stamps, self._stamps[-1] - self._duration_ns))
        del self._stamps[:oldest], self._samples[:oldest]

    def _full_or_too_long(self, stamp_ns: int) -> bool:
        """Whether a sample older than all others would be let go at once."""
        if len(self._stamps) >= self._capacity:
            return True
        return (
            bool(self._stamps)
            and self._duration_ns is not None
            and stamp_ns < self._stamps[-1] - self._duration_ns
        )

    def _clear(self) -> None:
        self._stamps.clear()
        self._samples.clear()

    def _at(self, index: int) -> tuple[int, Sample] | None:
        return (self._stamps[index], self._samples[index]) if index >= 0 else None

    def _out_of_span(self, stamp_ns: int) -> str:
        if not self._stamps:
            return "no sample yet"
        if stamp_ns < self._stamps[0]:
            late = to_seconds(self._stamps[0] - stamp_ns)
            return f"{late:.3f} s before the oldest sample"
        early = to_seconds(stamp_ns - self._stamps[-1])
        return f"{early:.3f} s after the newest sample"
