"""The tree of coordinate frames, with the history of the moving ones.

The meaning of tf2: every frame has one parent, moving transforms are interpolated between samples
and never extrapolated, static ones hold for all time. Rotations are scipy's. Nothing of rclpy in
here; ``frame_listener`` feeds a tree from /tf and /tf_static.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import Transform, interpolate, inverse
from snn_ros.ros.buffers import NoSampleAt, StampedBuffer
from snn_ros.ros.conversions.geometry import StampedTransform
from snn_ros.ros.conversions.stamps import CLOCK_JUMP_BACK_NS, NANOSECONDS

_MAX_SAMPLES = 10_000  # of one frame: 10 s at 1 kHz


class FrameError(SnnRosError):
    """A transform that cannot be had."""


class UnknownFrame(FrameError):
    """No transform names this frame."""


class DisconnectedFrames(FrameError):
    """Both frames are known, but no chain of transforms joins them."""


class ExtrapolationError(FrameError):
    """A transform on the way has no samples around the stamp."""


class FrameLoop(FrameError):
    """A transform that would make a frame its own ancestor."""


@dataclass(frozen=True)
class _Static:
    """A frame that never moves in its parent."""

    parent: str
    matrix: Transform

    def at(self, _stamp_ns: int) -> Transform:
        return self.matrix

    def newest(self) -> int | None:
        return None


@dataclass(frozen=True)
class _Moving:
    """A frame sampled in its parent over time."""

    parent: str
    samples: StampedBuffer[Transform]

    def at(self, stamp_ns: int) -> Transform:
        return self.samples.interpolate(stamp_ns, interpolate)

    def newest(self) -> int | None:
        sample = self.samples.newest()
        return sample[0] if sample else None


class FrameTree:
    """Answers where a frame is in another one at a time. Thread safe.

    Args:
        history_ns: how long moving transforms are kept.
        jump_back_ns: a sample this much older than its frame's newest is a clock set back: all
            moving transforms are forgotten, the static ones stay.
    """

    def __init__(
        self, *, history_ns: int = 10 * NANOSECONDS, jump_back_ns: int = CLOCK_JUMP_BACK_NS
    ) -> None:
        self.clock_jumps = 0
        self._history_ns = history_ns
        self._jump_back_ns = jump_back_ns
        self._lock = threading.RLock()
        self._edges: dict[str, _Static | _Moving] = {}

    def add(self, transform: StampedTransform, *, static: bool = False) -> None:
        """Take in one transform.

        A frame that comes with another parent, or changes between static and moving, begins anew.

        Raises:
            FrameLoop: the parent hangs on the child already; nothing is changed.
        """
        parent, child = _name(transform.parent), _name(transform.child)
        with self._lock:
            if child in self._ancestry(parent):
                raise FrameLoop(f"frame {child!r} in {parent!r}: {parent!r} is below {child!r}")
            if static:
                self._edges[child] = _Static(parent, transform.matrix)
                return
            edge = self._edges.get(child)
            if not isinstance(edge, _Moving) or edge.parent != parent:
                edge = self._edges[child] = _Moving(parent, self._new_buffer())
            if edge.samples.add(transform.stamp_ns, transform.matrix):
                self.clock_jumps += 1
                self.clear_moving()
                self._edges[child] = edge

    def lookup(self, target: str, source: str, stamp_ns: int | None = None) -> Transform:
        """The transform of points in source to points in target: p_target = T @ p_source.

        Args:
            target: frame of the result.
            source: frame of what is to be transformed.
            stamp_ns: when; None for the newest time at which all moving transforms are known.

        Returns:
            (4, 4) float64.

        Raises:
            UnknownFrame, DisconnectedFrames: see there.
            ExtrapolationError: the stamp is before or after the samples; says how much.
        """
        with self._lock:
            up, down = self._paths(_name(target), _name(source))
            if stamp_ns is None:
                stamp_ns = self._newest_common(up + down)
            return inverse(self._compose(up, stamp_ns)) @ self._compose(down, stamp_ns)

    def frames(self) -> list[str]:
        """All known frames, sorted."""
        with self._lock:
            return sorted(self._edges.keys() | {edge.parent for edge in self._edges.values()})

    def clear_moving(self) -> None:
        """Forget all moving transforms, as after a clock jump."""
        with self._lock:
            self._edges = {
                child: edge for child, edge in self._edges.items() if isinstance(edge, _Static)
            }

    def _new_buffer(self) -> StampedBuffer[Transform]:
        return StampedBuffer(
            _MAX_SAMPLES, duration_ns=self._history_ns, jump_back_ns=self._jump_back_ns
        )

    def _ancestry(self, frame: str) -> list[str]:
        """A frame, its parent and so on up to the root."""
        chain = [frame]
        while chain[-1] in self._edges:
            chain.append(self._edges[chain[-1]].parent)
        return chain

    def _paths(self, target: str, source: str) -> tuple[list[str], list[str]]:
        """The frames from the nearest common ancestor (left out) down to target and to source."""
        known = self.frames()
        for frame in (target, source):
            if frame not in known:
                raise UnknownFrame(f"frame {frame!r}: known are {', '.join(known) or 'none yet'}")
        targets, sources = self._ancestry(target), self._ancestry(source)
        common = next((frame for frame in sources if frame in targets), None)
        if common is None:
            raise DisconnectedFrames(
                f"frames {target!r} and {source!r}: no transform joins the tree of {targets[-1]!r} "
                f"with that of {sources[-1]!r}"
            )
        return targets[: targets.index(common)][::-1], sources[: sources.index(common)][::-1]

    def _newest_common(self, path: list[str]) -> int:
        newest = [self._edges[frame].newest() for frame in path]
        return min((stamp for stamp in newest if stamp is not None), default=0)

    def _compose(self, path: list[str], stamp_ns: int) -> Transform:
        transform = np.eye(4)
        for frame in path:
            transform = transform @ self._at(frame, stamp_ns)
        return transform

    def _at(self, frame: str, stamp_ns: int) -> Transform:
        """A frame in its parent."""
        edge = self._edges[frame]
        try:
            return edge.at(stamp_ns)
        except NoSampleAt as err:
            raise ExtrapolationError(f"frame {frame!r} in {edge.parent!r}: asked {err}") from None


def _name(frame: str) -> str:
    """Without the leading slash of older recordings, as tf2 does."""
    return frame.removeprefix("/")
