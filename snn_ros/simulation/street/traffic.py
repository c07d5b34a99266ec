"""Everybody but the ego: drivers, riders and walkers who follow lanes and each other.

All are rows of arrays and move along lanes by the Intelligent Driver Model. Row 0 is the ego: the
others see it, and it is told how it would be driven, but it moves by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snn_ros.geometry.angles import wrap_angle
from snn_ros.simulation.street.actors import ActorState
from snn_ros.simulation.street.agents import EGO_ROW, Agent, Presence, drivers_of
from snn_ros.simulation.street.car_following import follow
from snn_ros.simulation.street.gates import BoolArray, Crosswalks, IntArray, TrafficLights
from snn_ros.simulation.street.layout import RoadLayout
from snn_ros.simulation.street.network import NONE, LaneNetwork
from snn_ros.simulation.street.planar import FloatArray

_GONE = -2  # lane of those who have left
_LANES_AHEAD = 3  # lanes that a driver looks along: this one and two more
_SLOWING = 1.5  # before a lane with a lower limit, in m/s²
_BEHIND = -12.0  # how far behind a crosswalk still matters, in m
_CROSSWALK_HALF = 2.0
_STOP_LINE_SLACK = 1.0  # a driver stops this much nearer to a stop line than to a bumper, in m
_OVERRUN = -0.5  # who has passed a line farther than this does not stop for it any more, in m
_LANE_CHANGE_TIME = 3.5
_LEFT_OLD_LANE = 0.75  # share of a lane change after which the old lane is free
_ENTRY_GAP = 12.0
_PAUSE_AT_KERB = (4.0, 14.0)
_AWAY = (3.0, 10.0)  # how long one who has left drives round the block, in s
_WALKING = ("pedestrian",)

_METRES_PER_CYCLE = {"pedestrian": 1.4, "cyclist": 4.5}  # of gait or pedals


class Traffic:
    """Steps everybody; deterministic for the same generator and ego.

    Attributes:
        lane: (N,) lane of each row, row 0 the ego's.
        s: (N,) arc length of its middle in m.
        speed: (N,) in m/s.
        desired_speed: (N,) in m/s; scripts may change it.
        forced: (N,) acceleration that a script imposes in m/s², NaN where none does.
    """

    def __init__(
        self,
        layout: RoadLayout,
        network: LaneNetwork,
        agents: Sequence[Agent],
        ego: Agent,
        rng: np.random.Generator,
    ) -> None:
        everybody = [ego, *agents]
        self.network = network
        self.specs = tuple(agent.spec for agent in everybody)
        self._rng = rng
        kinds = [agent.spec.kind for agent in everybody]
        self.lane = np.array([agent.lane for agent in everybody], dtype=np.intp)
        self.s = np.array([agent.s for agent in everybody])
        self.speed = np.array([agent.speed for agent in everybody])
        self.desired_speed = np.array([agent.desired_speed for agent in everybody])
        self.forced = np.full(len(everybody), np.nan)
        self.half_length = np.array([agent.spec.length / 2 for agent in everybody])
        self.drivers = drivers_of(kinds)
        self.walking = np.isin(kinds, _WALKING)
        self._offset = np.array([agent.offset for agent in everybody])
        self._lights = TrafficLights(network)
        self._crosswalks = Crosswalks(layout, network)
        self._passing = np.zeros(len(everybody), dtype=np.bool_)
        self._pause_until = np.zeros(len(everybody))
        self._cycle = 2.0 * np.pi / np.array([_METRES_PER_CYCLE.get(k, np.inf) for k in kinds])
        self._gait = rng.uniform(0.0, 2.0 * np.pi, len(everybody))
        self._change_from = np.full(len(everybody), NONE)
        self._change_offset = np.zeros(len(everybody))
        self._change_begin = np.full(len(everybody), -np.inf)
        self._ahead = np.full((len(everybody), _LANES_AHEAD), NONE, dtype=np.intp)
        for row in range(1, len(everybody)):
            self._look_ahead(row)
        self.time = 0.0
        self._ego_limit = np.inf
        self._pose = np.zeros((len(everybody), 3))
        self._yaw_rate = np.zeros(len(everybody))
        self._move_to_lanes(0.0)

    # ---- what others need -------------------------------------------------------------------

    @property
    def there(self) -> BoolArray:
        """(N,) who is in the place now; the others drive round the block."""
        return self.lane != _GONE

    def states(self) -> dict[int, ActorState]:
        """Pose and motion by identifier of all who are there, without the ego."""
        states = {}
        pose, speed = self._pose.tolist(), self.speed.tolist()
        yaw_rate, gait, there = self._yaw_rate.tolist(), self._gait.tolist(), self.there.tolist()
        for row in range(1, len(self.specs)):
            if there[row]:
                x, y, yaw = pose[row]
                state = ActorState(x, y, yaw, speed[row], yaw_rate[row], gait[row])
                states[self.specs[row].identifier] = state
        return states

    def pose(self) -> FloatArray:
        """(N, 3) x, y, yaw of the middles; row 0 is not meaningful."""
        return self._pose

    def row_of(self, identifier: int) -> int:
        """The row of an actor."""
        return next(i for i, spec in enumerate(self.specs) if spec.identifier == identifier)

    def changing(self, row: int) -> bool:
        """Whether a row is between two lanes."""
        return bool(self._change_from[row] != NONE)

    # ---- stepping ---------------------------------------------------------------------------

    def place_ego(self, lanes_ahead: Sequence[int], s: float, speed: float, room: float) -> None:
        """Say where the ego is, before ``step``.

        Args:
            lanes_ahead: its lane and the next ones; empty when it is on none.
            s: arc length in the first of them in m.
            speed: in m/s.
            room: to the end of its route, in m.
        """
        self._ahead[EGO_ROW] = NONE
        self._ahead[EGO_ROW, : len(lanes_ahead)] = lanes_ahead[:_LANES_AHEAD]
        self.lane[EGO_ROW] = lanes_ahead[0] if lanes_ahead else _GONE
        self.s[EGO_ROW], self.speed[EGO_ROW], self._ego_limit = s, speed, room

    def step(self, period: float, bodies: Sequence[Presence] = ()) -> float:
        """Everybody moves.

        Args:
            period: in s.
            bodies: bodies that follow no lane, and lanes that the ego touches besides its own.

        Returns:
            The acceleration in m/s² with which a driver would drive the ego.
        """
        acceleration = self._accelerations(bodies)
        acceleration = np.where(np.isnan(self.forced), acceleration, self.forced)
        self.time += period
        self._integrate(acceleration, period)
        self._pass_on()
        self._return_the_gone()
        self._move_to_lanes(period)
        return float(acceleration[EGO_ROW])

    def change_lane(self, row: int, target: int) -> None:
        """Begin to move from a row's lane to one beside it."""
        network, old = self.network, int(self.lane[row])
        ratio = network.length[target] / network.length[old]
        lanes, s = np.array([target]), np.array([self.s[row] * ratio])
        here, there = network.poses(np.array([old]), self.s[[row]])[0], network.poses(lanes, s)[0]
        dx, dy = here[:2] - there[:2]
        self._change_offset[row] = dy * np.cos(there[2]) - dx * np.sin(there[2])
        self._change_from[row], self._change_begin[row] = old, self.time
        self.lane[row], self.s[row] = target, s[0]
        self._look_ahead(row)

    # ---- what drivers see -------------------------------------------------------------------

    def _accelerations(self, bodies: Sequence[Presence]) -> FloatArray:
        lights, walks = self._lights, self._crosswalks
        ghosts, ghost_lane, ghost_s = self._elsewhere()
        rows, extra = len(self.lane), len(bodies)
        begins = np.cumsum([rows + len(ghosts) + extra, len(lights.lanes), len(walks.kerb_lanes)])
        seen_lane = np.concatenate(
            [
                self.lane,
                ghost_lane,
                [b.position.lane for b in bodies],
                lights.lanes,
                walks.kerb_lanes,
                walks.lanes,
            ]
        ).astype(np.intp)
        kerb_s = self.network.length[walks.kerb_lanes]
        seen_s = np.concatenate(
            [self.s, ghost_s, [b.position.s for b in bodies], lights.stop_at, kerb_s, walks.s]
        )
        behind = np.zeros(len(seen_s))
        behind[begins[2] :] = _BEHIND
        distance = self._distances(seen_lane, seen_s, behind)
        owner = np.concatenate([np.arange(rows), ghosts, [b.owner for b in bodies]])
        distance[:, : begins[0]][np.arange(rows)[:, None] == owner] = np.inf

        half = np.concatenate(
            [self.half_length, self.half_length[ghosts], [b.half_length for b in bodies]]
        )
        speed = np.concatenate([self.speed, self.speed[ghosts], [b.speed for b in bodies]])
        gaps = distance[:, : begins[0]] - half - self.half_length[:, None]
        leader = gaps.argmin(axis=1)
        gap, leader_speed = gaps[np.arange(rows), leader], speed[leader]

        to_line = self._lines_ahead(distance, begins)
        nearer = to_line < gap
        gap, leader_speed = np.where(nearer, to_line, gap), np.where(nearer, 0.0, leader_speed)
        return follow(self.speed, self._allowed_speed(), gap, leader_speed, self.drivers)

    def _elsewhere(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Rows that reach into other lanes than theirs: which, where, at which arc length.

        Who changes lanes is in the old one for a while; who turns off still blocks those who go on.
        """
        network = self.network
        changing = np.flatnonzero(self._change_from != NONE)
        old = self._change_from[changing]
        s = self.s[changing] * network.length[old] / network.length[self.lane[changing]]
        turning = [
            (row, other, self.s[row])
            for row in np.flatnonzero(network.diverges[self.lane] & self.there).tolist()
            for other, together in network.diverging[self.lane[row]]
            if self.s[row] - self.half_length[row] < together
        ]
        if not turning:
            return changing, old, s
        rows, lanes, along = (np.array(values) for values in zip(*turning, strict=True))
        return (
            np.concatenate([changing, rows]),
            np.concatenate([old, lanes]),
            np.concatenate([s, along]),
        )

    def _distances(self, lane: IntArray, s: FloatArray, behind: FloatArray) -> FloatArray:
        """(N, M) along the road from each middle to each thing ahead, infinite where not ahead."""
        distance = np.full((len(self.lane), len(lane)), np.inf)
        begin = -self.s
        for k in range(_LANES_AHEAD):
            along = begin[:, None] + s
            seen = (self._ahead[:, k, None] == lane) & (along > behind)
            np.copyto(distance, along, where=seen & (along < distance))
            begin = begin + self.network.length[self._ahead[:, k]]
        return distance

    def _lines_ahead(self, distance: FloatArray, begins: IntArray) -> FloatArray:
        """(N,) from each front to the nearest line at which it has to stop."""
        lights, walks, half = self._lights, self._crosswalks, self.half_length[:, None]
        self._passing = lights.update(
            self.time, self.lane, self.s + self.half_length, self.speed, self._passing
        )
        red = distance[:, begins[0] : begins[1]] - half + _STOP_LINE_SLACK
        red[:, ~lights.closed()] = np.inf
        red[self._passing] = np.inf
        to_walks = distance[:, begins[2] :]
        walks.update(self.time, self.lane, self.s)
        free = walks.open(self.time, walks.safe(to_walks, self.half_length, self.speed))
        kerb = distance[:, begins[1] : begins[2]] - half
        paused = self._pause_until[:, None] > self.time
        kerb[:, free[walks.kerb_crosswalk]] += np.where(paused, 0.0, np.inf)
        held = to_walks - half - _CROSSWALK_HALF
        held[:, ~walks.occupied[walks.crosswalk]] = np.inf
        lines = np.concatenate([red, kerb, held], axis=1)
        lines[lines < _OVERRUN] = np.inf
        nearest = lines.min(axis=1, initial=np.inf)
        nearest[EGO_ROW] = min(nearest[EGO_ROW], self._ego_limit)
        return nearest

    def _allowed_speed(self) -> FloatArray:
        """(N,) desired speeds within the limits here and those soon to come."""
        limit, length = self.network.limit, self.network.length
        allowed = np.minimum(self.desired_speed, limit[self.lane])
        begin = length[self.lane] - self.s
        for k in range(1, _LANES_AHEAD):
            following = self._ahead[:, k]
            soon = np.sqrt(limit[following] ** 2 + 2.0 * _SLOWING * np.maximum(begin, 0.0))
            allowed = np.where(following != NONE, np.minimum(allowed, soon), allowed)
            begin = begin + length[following]
        return allowed

    # ---- how they move ----------------------------------------------------------------------

    def _integrate(self, acceleration: FloatArray, period: float) -> None:
        speed = self.speed + acceleration * period
        stopping = self.speed**2 / np.maximum(-2.0 * acceleration, 1e-9)
        way = np.where(speed < 0.0, stopping, 0.5 * (self.speed + speed) * period)
        moves = self.there
        moves[EGO_ROW] = False
        self.speed = np.where(moves, np.maximum(speed, 0.0), self.speed)
        self.s = np.where(moves, self.s + way, self.s)
        self._gait = np.where(moves, self._gait + way * self._cycle, self._gait) % (2.0 * np.pi)

    def _pass_on(self) -> None:
        """Who has come to the end of a lane goes on to the next, or leaves."""
        over = self.there & (self.s > self.network.length[self.lane])
        over[EGO_ROW] = False
        for row in np.flatnonzero(over).tolist():
            following = int(self._ahead[row, 1])
            self._change_from[row] = NONE
            if following == NONE:
                self.lane[row], self._ahead[row], self.speed[row] = _GONE, NONE, 0.0
                self._pause_until[row] = self.time + self._rng.uniform(*_AWAY)
                continue
            self.s[row] -= self.network.length[self.lane[row]]
            self.lane[row] = following
            self._ahead[row, :-1] = self._ahead[row, 1:]
            self._ahead[row, -1] = self._choose(int(self._ahead[row, -2]))
            if self.network.lanes[following].gate and self.walking[row]:
                self._pause_until[row] = self.time + self._rng.uniform(*_PAUSE_AT_KERB)

    def _look_ahead(self, row: int) -> None:
        lane = int(self.lane[row])
        for k in range(_LANES_AHEAD):
            self._ahead[row, k] = lane
            lane = self._choose(lane)

    def _choose(self, lane: int) -> int:
        """The lane that one takes after another, by chance where there is a choice."""
        successors = self.network.lanes[lane].successors if lane != NONE else ()
        if len(successors) < 2:
            return successors[0] if successors else NONE
        return int(self._rng.choice(successors))

    def _return_the_gone(self) -> None:
        """Who has left comes back where a lane enters the place, as soon as there is room."""
        due = ~self.there & (self._pause_until <= self.time)
        due[EGO_ROW] = False
        for row in np.flatnonzero(due).tolist():
            kind = "cycle" if self.specs[row].kind == "cyclist" else "car"
            entries = self.network.entries[kind] or self.network.entries["car"]
            if not entries:
                continue
            entry = int(self._rng.choice(entries))
            in_lane = np.flatnonzero((self.lane == entry) | (self._change_from == entry))
            rear = self.s[in_lane] - self.half_length[in_lane]
            if (rear < 2.0 * self.half_length[row] + _ENTRY_GAP).any():
                continue
            slowest = self.speed[in_lane][self.s[in_lane] < 60.0].min(initial=np.inf)
            limit = min(self.desired_speed[row], self.network.limit[entry])
            self.lane[row], self.s[row] = entry, self.half_length[row]
            self.speed[row] = min(limit, slowest)
            self._look_ahead(row)

    def _move_to_lanes(self, period: float) -> None:
        """Poses from lanes, and what follows from them."""
        lane = np.maximum(self.lane, 0)
        pose = self.network.poses(lane, self.s)
        offset, slope = self._lane_change_offset()
        cosine, sine = np.cos(pose[:, 2]), np.sin(pose[:, 2])
        pose[:, 0] -= (self._offset + offset) * sine
        pose[:, 1] += (self._offset + offset) * cosine
        pose[:, 2] += np.arctan2(slope, np.maximum(self.speed, 2.0))
        if period > 0.0:
            # a turn faster than a vehicle can make is one who came back elsewhere
            rate = wrap_angle(pose[:, 2] - self._pose[:, 2]) / period
            self._yaw_rate = np.where(np.abs(rate) < 2.0 * np.pi, rate, 0.0)
        self._pose = pose

    def _lane_change_offset(self) -> tuple[FloatArray, FloatArray]:
        """(N,) offset from the new lane in m and its rate in m/s, by a quintic without jerks."""
        changing = self._change_from != NONE
        if not changing.any():
            return np.zeros(len(self.s)), np.zeros(len(self.s))
        t = np.clip((self.time - self._change_begin) / _LANE_CHANGE_TIME, 0.0, 1.0)
        left = 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t * t)
        rate = -30.0 * t * t * (1.0 - t) ** 2 / _LANE_CHANGE_TIME
        self._change_from[t > _LEFT_OLD_LANE] = NONE
        self._change_offset[t >= 1.0] = 0.0
        return self._change_offset * left, self._change_offset * rate
