"""One drive, step by step: traffic, the ego and what happens, as plain data and without MuJoCo."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.agents import EGO_ROW, Presence
from snn_ros.simulation.street.ego import (
    EgoCommand,
    EgoState,
    Trajectory,
    follow_trajectory,
    lookahead,
    pursue,
    step,
)
from snn_ros.simulation.street.lane_changes import LaneChanges
from snn_ros.simulation.street.layouts import make_layout
from snn_ros.simulation.street.network import LaneNetwork
from snn_ros.simulation.street.planar import FloatArray, overlapping_pairs
from snn_ros.simulation.street.route import plan_lanes
from snn_ros.simulation.street.scenario import StreetScenario
from snn_ros.simulation.street.spawn import EGO, spawn
from snn_ros.simulation.street.traffic import Traffic

Control = EgoCommand | Trajectory

_COMMAND_HORIZON = 3.0  # of the route command, in s
_COMMAND_OFFSET = 2.0  # beyond which the route turns, in m
_SLOWEST_LOOK = 3.0  # speed assumed at least when looking ahead, in m/s


@dataclass(frozen=True)
class Collision:
    """Two bodies began to overlap.

    Attributes:
        time: in s.
        first: identifier of one; ``EGO`` is the ego.
        second: identifier of the other.
    """

    time: float
    first: int
    second: int


@dataclass(frozen=True)
class StreetFrame:
    """Everything at one time.

    Attributes:
        time: since the start in s.
        ego: motion of ``base_link``.
        actors: state by identifier of everybody who is there, the ego not among them.
        collisions: those that began since the frame before.
        route_position: of ``base_link`` along the route in m.
        route_offset: of ``base_link`` to the left of the route in m.
        place: which place along the route this is.
        command: what the route does in the next 3 s: ``LEFT``, ``FORWARD`` or ``RIGHT``.
    """

    time: float
    ego: EgoState
    actors: dict[int, ActorState]
    collisions: tuple[Collision, ...]
    route_position: float
    route_offset: float
    place: int
    command: str


class StreetDrive:
    """A scenario that is driven step by step. Deterministic for the same controls.

    ::

        drive = StreetDrive(load_street_scenario("config/scenarios/street_quick.yaml"))
        while not drive.finished:
            frame = drive.advance()

    Attributes:
        scenario: as given.
        layout: the place.
        specs: everybody but the ego.
        route: the ego's.
        frame: the newest; the start before the first step.
    """

    def __init__(self, scenario: StreetScenario) -> None:
        """Make the place and put everybody in it.

        Raises:
            ConfigurationError: names every actor that cannot start where the scenario says.
        """
        self.scenario = scenario
        self.layout = make_layout(scenario.layout, scenario.seed)
        spawn_seed, traffic_seed = np.random.SeedSequence(scenario.seed).spawn(2)
        self._network = LaneNetwork(self.layout)
        cast = spawn(scenario, self.layout, self._network, np.random.default_rng(spawn_seed))
        self.specs: tuple[ActorSpec, ...] = tuple(cast.specs)
        self.route = cast.route
        self._parked = {spec.identifier: state for spec, state in cast.parked}
        self._walkers = cast.walkers
        self._scripts = cast.scripts
        rng = np.random.default_rng(traffic_seed)
        self._traffic = Traffic(self.layout, self._network, cast.agents, cast.ego_agent, rng)
        self._lane_changes = LaneChanges(self._traffic, cast.scripted)
        self._identifiers = self._footprint_rows()
        self._sizes = self._footprint_sizes()
        self._steps = 0
        self._overlapping: set[tuple[int, int]] = set()
        self._position = scenario.ego.position - scenario.ego.vehicle.rear_axle_to_centre
        self.frame = self._make_frame(cast.ego)

    @property
    def time(self) -> float:
        """Since the start in s."""
        return self._steps * self.scenario.period

    @property
    def finished(self) -> bool:
        """Whether the scenario is over."""
        return self.time >= self.scenario.duration - self.scenario.period / 2

    def advance(self, control: Control | None = None) -> StreetFrame:
        """One period of the scenario.

        Args:
            control: what the ego does; a trajectory it follows; or None, and it drives along its
                route by itself and yields like the others.

        Returns:
            What is true at the end of the period.
        """
        acceleration = self._step_traffic()
        ego, vehicle = self.frame.ego, self.scenario.ego.vehicle
        if control is None:
            command = EgoCommand(self._steer_along_route(), acceleration)
        elif isinstance(control, Trajectory):
            command = follow_trajectory(ego, control, self.time, vehicle)
        else:
            command = control
        ego = step(ego, command, self.scenario.period, vehicle)
        self._steps += 1
        self.frame = self._make_frame(ego)
        return self.frame

    # ---- traffic ----------------------------------------------------------------------------

    def _step_traffic(self) -> float:
        """Everybody else moves; returns how a driver would accelerate the ego, in m/s²."""
        ego, traffic = self.frame.ego, self._traffic
        x, y, yaw, length, width = ego.footprint(self.scenario.ego.vehicle).tolist()
        lanes_ahead, s, bodies = self._ego_lanes(x, y, yaw, length, width)
        room = self.route.length - self._position - length
        traffic.place_ego(lanes_ahead, s, ego.speed, room)
        for spec, walker in self._walkers:
            for state in walker.expected(self.time):
                bodies += self._on_lanes(state, spec.length / 2)
        for script in self._scripts:
            script.update(traffic)
        self._lane_changes.update()
        return traffic.step(self.scenario.period, bodies)

    def _ego_lanes(
        self, x: float, y: float, yaw: float, length: float, width: float
    ) -> tuple[list[int], float, list[Presence]]:
        """Lanes ahead of the ego, where in the first it is, and what it touches besides."""
        under = self._network.under(x, y, width / 2)
        along = [self.frame.ego.speed * math.cos(yaw - lane_yaw) for _, lane_yaw in under]
        mine = self._lane_of_ego([position.lane for position, _ in under], along)
        lanes_ahead: list[int] = []
        s, bodies = 0.0, []
        for i, (position, lane_yaw) in enumerate(under):
            if i == mine:
                lanes_ahead, s = self._lanes_from(position.lane), position.s
                continue
            cosine, sine = abs(math.cos(yaw - lane_yaw)), abs(math.sin(yaw - lane_yaw))
            half = (cosine * length + sine * width) / 2
            bodies.append(Presence(position, half, max(along[i], 0.0), EGO_ROW))
        return lanes_ahead, s, bodies

    def _lane_of_ego(self, lanes: list[int], along: list[float]) -> int | None:
        """Which of the lanes under it the ego drives in: that of its route, or the nearest."""
        forward = [i for i, speed in enumerate(along) if speed >= 0.0]
        planned = [i for i in forward if lanes[i] == self.route.lanes[self._leg()]]
        return next(iter([*planned, *forward]), None)

    def _lanes_from(self, lane: int) -> list[int]:
        if lane == self.route.lanes[self._leg()]:
            return list(self.route.lanes[self._leg() : self._leg() + 3])
        return plan_lanes(self._network, lane, (), 100.0)

    def _leg(self) -> int:
        """Which lane of the route the middle of the ego is in."""
        reach = self.scenario.ego.vehicle.rear_axle_to_centre
        return self.route.lane_at(self._position + reach)

    def _on_lanes(self, state: ActorState, half: float) -> list[Presence]:
        under = self._network.under(state.x, state.y, half)
        return [Presence(position, half, 0.0) for position, _ in under]

    def _steer_along_route(self) -> float:
        ego = self.frame.ego
        ahead = np.array([self._position + lookahead(ego.speed)])
        target = self.route.poses(ahead)[0, :2]
        return pursue(ego, target, self.scenario.ego.vehicle.wheelbase)

    # ---- frames -----------------------------------------------------------------------------

    def _make_frame(self, ego: EgoState) -> StreetFrame:
        self._position, offset = self.route.project(ego.x, ego.y, self._position)
        actors = self._traffic.states()
        actors.update(self._parked)
        for spec, walker in self._walkers:
            actors[spec.identifier] = walker.state(self.time)
        return StreetFrame(
            time=self.time,
            ego=ego,
            actors=actors,
            collisions=self._new_collisions(ego),
            route_position=self._position,
            route_offset=offset,
            place=int(self._position // self.scenario.place_spacing),
            command=self._command(ego.speed),
        )

    def _command(self, speed: float) -> str:
        """Which way the route goes: sideways offset after 3 s, as in the planner's labels."""
        distance = max(speed, _SLOWEST_LOOK) * _COMMAND_HORIZON
        here, there = self.route.poses(np.array([self._position, self._position + distance]))
        dx, dy = there[:2] - here[:2]
        left = dy * math.cos(here[2]) - dx * math.sin(here[2])
        if abs(left) < _COMMAND_OFFSET:
            return "FORWARD"
        return "LEFT" if left > 0.0 else "RIGHT"

    # ---- collisions -------------------------------------------------------------------------

    def _footprint_rows(self) -> list[int]:
        """Identifiers in the order of footprints: ego, traffic, walkers, parked."""
        traffic = [spec.identifier for spec in self._traffic.specs]
        walkers = [spec.identifier for spec, _ in self._walkers]
        return [*traffic, *walkers, *self._parked]

    def _footprint_sizes(self) -> FloatArray:
        by_identifier = {spec.identifier: spec for spec in self.specs}
        by_identifier[EGO] = self._traffic.specs[0]
        specs = [by_identifier[identifier] for identifier in self._identifiers]
        return np.array([[spec.length, spec.width] for spec in specs])

    def _new_collisions(self, ego: EgoState) -> tuple[Collision, ...]:
        poses = [self._traffic.pose()]
        poses[0][0] = ego.footprint(self.scenario.ego.vehicle)[:3]
        for _, walker in self._walkers:
            state = walker.state(self.time)
            poses.append(np.array([[state.x, state.y, state.yaw]]))
        moving_count = sum(len(pose) for pose in poses)
        poses.append(np.array([[p.x, p.y, p.yaw] for p in self._parked.values()]).reshape(-1, 3))
        footprints = np.hstack([np.concatenate(poses), self._sizes])
        there = np.ones(len(footprints), dtype=np.bool_)
        there[1 : len(self._traffic.lane)] = self._traffic.there[1:]
        footprints[~there, 0] = np.inf
        moving = np.arange(len(footprints)) < moving_count
        now = set(overlapping_pairs(footprints, moving & there))
        begun, self._overlapping = sorted(now - self._overlapping), now
        return tuple(
            Collision(self.time, self._identifiers[a], self._identifiers[b]) for a, b in begun
        )
