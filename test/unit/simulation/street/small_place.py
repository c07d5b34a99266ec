"""A place whose every length is known: 100 m of road along x with pavements on both sides."""

import numpy as np

from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.layout import Building, Marking, Pole, RoadLayout, Tree

HALF_ROAD, HALF_STREET, KERB = 4.0, 7.0, 0.12
BUILDING_FRONT, BUILDING_HEIGHT = 9.0, 12.0


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)


PLACE = RoadLayout(
    name="test",
    lanes=(),
    carriageway=(rectangle(-50, -HALF_ROAD, 0, HALF_ROAD), rectangle(0, -HALF_ROAD, 50, HALF_ROAD)),
    pavements=(
        rectangle(-50, HALF_ROAD, 50, HALF_STREET),
        rectangle(-50, -HALF_STREET, 50, -HALF_ROAD),
    ),
    markings=(
        Marking(np.array([(-50.0, 0.0), (50.0, 0.0)]), "dashed", 0.12),
        Marking(np.array([(-50.0, 3.7), (50.0, 3.7)]), "solid", 0.12),
        Marking(np.array([(20.0, -4.0), (20.0, 4.0)]), "crosswalk", 3.0),
    ),
    buildings=(
        Building(rectangle(5, BUILDING_FRONT, 20, BUILDING_FRONT + 10), BUILDING_HEIGHT, 3),
    ),
    trees=(Tree(-10.0, 8.5, 8.0, 1), Tree(-20.0, 8.5, 8.0, 5)),
    poles=(
        Pole(0.0, 6.5, 6.0, "lamp", -np.pi / 2),
        Pole(-5.0, -6.5, 2.6, "sign", np.pi),
        Pole(15.0, -6.5, 3.2, "traffic_light", np.pi),
    ),
    parking=(),
    ground_extent=(-60.0, -30.0, 60.0, 30.0),
    kerb_height=KERB,
)

ACTORS = (
    ActorSpec(0, "sedan", 4.3, 1.80, 1.48, appearance_seed=1),
    ActorSpec(1, "van", 5.2, 2.00, 2.10, appearance_seed=2),
    ActorSpec(2, "truck", 9.0, 2.50, 3.50, appearance_seed=3),
    ActorSpec(3, "pedestrian", 0.80, 0.55, 1.75, appearance_seed=4),
    ActorSpec(4, "cyclist", 1.80, 0.60, 1.78, appearance_seed=5),
    ActorSpec(7, "sedan", 4.6, 1.85, 1.45, appearance_seed=5, parked=True),
)
STATES = {
    0: ActorState(12.0, -2.0, 0.0, 8.0),
    1: ActorState(-30.0, 2.0, np.pi, 8.0),
    2: ActorState(35.0, 2.0, np.pi, 6.0),
    3: ActorState(8.0, -5.5, 0.3, 1.4, gait_phase=np.pi / 2),
    4: ActorState(18.0, -3.4, 0.0, 4.0, gait_phase=1.0),
    7: ActorState(-15.0, -3.0, 0.0),
}
EGO = ActorState(0.0, -2.0, 0.0, 8.0)
