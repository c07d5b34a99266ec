"""Who takes part in traffic, and where each is: shared by traffic, scene and ground truth.

World frame: x east, y north, z up, origin on the road surface; yaw counter-clockwise from +x.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("sedan", "van", "truck", "pedestrian", "cyclist")

CLASS_OF = {
    "sedan": "Car",
    "van": "Van",
    "truck": "Truck",
    "pedestrian": "Pedestrian",
    "cyclist": "Cyclist",
}
"""Class of each kind in labels, by KITTI's names. As there, a van is no car: ``Van`` is the
neighbour class that an evaluation of ``Car`` ignores."""


@dataclass(frozen=True)
class ActorSpec:
    """What does not change about an actor.

    Attributes:
        identifier: unique in a scenario, from 0; the track id of its labels.
        kind: one of ``KINDS``.
        length: along its heading, in m.
        width: across its heading, in m.
        height: above the ground, in m.
        appearance_seed: chooses colour and shape details.
        parked: whether it stays where it is for the whole scenario.
    """

    identifier: int
    kind: str
    length: float
    width: float
    height: float
    appearance_seed: int = 0
    parked: bool = False


@dataclass(frozen=True)
class ActorState:
    """Pose and motion of an actor at one time.

    The reference point is the centre of the footprint on the ground. (For the ego vehicle it is
    the centre of the rear axle, as ``base_link``.)

    Attributes:
        x: east, in m.
        y: north, in m.
        yaw: heading in rad, counter-clockwise from east.
        speed: along the heading, in m/s.
        yaw_rate: in rad/s, counter-clockwise.
        gait_phase: of a walk or of pedals, in rad; grows by 2 pi with each double step or turn.
    """

    x: float
    y: float
    yaw: float
    speed: float = 0.0
    yaw_rate: float = 0.0
    gait_phase: float = 0.0
