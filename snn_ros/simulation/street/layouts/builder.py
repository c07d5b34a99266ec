"""Collects the parts of a layout while a generator makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from snn_ros.simulation.street.layout import (
    Building,
    Lane,
    Marking,
    ParkingSpot,
    Points,
    Pole,
    RoadLayout,
    Tree,
)

_GROUND_MARGIN = 60.0  # of ground around everything, in m
_SAMPLES_PER_METRE = 1.0


def samples(length: float) -> int:
    """How many points a lane of a length in m has."""
    return max(8, int(np.ceil(length * _SAMPLES_PER_METRE)) + 1)


class LayoutBuilder:
    """Mutable parts of a ``RoadLayout``; hands out the identifiers of lanes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.carriageway: list[Points] = []
        self.pavements: list[Points] = []
        self.markings: list[Marking] = []
        self.buildings: list[Building] = []
        self.trees: list[Tree] = []
        self.poles: list[Pole] = []
        self.parking: list[ParkingSpot] = []
        self._lanes: dict[int, Lane] = {}

    def add_lane(self, centre: Points, width: float, speed_limit: float, **details: str) -> int:
        """Add a lane; returns its identifier."""
        identifier = len(self._lanes)
        self._lanes[identifier] = Lane(identifier, centre, width, speed_limit, **details)  # type: ignore[arg-type]
        return identifier

    def lane(self, identifier: int) -> Lane:
        """A lane added before."""
        return self._lanes[identifier]

    def change(self, identifier: int, **details: object) -> None:
        """Give a lane other values."""
        self._lanes[identifier] = dataclasses.replace(self._lanes[identifier], **details)  # type: ignore[arg-type]

    def connect(self, identifier: int, successors: Iterable[int]) -> None:
        """Let a lane lead into others, besides those it leads into already."""
        self.change(identifier, successors=(*self._lanes[identifier].successors, *successors))

    def seed(self) -> int:
        """A seed for the looks of a thing."""
        return int(self.rng.integers(2**31))

    def build(self, name: str, kerb_height: float) -> RoadLayout:
        """The finished layout."""
        lanes = tuple(self._lanes.values())
        corners = np.concatenate(
            [*self.carriageway, *self.pavements, *(b.footprint for b in self.buildings)]
        )
        low, high = corners.min(axis=0) - _GROUND_MARGIN, corners.max(axis=0) + _GROUND_MARGIN
        return RoadLayout(
            name=name,
            lanes=tuple(lane for lane in lanes if lane.kind != "walk"),
            carriageway=tuple(self.carriageway),
            pavements=tuple(self.pavements),
            markings=tuple(self.markings),
            buildings=tuple(self.buildings),
            trees=tuple(self.trees),
            poles=tuple(self.poles),
            parking=tuple(self.parking),
            ground_extent=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            kerb_height=kerb_height,
            footways=tuple(lane for lane in lanes if lane.kind == "walk"),
        )
