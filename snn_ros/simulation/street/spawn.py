"""Who is where at the start of a scenario: placed by name, by event or by the seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from snn_ros.configuration import ConfigurationError
from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.agents import DESIRED_SPEEDS, EGO_ROW, SIZES, Agent
from snn_ros.simulation.street.ego import EgoParameters, EgoState
from snn_ros.simulation.street.events import CutIn, Script, StepOut, Stop
from snn_ros.simulation.street.layout import RoadLayout
from snn_ros.simulation.street.network import LaneNetwork
from snn_ros.simulation.street.planar import FloatArray, inside_any, overlapping_pairs
from snn_ros.simulation.street.route import Route, plan_lanes
from snn_ros.simulation.street.scenario import Event, PlacedActor, StreetScenario

EGO = -1
"""Identifier of the ego, e.g. in collisions."""

_RELATIVE = ("sedan", "van", "truck")
_WIDEST_IN_NARROW_LANE = 3.2  # lanes narrower than this are not for trucks, in m
_SHORTEST_LANE = 30.0  # to spawn in, in m
_FROM_LANE_ENDS = 6.0
_BEFORE_STOP_LINE = 2.0
_TRIES = 60
_WAITING_BESIDE_ROAD = 0.6
_SEEN_PARKED = 50.0  # how far from its way the ego sees parked cars, in m
_PATH_WIDTH = 1.6  # kept free of parked cars for who steps out, in m
_ROUTE_MARGIN = 100.0


@dataclass
class Cast:
    """Everybody at the start.

    Attributes:
        ego: its state.
        route: where it wants to go.
        ego_agent: how a driver would drive it.
        agents: who follows lanes.
        parked: who stays, with where.
        walkers: who crosses the road by an event.
        scripts: what events make others do.
    """

    ego: EgoState
    route: Route
    ego_agent: Agent
    agents: list[Agent] = field(default_factory=list)
    parked: list[tuple[ActorSpec, ActorState]] = field(default_factory=list)
    walkers: list[tuple[ActorSpec, StepOut]] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    scripted: set[int] = field(default_factory=set)

    @property
    def specs(self) -> list[ActorSpec]:
        """Everybody but the ego; a spec's place in the list is its identifier."""
        found = [agent.spec for agent in self.agents]
        found += [spec for spec, _ in self.parked] + [spec for spec, _ in self.walkers]
        return sorted(found, key=lambda spec: spec.identifier)


def spawn(
    scenario: StreetScenario, layout: RoadLayout, network: LaneNetwork, rng: np.random.Generator
) -> Cast:
    """Place everybody.

    Raises:
        ConfigurationError: names every actor that stands in another, off its lane or nowhere.
    """
    spawner = _Spawner(scenario, layout, network, rng)
    cast = spawner.run()
    if spawner.problems:
        raise ConfigurationError(layout.name, spawner.problems)
    return cast


