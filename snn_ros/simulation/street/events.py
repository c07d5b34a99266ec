"""What a scenario makes some actors do, whatever the rules of traffic say."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from snn_ros.simulation.street.actors import ActorState
from snn_ros.simulation.street.agents import EGO_ROW
from snn_ros.simulation.street.planar import FloatArray
from snn_ros.simulation.street.scenario import Event
from snn_ros.simulation.street.traffic import Traffic

_EXPECTED = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)  # how far drivers look into the future, in s
_PACE_GAIN = 0.8  # speed per metre off the distance kept to the ego, in 1/s
_PACE_ACCELERATION = 3.0


class Script(Protocol):
    """Steers one row of the traffic."""

    def update(self, traffic: Traffic) -> None:
        """Before each step."""


class CutIn:
    """Keeps its distance ahead of the ego beside it, then changes into its lane."""

    def __init__(self, row: int, event: Event) -> None:
        self._row, self._event, self._done = row, event, False

    def update(self, traffic: Traffic) -> None:
        """Pace, or cut in and leave the rest to car following."""
        if self._done:
            return
        if traffic.time < self._event.time:
            _pace(traffic, self._row, self._event.distance)
            return
        self._done = True
        traffic.forced[self._row] = math.nan
        target = int(traffic.lane[EGO_ROW])
        beside = (traffic.network.left, traffic.network.right)
        if target >= 0 and target in [int(side[traffic.lane[self._row]]) for side in beside]:
            traffic.change_lane(self._row, target)
        if self._event.speed is not None:
            traffic.desired_speed[self._row] = self._event.speed


class Stop:
    """Drives ahead of the ego, brakes to a standstill, and drives on later."""

    def __init__(self, row: int, event: Event) -> None:
        self._row, self._event = row, event

    def update(self, traffic: Traffic) -> None:
        """Pace, brake, or leave it to car following."""
        time, event = traffic.time, self._event
        if time < event.time:
            _pace(traffic, self._row, event.distance)
        elif time < event.time + event.duration:
            traffic.forced[self._row] = -event.deceleration
        else:
            traffic.forced[self._row] = math.nan


def _pace(traffic: Traffic, row: int, distance: float) -> None:
    """Hold a distance ahead of the ego; lanes side by side count alike."""
    if traffic.lane[EGO_ROW] < 0:
        return
    lengths = traffic.network.length
    ego_s = traffic.s[EGO_ROW] * lengths[traffic.lane[row]] / lengths[traffic.lane[EGO_ROW]]
    wanted = traffic.speed[EGO_ROW] + _PACE_GAIN * (ego_s + distance - traffic.s[row])
    change = 2.0 * (max(wanted, 0.0) - traffic.speed[row])
    traffic.forced[row] = min(max(change, -_PACE_ACCELERATION), _PACE_ACCELERATION)


class StepOut:
    """A pedestrian who crosses where there is no crosswalk, whatever comes.

    Args:
        start: x, y where they stand, in m.
        end: x, y where they stop.
        event: when, and how fast.
        speed: in m/s.
    """

    def __init__(
        self, start: tuple[float, float], end: tuple[float, float], event: Event, speed: float
    ) -> None:
        self._start, self._end, self._event, self._speed = start, end, event, speed
        self._length = math.dist(start, end)
        self._yaw = math.atan2(end[1] - start[1], end[0] - start[0])

    def path(self, width: float) -> FloatArray:
        """(5,) footprint of a width in m that holds the whole way."""
        x, y = (0.5 * (a + b) for a, b in zip(self._start, self._end, strict=True))
        return np.array([x, y, self._yaw, self._length, width])

    def expected(self, time: float) -> list[ActorState]:
        """Where drivers expect them from a time on: here, and on the way once they walk."""
        if not self._event.time < time < self._event.time + self._length / self._speed:
            return [self.state(time)]
        return [self.state(time + ahead) for ahead in _EXPECTED]

    def state(self, time: float) -> ActorState:
        """Where they are at a time in s."""
        walked = min(max(time - self._event.time, 0.0) * self._speed, self._length)
        walking = 0.0 < walked < self._length
        return ActorState(
            self._start[0] + walked * math.cos(self._yaw),
            self._start[1] + walked * math.sin(self._yaw),
            self._yaw,
            self._speed if walking else 0.0,
            0.0,
            walked * 2.0 * math.pi / 1.4 % (2.0 * math.pi),
        )
