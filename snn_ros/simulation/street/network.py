"""Lanes as arrays: poses along them, what follows and what lies beside, all for many at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.angles import wrap_angle
from snn_ros.simulation.street.layout import Lane, Points, RoadLayout
from snn_ros.simulation.street.planar import FloatArray

NONE = -1
"""Index of no lane."""

_STEP = 0.5  # between samples of a lane, in m
_NEAR = 4.0  # a lane farther than this is none that one drives on, in m
_APART = 2.8  # between the middles of lanes on which two vehicles can pass, in m
_SAME_DIRECTION = np.pi / 2

Indices = NDArray[np.intp]


class LanePosition(NamedTuple):
    """A place in a lane: its index, arc length in m, offset to the left of its centre in m."""

    lane: int
    s: float
    offset: float


def resample(points: Points, step: float) -> Points:
    """The same polyline with points at equal distances of about ``step`` m."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    s = np.linspace(0.0, lengths[-1], max(2, round(lengths[-1] / step) + 1))
    return np.stack([np.interp(s, lengths, points[:, i]) for i in (0, 1)], axis=1)


def headings(points: Points) -> FloatArray:
    """(N,) heading of a polyline at its points in rad, without jumps of 2 pi."""
    tangent = np.gradient(points, axis=0)
    return np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))


class LaneNetwork:
    """The lanes and footways of a layout; a lane's index is its identifier.

    Attributes:
        lanes: every lane by index.
        length: (L,) arc lengths in m.
        limit: (L,) speed limits in m/s.
        walking: (L,) whether it is a footway.
        left: (L,) index of the lane to change to on the left, or ``NONE``.
        right: (L,) the same on the right.
        diverging: for each lane those that begin where it begins, and how far they run together.
        diverges: (L,) whether there are such.
        entries: by kind, the lanes into which no other leads.
    """

    def __init__(self, layout: RoadLayout) -> None:
        lanes = sorted((*layout.lanes, *layout.footways), key=lambda lane: lane.identifier)
        self.lanes: tuple[Lane, ...] = tuple(lanes)
        samples = [resample(lane.centre, _STEP) for lane in lanes]
        steps = [np.linalg.norm(np.diff(points, axis=0), axis=1) for points in samples]
        self.length = np.array([step.sum() for step in steps])
        self.limit = np.array([lane.speed_limit for lane in lanes])
        self.walking = np.array([lane.kind == "walk" for lane in lanes])
        self.left = np.array([NONE if lane.left is None else lane.left for lane in lanes])
        self.right = np.array([NONE if lane.right is None else lane.right for lane in lanes])
        self._count = np.array([len(points) for points in samples])
        self._first = np.concatenate([[0], np.cumsum(self._count)[:-1]])
        self._step = self.length / (self._count - 1)
        self._poses = np.concatenate(
            [np.column_stack([points, headings(points)]) for points in samples]
        )
        self._driven = np.concatenate(
            [np.full(len(p), lane.kind != "walk") for p, lane in zip(samples, lanes, strict=True)]
        )
        self._lane_of = np.repeat(np.arange(len(lanes)), self._count)
        self.diverging = self._find_diverging()
        self.diverges = np.array([bool(others) for others in self.diverging])
        followed = {successor for lane in lanes for successor in lane.successors}
        self.entries = {
            kind: [i for i, lane in enumerate(lanes) if lane.kind == kind and i not in followed]
            for kind in ("car", "cycle")
        }

    def _find_diverging(self) -> list[list[tuple[int, float]]]:
        found: list[list[tuple[int, float]]] = [[] for _ in self.lanes]
        for lane in self.lanes:
            for one in lane.successors:
                found[one] = [(o, self._together(one, o)) for o in lane.successors if o != one]
        return found

    def _together(self, one: int, other: int) -> float:
        """Arc length up to which two lanes from the same point are too near to pass, in m."""
        s = np.arange(0.0, min(self.length[one], self.length[other]), _STEP)
        poses = [self.poses(np.full(len(s), lane), s)[:, :2] for lane in (one, other)]
        apart = np.linalg.norm(poses[1] - poses[0], axis=1) > _APART
        return float(s[apart][0]) if apart.any() else float(s[-1])

    def poses(self, lane: Indices, s: FloatArray) -> FloatArray:
        """(N, 3) x, y and yaw at arc lengths in m of lanes."""
        position = np.clip(s / self._step[lane], 0.0, self._count[lane] - 1.000001)
        below = position.astype(np.intp)
        fraction = (position - below)[:, None]
        below += self._first[lane]
        poses = self._poses[below]
        return poses + fraction * (self._poses[below + 1] - poses)

    def under(self, x: float, y: float, half_width: float) -> list[tuple[LanePosition, float]]:
        """Lanes that vehicles use and a body touches, the nearest first, each with its heading.

        Args:
            x: of the body's middle in m.
            y: of the body's middle in m.
            half_width: of the body in m.
        """
        dx, dy = x - self._poses[:, 0], y - self._poses[:, 1]
        squared = dx * dx + dy * dy
        near = np.flatnonzero((squared < _NEAR**2) & self._driven)
        found = []
        for lane in np.unique(self._lane_of[near]):
            mine = near[self._lane_of[near] == lane]
            best = mine[squared[mine].argmin()]
            yaw = self._poses[best, 2]
            along = dx[best] * np.cos(yaw) + dy[best] * np.sin(yaw)
            offset = dy[best] * np.cos(yaw) - dx[best] * np.sin(yaw)
            if abs(offset) < half_width + self.lanes[lane].width / 2 and abs(along) < 2.0 * _STEP:
                s = float((best - self._first[lane]) * self._step[lane] + along)
                s = min(max(s, 0.0), float(self.length[lane]))
                found.append((LanePosition(int(lane), s, float(offset)), float(yaw)))
        return sorted(found, key=lambda item: abs(item[0].offset))

    def drives_along(self, yaw: float, lane_yaw: float) -> bool:
        """Whether a heading is along a lane rather than against it."""
        return bool(abs(wrap_angle(np.array(yaw - lane_yaw))) < _SAME_DIRECTION)

    def crossings_with(self, path: Points) -> list[tuple[int, float]]:
        """Where a path of two points crosses lanes of vehicles: (lane, arc length in m)."""
        start, way = path[0], path[1] - path[0]
        length = float(np.linalg.norm(way))
        along = way / length
        found = []
        for index, lane in enumerate(self.lanes):
            if lane.kind == "walk":
                continue
            points = self._poses[self._first[index] :][: self._count[index], :2] - start
            side = along[0] * points[:, 1] - along[1] * points[:, 0]
            ahead = points @ along
            for i in np.flatnonzero(side[:-1] * side[1:] <= 0.0):
                if side[i] != side[i + 1] and 0.0 <= ahead[i] <= length:
                    fraction = side[i] / (side[i] - side[i + 1])
                    found.append((index, float((i + fraction) * self._step[index])))
                    break
        return found
