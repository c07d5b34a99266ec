"""Who may pass where: traffic lights of a crossing, and crosswalks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.layout import RoadLayout
from snn_ros.simulation.street.layouts.corridor import WAITING_FROM_KERB
from snn_ros.simulation.street.network import NONE, LaneNetwork
from snn_ros.simulation.street.planar import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

_LONGEST_GREEN = 10.0
_SHORTEST_GREEN = 3.0
_STOPPING = 3.0  # who would have to brake harder drives on, in m/s²
_DEMAND = 60.0  # within which of a stop line a vehicle asks for green, in m
_YIELDING = 2.0  # deceleration that may be asked of drivers before a crosswalk, in m/s²
_REACTION = 0.6
_GROUP = 2.0  # who wants to cross with others steps out this soon after the first, in s
_TRAFFIC_TURN = 4.0  # for which an empty crosswalk is left to the vehicles, in s


class TrafficLights:
    """Green for one arm after another, each when the junction is empty again.

    An arm keeps green while others wait for at most 10 s; arms without traffic are skipped. Who is
    too near to stop comfortably passes and is waited for.
    """

    def __init__(self, network: LaneNetwork) -> None:
        gated = [lane for lane in network.lanes if (lane.gate or "").startswith("signal")]
        self.lanes = np.array([lane.identifier for lane in gated], dtype=np.intp)
        self.stop_at = np.array([lane.stop_at for lane in gated])
        self._arm_of = np.full(len(network.lanes), NONE)
        self._inside = np.zeros(len(network.lanes), dtype=np.bool_)
        for arm, lane in enumerate(gated):
            self._arm_of[[lane.identifier, *lane.successors]] = arm
            self._inside[list(lane.successors)] = True
        self._stop_of = np.full(len(network.lanes), np.inf)
        self._stop_of[self.lanes] = self.stop_at
        self.green = 0 if gated else NONE
        self._last = 0
        self._since = 0.0

    def update(
        self, time: float, lane: IntArray, front: FloatArray, speed: FloatArray, passing: BoolArray
    ) -> BoolArray:
        """Switch the lights.

        Args:
            time: in s.
            lane: (N,) lane of each vehicle, negative for those that are not there.
            front: (N,) arc length of its front in m.
            speed: (N,) in m/s.
            passing: (N,) who was on the way through the junction before.

        Returns:
            (N,) who is on the way through the junction now and need not stop.
        """
        if not len(self.lanes):
            return passing
        there = lane >= 0
        arm = np.where(there, self._arm_of[lane], NONE)
        to_line = np.where(there, self._stop_of[lane], np.inf) - front
        inside = there & self._inside[lane]
        cannot_stop = to_line < speed * speed / (2.0 * _STOPPING)
        approaching = (arm != NONE) & ~inside
        passing = inside | (approaching & (passing | ((arm == self.green) & cannot_stop)))
        waiting = approaching & ~passing & (to_line < _DEMAND)
        demand = np.bincount(arm[waiting], minlength=len(self.lanes)) > 0
        self._switch(time, demand, passing)
        return passing

    def _switch(self, time: float, demand: BoolArray, passing: BoolArray) -> None:
        if self.green != NONE:
            lasted = time - self._since
            others = demand.copy()
            others[self.green] = False
            over = lasted > _LONGEST_GREEN or (lasted > _SHORTEST_GREEN and not demand[self.green])
            if others.any() and over:
                self._last, self.green = self.green, NONE
        elif not passing.any():
            turns = [(self._last + 1 + i) % len(demand) for i in range(len(demand))]
            self.green = next((arm for arm in turns if demand[arm]), turns[0])
            self._since = time

    def closed(self) -> BoolArray:
        """(A,) which arms have red."""
        return np.arange(len(self.lanes)) != self.green


class Crosswalks:
    """Pedestrians step out when every vehicle could stop; vehicles wait while one is on the road.

    Attributes:
        lanes: (P,) lane of each place where a crosswalk meets a lane of vehicles.
        s: (P,) its arc length there in m.
        crosswalk: (P,) which crosswalk it is.
        occupied: (C,) crosswalks on which somebody is.
        kerb_lanes: (K,) footways whose end is a kerb.
        kerb_crosswalk: (K,) the crosswalk there.
    """

    def __init__(self, layout: RoadLayout, network: LaneNetwork) -> None:
        paths = [marking.points for marking in layout.markings if marking.kind == "crosswalk"]
        meeting = [
            (i, lane, s) for i, path in enumerate(paths) for lane, s in network.crossings_with(path)
        ]
        self.count = len(paths)
        self.crosswalk = np.array([i for i, _, _ in meeting], dtype=np.intp)
        self.lanes = np.array([lane for _, lane, _ in meeting], dtype=np.intp)
        self.s = np.array([s for _, _, s in meeting])
        kerbs = [lane for lane in network.lanes if (lane.gate or "").startswith("crosswalk")]
        self.kerb_lanes = np.array([lane.identifier for lane in kerbs], dtype=np.intp)
        self.kerb_crosswalk = np.array([int((k.gate or "").split("_")[1]) for k in kerbs], np.intp)
        self._across = np.full(len(network.lanes), NONE)
        self._kerb_at = network.length - WAITING_FROM_KERB
        for lane, crosswalk in zip(kerbs, self.kerb_crosswalk, strict=True):
            self._across[list(lane.successors)] = crosswalk
        self.occupied = np.zeros(self.count, dtype=np.bool_)
        self._changed_at = np.full(self.count, -np.inf)

    def update(self, time: float, lane: IntArray, s: FloatArray) -> None:
        """See who is on the crosswalks.

        Args:
            time: in s.
            lane: (N,) lane of everybody, negative for those that are not there.
            s: (N,) arc length of their middles in m.
        """
        on = self._across[lane[(lane >= 0) & (s < self._kerb_at[lane])]]
        occupied = np.bincount(on[on != NONE], minlength=self.count) > 0
        self._changed_at[occupied != self.occupied] = time
        self.occupied = occupied

    def open(self, time: float, safe: BoolArray) -> BoolArray:
        """(C,) crosswalks that one may step on now: pedestrians and vehicles take turns."""
        since = time - self._changed_at
        return safe & np.where(self.occupied, since < _GROUP, since > _TRAFFIC_TURN)

    def safe(self, distance: FloatArray, half_length: FloatArray, speed: FloatArray) -> BoolArray:
        """(C,) crosswalks before which every vehicle could stop.

        Args:
            distance: (N, P) from the middle of each vehicle to each place, in m.
            half_length: (N,) of the vehicles in m.
            speed: (N,) in m/s.
        """
        front = distance - half_length[:, None]
        stopping = speed * speed / (2.0 * _YIELDING) + _REACTION * speed + 1.0
        passed = distance < -(half_length[:, None] + 1.5)
        unsafe = ((front < stopping[:, None]) & ~passed).any(axis=0)
        return np.bincount(self.crosswalk[unsafe], minlength=self.count) == 0
