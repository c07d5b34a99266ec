"""Streets full of cars, placed without simulating traffic: what sensor benchmarks look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.rigid import Transform, rigid_transform
from snn_ros.simulation.sensors.mounts import CameraMount
from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.layout import Lane
from snn_ros.simulation.street.layouts import LayoutParameters, make_layout
from snn_ros.simulation.street.scene import StreetScene

_CAR_SIZE = (4.2, 1.75, 1.5)
_CAR_SIZE_SPREAD = (0.3, 0.06, 0.08)
_HEADWAY = 22.0  # m between moving cars of a lane
_STOP_DISTANCE = 30.0  # m between the places where the ego looks
_MARGIN = 60.0  # m of road before and behind the ego


@dataclass(frozen=True)
class DriveThrough:
    """A street with parked and moving cars, and an ego that looks at it from several places.

    Attributes:
        scene: everybody is where they are for good; only the ego moves.
        states: of the cars by identifier.
        lane: along which the ego drives.
        looks: number of places.
    """

    scene: StreetScene
    states: dict[int, ActorState]
    lane: Lane
    looks: int

    def stops(self) -> Iterator[tuple[Transform, NDArray[np.float64]]]:
        """Move the ego from place to place.

        Yields:
            (4, 4) ``T_world_base``, and the cars as (M, 7) x y z of the centre, length, width,
            height, yaw in the world.
        """
        for i in range(self.looks):
            ego = _along(self.lane, _MARGIN + i * _STOP_DISTANCE)
            self.scene.place(self.states, ego, time=float(i))
            half = ego.yaw / 2
            yield (
                rigid_transform([ego.x, ego.y, 0.0], [0.0, 0.0, np.sin(half), np.cos(half)]),
                self.boxes(),
            )

    def boxes(self) -> NDArray[np.float64]:
        """(M, 7) x y z of the centre, length, width, height, yaw of each car in the world."""
        rows = []
        for identifier, state in self.states.items():
            spec = self.scene.actors[identifier]
            z = self.scene.ground_height(state.x, state.y) + spec.height / 2
            rows.append([state.x, state.y, z, spec.length, spec.width, spec.height, state.yaw])
        return np.array(rows)


def drives_through(
    seeds: range = range(4), looks: int = 3, cameras: tuple[CameraMount, ...] = ()
) -> Iterator[DriveThrough]:
    """Streets of different seeds, 240 m long."""
    for seed in seeds:
        generator = np.random.default_rng(seed)
        layout = make_layout(LayoutParameters("street", length=240.0, seed=seed))
        driven = next(lane for lane in layout.lanes if lane.kind == "car")
        places = [
            ActorState(spot.x, spot.y, spot.yaw)
            for spot in layout.parking
            if generator.random() < 0.7
        ]
        for lane in layout.lanes:
            if lane.kind == "car" and lane is not driven:
                starts = np.arange(generator.uniform(0.0, _HEADWAY), 240.0, _HEADWAY)
                places += [_along(lane, float(s + generator.uniform(0.0, 8.0))) for s in starts]
        specs = [
            ActorSpec(i, "sedan", *_car_size(generator), appearance_seed=i)
            for i in range(len(places))
        ]
        scene = StreetScene(layout, specs, seed=seed, ego_cameras=cameras)
        yield DriveThrough(scene, dict(enumerate(places)), driven, looks)


def _car_size(generator: np.random.Generator) -> tuple[float, float, float]:
    length, width, height = generator.normal(_CAR_SIZE, _CAR_SIZE_SPREAD)
    return length, width, height


def _along(lane: Lane, distance: float) -> ActorState:
    """Where one is who has driven a distance in m along a lane."""
    steps = np.diff(lane.centre, axis=0)
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*steps.T))])
    x, y = (float(np.interp(distance, arc, axis)) for axis in lane.centre.T)
    heading = steps[min(int(np.searchsorted(arc, distance)), len(steps) - 1)]
    return ActorState(x, y, float(np.arctan2(heading[1], heading[0])))