class _Spawner:
    def __init__(
        self,
        scenario: StreetScenario,
        layout: RoadLayout,
        network: LaneNetwork,
        rng: np.random.Generator,
    ) -> None:
        self.problems: list[str] = []
        self._scenario, self._layout, self._network, self._rng = scenario, layout, network, rng
        self._names: list[str] = []
        self._footprints: list[FloatArray] = []
        self._identifier = 0

    def run(self) -> Cast:
        cast = self._ego()
        if cast is None:
            raise ConfigurationError(self._layout.name, self.problems)
        for i, actor in enumerate(self._scenario.actors):
            self._place(cast, i, actor)
        for i, event in enumerate(self._scenario.events):
            self._stage(cast, i, event)
        self._name_collisions()
        for _, walker in cast.walkers:
            self._occupy("", walker.path(_PATH_WIDTH))
        self._park(cast)
        self._populate(cast)
        return cast

    # ---- by name -----------------------------------------------------------------------------

    def _ego(self) -> Cast | None:
        start, network = self._scenario.ego, self._network
        entries = network.entries["car"]
        lane = start.lane if start.lane is not None else (entries[0] if entries else 0)
        if not self._on_lane("ego", lane, start.position):
            return None
        desired = start.desired_speed or float(network.limit.max()) * 2.0
        needed = start.position + self._scenario.duration * max(start.speed, desired, 3.0)
        lanes = plan_lanes(network, lane, start.route, needed + _ROUTE_MARGIN)
        route = Route(network, lanes, start.lateral_offset)
        x, y, yaw = route.poses(np.array([start.position]))[0]
        reach = start.vehicle.rear_axle_to_centre
        ego = EgoState(
            float(x - reach * np.cos(yaw)), float(y - reach * np.sin(yaw)), float(yaw), start.speed
        )
        self._occupy("ego", ego.footprint(start.vehicle))
        agent = Agent(_ego_spec(start.vehicle), lane, start.position, start.speed, desired)
        return Cast(ego, route, agent)

    def _on_lane(self, name: str, lane: int, position: float) -> bool:
        lanes = [i for i, known in enumerate(self._network.lanes) if known.kind != "walk"]
        if lane not in lanes:
            self.problems.append(f"{name}.lane = {lane!r}: must be one of {lanes}")
            return False
        length = float(self._network.length[lane])
        if not 0.0 <= position <= length:
            self.problems.append(f"{name}.position = {position!r}: the lane is {length:.1f} m long")
            return False
        return True

    def _place(self, cast: Cast, index: int, actor: PlacedActor) -> None:
        name = f"actors[{index}]" + (f" ({actor.name})" if actor.name else "")
        if self._on_lane(name, actor.lane, actor.position):
            desired = self._desired(actor.kind, actor.lane, actor.desired_speed)
            self._drive(cast, name, actor.kind, actor.lane, actor.position, actor.speed, desired)

    def _drive(
        self,
        cast: Cast,
        name: str,
        kind: str,
        lane: int,
        s: float,
        speed: float,
        desired: float,
        offset: float = 0.0,
    ) -> int:
        """Add one who follows lanes; returns its row in the traffic."""
        spec = self._spec(kind)
        x, y, yaw = self._network.poses(np.array([lane]), np.array([s]))[0]
        x, y = x - offset * np.sin(yaw), y + offset * np.cos(yaw)
        self._occupy(name, np.array([x, y, yaw, spec.length, spec.width]))
        cast.agents.append(Agent(spec, lane, s, speed, desired, offset))
        return EGO_ROW + len(cast.agents)

    def _name_collisions(self) -> None:
        for one, other in overlapping_pairs(np.array(self._footprints)):
            self.problems.append(f"{self._names[other]}: stands in {self._names[one]} at the start")

    # ---- by event ----------------------------------------------------------------------------

    def _stage(self, cast: Cast, index: int, event: Event) -> None:
        name = f"events[{index}] ({event.kind})"
        s = self._scenario.ego.position + event.distance
        if s > cast.route.length:
            length = cast.route.length
            self.problems.append(
                f"{name}.distance = {event.distance!r}: the route is {length:.1f} m long"
            )
            return
        leg = cast.route.lane_at(s)
        lane, along = cast.route.lanes[leg], s - float(cast.route.begins[leg])
        stage = {
            "cut_in": self._stage_cut_in,
            "stop": self._stage_stop,
            "crossing_pedestrian": self._stage_pedestrian,
            "blocked_lane": self._stage_blocked_lane,
            "oncoming": self._stage_oncoming,
        }[event.kind]
        stage(cast, name, event, lane, along)

    def _stage_cut_in(self, cast: Cast, name: str, event: Event, lane: int, s: float) -> None:
        beside = self._network.lanes[lane]
        other = beside.left if event.side == "left" else beside.right
        if other is None:
            self.problems.append(f"{name}.side = {event.side!r}: no lane there beside lane {lane}")
            return
        along = s * float(self._network.length[other] / self._network.length[lane])
        speed = self._scenario.ego.speed
        desired = self._desired(event.vehicle, other, None)
        row = self._drive(cast, name, event.vehicle, other, along, speed, desired)
        cast.scripts.append(CutIn(row, event))
        cast.scripted.add(row)

    def _stage_stop(self, cast: Cast, name: str, event: Event, lane: int, s: float) -> None:
        desired = self._desired(event.vehicle, lane, event.speed)
        speed = self._scenario.ego.speed
        row = self._drive(cast, name, event.vehicle, lane, s, speed, desired)
        cast.scripts.append(Stop(row, event))
        cast.scripted.add(row)

    def _stage_blocked_lane(self, cast: Cast, name: str, event: Event, lane: int, s: float) -> None:
        cast.scripted.add(self._drive(cast, name, event.vehicle, lane, s, 0.0, 0.0))

    def _stage_oncoming(self, cast: Cast, name: str, event: Event, lane: int, s: float) -> None:
        other = self._network.lanes[lane].oncoming
        if other is None:
            self.problems.append(f"{name}: lane {lane} has no oncoming lane beside it")
            return
        along = (1.0 - s / float(self._network.length[lane])) * float(self._network.length[other])
        desired = self._desired(event.vehicle, other, event.speed)
        cast.scripted.add(
            self._drive(
                cast, name, event.vehicle, other, along, desired, desired, event.encroaching
            )
        )

    def _stage_pedestrian(self, cast: Cast, name: str, event: Event, lane: int, s: float) -> None:
        x, y, yaw = self._network.poses(np.array([lane]), np.array([s]))[0]
        left = np.array([-np.sin(yaw), np.cos(yaw)])
        ends = [
            np.array([x, y])
            + side * (self._to_kerb(x, y, side * left) + _WAITING_BESIDE_ROAD) * left
            for side in (1.0, -1.0)
        ]
        start, end = ends if event.side == "left" else ends[::-1]
        spec = self._spec("pedestrian")
        turned = yaw + np.pi / 2
        self._occupy(name, np.array([*start, turned, spec.length, spec.width]))
        speed = 1.5 if event.speed is None else event.speed
        points = [(float(p[0]), float(p[1])) for p in (start, end)]
        cast.walkers.append((spec, StepOut(points[0], points[1], event, speed)))

    def _to_kerb(self, x: float, y: float, direction: FloatArray) -> float:
        """How far the carriageway reaches from a point in a direction, in m."""
        distances = np.arange(0.0, 30.0, 0.1)
        points = np.array([x, y]) + distances[:, None] * direction
        off = ~inside_any(self._layout.carriageway, points)
        return float(distances[off][0]) if off.any() else float(distances[-1])

    # ---- by the seed -------------------------------------------------------------------------

    def _park(self, cast: Cast) -> None:
        """Cars on parking spots along the way that the ego can drive, some left out."""
        density = self._scenario.traffic
        spots = np.array(self._layout.parking).reshape(-1, 3)
        near = np.zeros(len(spots), dtype=np.bool_)
        for x, y, _ in cast.route.poses(self._reach(cast)):
            near |= np.hypot(spots[:, 0] - x, spots[:, 1] - y) < _SEEN_PARKED
        taken = np.flatnonzero(near & (self._rng.random(len(spots)) < density.parked))
        if len(taken) > density.parked_at_most:
            taken = np.sort(self._rng.choice(taken, density.parked_at_most, replace=False))
        for x, y, yaw in spots[taken]:
            kind = "van" if self._rng.random() < density.vans else "sedan"
            spec = self._spec(kind, parked=True)
            shift = self._rng.uniform(-0.15, 0.15, 2)
            yaw += self._rng.uniform(-0.03, 0.03)
            footprint = np.array([x + shift[0], y + shift[1], yaw, spec.length, spec.width])
            if self._free(footprint):
                self._occupy("", footprint)
                state = ActorState(float(footprint[0]), float(footprint[1]), float(yaw))
                cast.parked.append((spec, state))
            else:
                self._identifier -= 1

    def _reach(self, cast: Cast) -> FloatArray:
        """Arc lengths of the route that the ego can come to, every 10 m."""
        start = self._scenario.ego
        speed = max(start.speed, min(cast.ego_agent.desired_speed, self._network.limit.max()))
        end = start.position + self._scenario.duration * speed
        return np.arange(start.position, min(end, cast.route.length), 10.0)

    def _populate(self, cast: Cast) -> None:
        density = self._scenario.traffic
        for _ in range(density.vehicles):
            draw = self._rng.random()
            kind = "van" if draw < density.vans else "sedan"
            kind = "truck" if draw > 1.0 - density.trucks else kind
            self._scatter(cast, kind, self._lanes("car", kind))
        for _ in range(density.cyclists):
            self._scatter(cast, "cyclist", self._lanes("cycle") or self._lanes("car"))
        kerbs = [lane for lane in self._network.lanes if (lane.gate or "").startswith("crosswalk")]
        across = {successor for lane in kerbs for successor in lane.successors}
        for _ in range(density.pedestrians):
            footways = [lane for lane in self._lanes("walk") if lane not in across]
            self._scatter(cast, "pedestrian", footways)
        # one at each kerb at most: more would wait on the road behind one another
        for i in self._rng.permutation(len(kerbs))[: density.crossing]:
            self._scatter(cast, "pedestrian", [kerbs[i].identifier])

    def _lanes(self, lane_kind: str, kind: str = "") -> list[int]:
        """Lanes of a kind that are long and wide enough to start in."""
        narrow = _WIDEST_IN_NARROW_LANE if kind == "truck" else 0.0
        return [
            i
            for i, lane in enumerate(self._network.lanes)
            if lane.kind == lane_kind
            and self._network.length[i] > _SHORTEST_LANE
            and lane.width >= narrow
        ]

    def _scatter(self, cast: Cast, kind: str, lanes: list[int]) -> None:
        """Add one somewhere on the lanes with room around; nobody where there is none."""
        if not lanes:
            return
        lengths = self._network.length[lanes]
        for _ in range(_TRIES):
            lane = int(self._rng.choice(lanes, p=lengths / lengths.sum()))
            margin = min(_FROM_LANE_ENDS, float(self._network.length[lane]) / 4)
            s = float(self._rng.uniform(margin, self._network.length[lane] - margin))
            desired = self._desired(kind, lane, None)
            speed, room = self._start_speed(kind, lane, s, desired)
            if self._room_in_lane(cast, lane, s, room):
                offset = 0.0
                if kind == "cyclist" and self._network.lanes[lane].kind == "car":
                    offset = -(self._network.lanes[lane].width / 2 - 0.7)
                if self._fits(kind, lane, s, offset):
                    self._drive(cast, "", kind, lane, s, speed, desired, offset)
                    return

    def _start_speed(self, kind: str, lane: int, s: float, desired: float) -> tuple[float, float]:
        """A speed at which one can stop at the lane's line, and the room to keep, in m."""
        speed = min(desired, float(self._network.limit[lane]))
        if self._network.lanes[lane].gate and kind != "pedestrian":
            left = self._network.lanes[lane].stop_at - s - _BEFORE_STOP_LINE
            speed = min(speed, float(np.sqrt(2.0 * max(left, 0.0))))
        length = SIZES[kind][0][1]
        return speed, length + (0.5 if kind == "pedestrian" else 3.0 + 1.2 * speed)

    def _room_in_lane(self, cast: Cast, lane: int, s: float, room: float) -> bool:
        agents = [cast.ego_agent, *cast.agents]
        return all(
            abs(agent.s - s) > room + agent.spec.length / 2
            for agent in agents
            if agent.lane == lane
        )

    def _fits(self, kind: str, lane: int, s: float, offset: float) -> bool:
        x, y, yaw = self._network.poses(np.array([lane]), np.array([s]))[0]
        (_, length), (_, width), _ = SIZES[kind]
        x, y = x - offset * np.sin(yaw), y + offset * np.cos(yaw)
        return self._free(np.array([x, y, yaw, length, width]))

    def _free(self, footprint: FloatArray) -> bool:
        boxes = np.array([*self._footprints, footprint])
        moving = np.zeros(len(boxes), dtype=np.bool_)
        moving[-1] = True
        return not overlapping_pairs(boxes, moving)

    # ---- small things ------------------------------------------------------------------------

    def _occupy(self, name: str, footprint: FloatArray) -> None:
        self._names.append(name)
        self._footprints.append(footprint)

    def _spec(self, kind: str, *, parked: bool = False) -> ActorSpec:
        length, width, height = (float(self._rng.uniform(*size)) for size in SIZES[kind])
        seed = int(self._rng.integers(2**31))
        self._identifier += 1
        return ActorSpec(self._identifier - 1, kind, length, width, height, seed, parked)

    def _desired(self, kind: str, lane: int, given: float | None) -> float:
        if given is not None:
            return given
        factor = float(self._rng.uniform(*DESIRED_SPEEDS[kind]))
        return factor * float(self._network.limit[lane]) if kind in _RELATIVE else factor


def _ego_spec(vehicle: EgoParameters) -> ActorSpec:
    return ActorSpec(EGO, "sedan", vehicle.length, vehicle.width, vehicle.height)
