"""Places, made from a kind, a few parameters and a seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snn_ros.configuration import check, setting
from snn_ros.simulation.street.layout import RoadLayout
from snn_ros.simulation.street.layouts.crossing import crossing
from snn_ros.simulation.street.layouts.parking_lot import parking
from snn_ros.simulation.street.layouts.roads import campus, highway, route, street

_GENERATORS: dict[str, Callable[[float, int, float, np.random.Generator], RoadLayout]] = {
    "street": street,
    "crossing": crossing,
    "highway": highway,
    "parking": parking,
    "campus": campus,
    "route": route,
}
_LENGTHS = {
    "street": 400.0,
    "crossing": 120.0,
    "highway": 1500.0,
    "parking": 60.0,
    "campus": 250.0,
    "route": 1000.0,
}
_LANES = {"highway": 3}


@dataclass(frozen=True)
class LayoutParameters:
    """Which place."""

    kind: str = setting("street", "what the place is", choices=tuple(_GENERATORS))
    length: float | None = setting(
        None, "of the road, of each arm or of the aisles", unit="m", minimum=40.0, maximum=5000.0
    )
    lanes: int | None = setting(None, "in each direction", minimum=1, maximum=4)
    bend: float = setting(
        0.0, "by which a street or highway turns left", unit="deg", minimum=-90.0, maximum=90.0
    )
    seed: int | None = setting(None, "of the place; the scenario's if absent", minimum=0)


def make_layout(parameters: LayoutParameters, seed: int = 0) -> RoadLayout:
    """The place of a kind and a seed: always the same for the same arguments.

    Args:
        parameters: kind and sizes.
        seed: used where the parameters have none.

    Raises:
        ConfigurationError: a parameter is out of its bounds.
    """
    check(parameters)
    seed = seed if parameters.seed is None else parameters.seed
    kind = parameters.kind
    layout = _GENERATORS[kind](
        _LENGTHS[kind] if parameters.length is None else parameters.length,
        _LANES.get(kind, 1) if parameters.lanes is None else parameters.lanes,
        parameters.bend,
        np.random.default_rng(seed),
    )
    return dataclasses.replace(layout, name=f"{kind}:{seed}")
