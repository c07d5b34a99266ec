"""A way through the lanes: the ego's route, and where along it something is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snn_ros.simulation.street.network import LaneNetwork, headings
from snn_ros.simulation.street.planar import FloatArray

_STEP = 0.5
_FORWARD = "forward"


def plan_lanes(network: LaneNetwork, start: int, turns: Sequence[str], length: float) -> list[int]:
    """Lanes from one on, turning as told where there is a choice and going forward after.

    Args:
        network: the lanes.
        start: index of the first.
        turns: ``left``, ``right`` or ``forward`` at each choice.
        length: after which the route may end, in m.
    """
    lanes, driven, wishes = [start], float(network.length[start]), list(turns)
    while driven < length and network.lanes[lanes[-1]].successors:
        successors = network.lanes[lanes[-1]].successors
        following = successors[0]
        if len(successors) > 1:
            wish = wishes.pop(0) if wishes else _FORWARD
            matching = [s for s in successors if network.lanes[s].turn == wish]
            following = (matching or list(successors))[0]
        lanes.append(following)
        driven += float(network.length[following])
    return lanes


class Route:
    """Lanes one after another as one line.

    Args:
        network: the lanes.
        lanes: their indices in order.
        lateral_offset: of the line to the left of the lanes' middle, in m.

    Attributes:
        lanes: as given.
        begins: (K + 1,) arc length where each lane begins, and the whole length, in m.
    """

    def __init__(
        self, network: LaneNetwork, lanes: Sequence[int], lateral_offset: float = 0.0
    ) -> None:
        self.lanes = tuple(lanes)
        self.begins = np.concatenate([[0.0], np.cumsum(network.length[list(lanes)])])
        parts = []
        for lane in lanes:
            s = np.linspace(0.0, network.length[lane], max(2, round(network.length[lane] / _STEP)))
            parts.append(network.poses(np.full(len(s), lane), s)[:-1, :2])
        parts.append(network.poses(np.array([lanes[-1]]), network.length[[lanes[-1]]])[:, :2])
        points = np.concatenate(parts)
        yaw = headings(points)
        points += lateral_offset * np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        self._s = np.concatenate([[0.0], np.cumsum(steps)])
        self._points, self._yaw = points, yaw

    @property
    def length(self) -> float:
        """In m."""
        return float(self._s[-1])

    def poses(self, s: FloatArray) -> FloatArray:
        """(N, 3) x, y, yaw at arc lengths in m; beyond the end straight on."""
        x, y = (np.interp(s, self._s, self._points[:, i]) for i in (0, 1))
        yaw = np.interp(s, self._s, self._yaw)
        beyond = np.maximum(s - self._s[-1], 0.0)
        return np.stack([x + beyond * np.cos(yaw), y + beyond * np.sin(yaw), yaw], axis=-1)

    def project(self, x: float, y: float, near: float, window: float = 30.0) -> tuple[float, float]:
        """Arc length and offset to the left of the nearest point, both in m.

        Args:
            x: in m.
            y: in m.
            near: arc length around which to look, so that a route may pass a place twice.
            window: how far around, in m.
        """
        low, high = np.searchsorted(self._s, (near - window, near + window))
        low, high = min(int(low), len(self._s) - 2), max(int(high), 2)
        points = self._points[low:high]
        squared = (points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2
        best = low + int(squared.argmin())
        yaw = self._yaw[best]
        dx, dy = x - self._points[best, 0], y - self._points[best, 1]
        along = dx * np.cos(yaw) + dy * np.sin(yaw)
        s = min(max(float(self._s[best] + along), 0.0), self.length)
        return s, float(dy * np.cos(yaw) - dx * np.sin(yaw))

    def lane_at(self, s: float) -> int:
        """Which of ``lanes`` (its place in the tuple) an arc length is in."""
        return int(np.clip(np.searchsorted(self.begins, s, "right") - 1, 0, len(self.lanes) - 1))
