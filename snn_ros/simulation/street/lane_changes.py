"""Lane changes of ordinary traffic by MOBIL: worth it for oneself, safe for who comes behind.

M. Treiber, A. Kesting, D. Helbing: General lane-changing model MOBIL for car-following models.
Transportation Research Record 1999, 2007; here without politeness.
"""

from __future__ import annotations

import numpy as np

from snn_ros.simulation.street.agents import EGO_ROW
from snn_ros.simulation.street.car_following import follow
from snn_ros.simulation.street.gates import BoolArray, IntArray
from snn_ros.simulation.street.network import NONE
from snn_ros.simulation.street.planar import FloatArray
from snn_ros.simulation.street.traffic import Traffic

INTERVAL = 0.5  # between decisions, in s
_WORTH_IT = 0.3  # gain of acceleration, in m/s²
_SAFE_BRAKING = 2.0  # that may be asked of the one behind, in m/s²
_REST = 5.0  # between two changes of one driver, in s
_LEAST_GAP = 4.0
_LEAST_SPEED = 3.0
_END_OF_LANE = 60.0  # within which nobody changes any more, in m


class LaneChanges:
    """Decides who changes lanes.

    Args:
        traffic: whom it watches.
        scripted: rows that it leaves alone.
    """

    def __init__(self, traffic: Traffic, scripted: set[int]) -> None:
        self._traffic = traffic
        kinds = [spec.kind for spec in traffic.specs]
        self._willing = np.isin(kinds, ("sedan", "van", "truck"))
        self._willing[[EGO_ROW, *scripted]] = False
        self._rested_at = np.zeros(len(kinds))
        self._next = INTERVAL

    def update(self) -> None:
        """Begin the changes that are due, one per pair of lanes at a time."""
        traffic = self._traffic
        if traffic.time < self._next:
            return
        self._next += INTERVAL
        rows = self._candidates()
        taken: set[int] = set()
        for beside in (traffic.network.left, traffic.network.right):
            target = np.where(traffic.there[rows], beside[traffic.lane[rows]], NONE)
            some = target != NONE
            for row, lane in self._worthwhile(rows[some], target[some]):
                if lane not in taken and not traffic.changing(row):
                    taken.update((lane, int(traffic.lane[row])))
                    traffic.change_lane(row, lane)
                    self._rested_at[row] = traffic.time + _REST

    def _candidates(self) -> IntArray:
        traffic = self._traffic
        room = traffic.network.length[traffic.lane] - traffic.s
        ready = self._willing & traffic.there & (self._rested_at <= traffic.time)
        ready &= (traffic.speed > _LEAST_SPEED) & (room > _END_OF_LANE)
        rows = np.flatnonzero(ready)
        return rows[[not traffic.changing(int(row)) for row in rows]]

    def _worthwhile(self, rows: IntArray, target: IntArray) -> list[tuple[int, int]]:
        """Rows and lanes of the changes that gain enough and harm nobody."""
        if not len(rows):
            return []
        traffic = self._traffic
        now = self._acceleration_behind(rows, *self._next_to(rows, traffic.lane[rows], ahead=True))
        gap, leader = self._next_to(rows, target, ahead=True)
        then = self._acceleration_behind(rows, gap, leader)
        gap_behind, follower = self._next_to(rows, target, ahead=False)
        theirs = self._acceleration_of(follower, gap_behind, rows)
        good = (then - now > _WORTH_IT) & (theirs > -_SAFE_BRAKING)
        good &= (gap > _LEAST_GAP) & (gap_behind > _LEAST_GAP)
        return [(int(r), int(t)) for r, t in zip(rows[good], target[good], strict=True)]

    def _next_to(
        self, rows: IntArray, lane: IntArray, *, ahead: bool
    ) -> tuple[FloatArray, IntArray]:
        """Gap to and row of the nearest one in a lane, ahead of or behind each row."""
        traffic = self._traffic
        sign = 1.0 if ahead else -1.0
        distance = sign * (traffic.s - traffic.s[rows, None])
        others: BoolArray = (traffic.lane == lane[:, None]) & (
            np.arange(len(traffic.lane)) != rows[:, None]
        )
        gaps = distance - traffic.half_length - traffic.half_length[rows, None]
        gaps = np.where(others & (distance >= 0.0), gaps, np.inf)
        nearest = gaps.argmin(axis=1)
        return gaps[np.arange(len(rows)), nearest], nearest

    def _acceleration_behind(self, rows: IntArray, gap: FloatArray, leader: IntArray) -> FloatArray:
        traffic = self._traffic
        return follow(
            traffic.speed[rows],
            traffic.desired_speed[rows],
            gap,
            traffic.speed[leader],
            traffic.drivers.of(rows),
        )

    def _acceleration_of(self, follower: IntArray, gap: FloatArray, rows: IntArray) -> FloatArray:
        """What the one behind would do after the change; free where nobody is."""
        return self._acceleration_behind(follower, gap, rows)
