"""Vehicles, pedestrians and cyclists as shapes, built to their length, width and height.

Frame: x forward, y left, z up; the origin is the centre of the footprint on the ground.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from snn_ros.simulation.gazebo.sdf import Colour, Geometry, Shape, box, cylinder, ellipsoid, prism
from snn_ros.simulation.street.actors import ActorSpec
from snn_ros.simulation.street.swatches import SWATCHES
from snn_ros.simulation.street.vehicles import paint_of

_GLASS: Colour = (0.10, 0.12, 0.15)
_GLASS_VALUE, _TRIM_VALUE, _LAMP_VALUE, _CLOTHES_VALUE = 0.05, 0.15, 0.92, 0.45
_SIDEWAYS = (math.pi / 2, 0.0, 0.0)  # an outline drawn up along z then stands, drawn along -y

Profile = tuple[tuple[float, float], ...]


class _Silhouette(NamedTuple):
    """A car seen from its right, counter-clockwise: x as shares of the length, z of the height.

    Attributes:
        body: the painted lower part.
        cabin: the windows.
        roof: rear and front end of the roof.
        axles: x of the wheels.
    """

    body: Profile
    cabin: Profile
    roof: tuple[float, float]
    axles: tuple[float, float]


_CAR = _Silhouette(
    body=(
        (-0.49, 0.15), (0.49, 0.15), (0.50, 0.42), (0.30, 0.62), (-0.42, 0.66), (-0.50, 0.60),
    ),
    cabin=((-0.40, 0.62), (0.24, 0.60), (0.06, 0.98), (-0.27, 0.98)),
    roof=(-0.28, 0.07),
    axles=(-0.30, 0.31),
)  # fmt: skip
_VAN = _Silhouette(
    body=((-0.50, 0.12), (0.49, 0.12), (0.50, 0.40), (0.385, 0.54), (0.05, 0.54), (0.05, 0.97),
          (-0.49, 0.97)),
    cabin=((0.04, 0.52), (0.385, 0.52), (0.24, 0.98), (0.04, 0.98)),
    roof=(-0.48, 0.25),
    axles=(-0.30, 0.32),
)  # fmt: skip
_WHEEL_RADIUS, _WHEEL_WIDTH = 0.33, 0.20  # m


def actor_shapes(spec: ActorSpec) -> Iterator[Shape]:
    """What an actor looks like, in its own frame."""
    return _SHAPES[spec.kind](spec)


def collision_box(spec: ActorSpec) -> Shape:
    """What others bump into: the actor's box, a little above the ground."""
    clearance = 0.1 * spec.height
    height = spec.height - clearance
    size, middle = (spec.length, spec.width, height), (0.0, 0.0, clearance + height / 2)
    return Shape("body", box(size), _GLASS, middle)


def car_shapes(
    length: float, width: float, height: float, paint: Colour, value: float
) -> Iterator[Shape]:
    """A car without its wheels."""
    yield from _bodywork(_CAR, (length, width, height), paint, value)


def _vehicle(silhouette: _Silhouette, spec: ActorSpec) -> Iterator[Shape]:
    paint, value = paint_of(spec.appearance_seed)
    yield from _bodywork(silhouette, (spec.length, spec.width, spec.height), paint, value)
    for i, axle in enumerate(silhouette.axles):
        yield from _wheels(f"wheel_{i}", axle * spec.length, _WHEEL_RADIUS, spec.width)


def _bodywork(
    silhouette: _Silhouette, size: tuple[float, float, float], paint: Colour, value: float
) -> Iterator[Shape]:
    length, width, height = size
    yield _extruded("body", silhouette.body, size, width, paint, value)
    yield _extruded("glass", silhouette.cabin, size, 0.86 * width, _GLASS, _GLASS_VALUE)
    rear, front = silhouette.roof
    roof = box(((front - rear) * length, 0.80 * width, 0.04 * height))
    middle = ((rear + front) / 2 * length, 0.0, 0.98 * height)
    yield Shape("roof", roof, paint, middle, reflectivity=value)
    for end, name, swatch in ((1, "head_lamp", "white_lamp"), (-1, "tail_lamp", "red")):
        for side in (1, -1):
            position = (end * 0.495 * length, side * 0.36 * width, 0.42 * height)
            yield Shape(
                f"{name}_{'left' if side > 0 else 'right'}", box((0.04, 0.2 * width, 0.12)),
                SWATCHES[swatch], position, reflectivity=_LAMP_VALUE,
            )  # fmt: skip


def _extruded(
    name: str, profile: Profile, size: tuple[float, float, float], width: float, colour: Colour,
    value: float,
) -> Shape:  # fmt: skip
    """A side view, given in shares of length and height, drawn across a width."""
    outline = np.array(profile) * [size[0], size[2]]
    return Shape(name, prism(outline, width), colour, (0.0, width / 2, 0.0), _SIDEWAYS, value)


def _wheels(name: str, x: float, radius: float, width: float) -> Iterator[Shape]:
    for side in (1, -1):
        position = (x, side * (width / 2 - _WHEEL_WIDTH / 2 + 0.01), radius)
        yield wheel_shape(f"{name}_{'left' if side > 0 else 'right'}", position, radius)


def wheel_shape(name: str, position: tuple[float, float, float], radius: float) -> Shape:
    """A wheel that rolls along x."""
    tyre = cylinder(radius, _WHEEL_WIDTH)
    return Shape(name, tyre, SWATCHES["tyre"], position, _SIDEWAYS, _TRIM_VALUE)


def _truck(spec: ActorSpec) -> Iterator[Shape]:
    """A cab in front of a cargo box."""
    paint, value = paint_of(spec.appearance_seed)
    length, width, height = spec.length, spec.width, spec.height
    cab_length, floor, radius = min(2.1, 0.32 * length), 0.95, 0.48
    cab_height, front = 0.88 * height, length / 2
    cab_middle = front - cab_length / 2
    yield Shape(
        "cab", box((cab_length, 0.96 * width, cab_height - 0.42)), paint,
        (cab_middle, 0.0, (cab_height + 0.42) / 2), reflectivity=value,
    )  # fmt: skip
    glass = box((0.75 * cab_length, 0.97 * width, 0.3 * cab_height))
    glass_middle = (front - 0.37 * cab_length, 0.0, 0.73 * cab_height)
    yield Shape("glass", glass, _GLASS, glass_middle, reflectivity=_GLASS_VALUE)
    cargo_length = length - cab_length - 0.15
    yield Shape(
        "cargo", box((cargo_length, width, height - floor)), SWATCHES["cargo"],
        (-length / 2 + cargo_length / 2, 0.0, (height + floor) / 2), reflectivity=_TRIM_VALUE,
    )  # fmt: skip
    frame = box((length - 0.6, 0.45 * width, 0.25))
    yield Shape("frame", frame, SWATCHES["dark"], (-0.2, 0.0, floor - 0.16))
    for i, axle in enumerate((cab_middle, -0.28 * length)):
        yield from _wheels(f"wheel_{i}", axle, radius, width)


def _pedestrian(spec: ActorSpec) -> Iterator[Shape]:
    """Somebody in mid-step, whose feet span the length."""
    height = spec.height
    shirt, trousers, skin = _clothes(spec)
    leg, radius = 0.50 * height, 0.05 * height
    lean = math.asin(min(max((spec.length / 2 - radius) / leg, 0.0), 0.5))
    for side, name in ((1, "left"), (-1, "right")):
        middle = (side * math.sin(lean) * leg / 2, side * 0.055 * height, leg / 2)
        yield Shape(
            f"leg_{name}", cylinder(radius, leg), trousers, middle, (0.0, -side * lean, 0.0),
            _CLOTHES_VALUE,
        )  # fmt: skip
    yield from _upper_body((0.0, 0.65 * height), height, shirt, skin)


def _cyclist(spec: ActorSpec) -> Iterator[Shape]:
    """Two wheels, a frame and a rider who leans forward."""
    length, height = spec.length, spec.height
    shirt, trousers, skin = _clothes(spec)
    radius = 0.19 * length
    for name, x in (("rear", -length / 2 + radius), ("front", length / 2 - radius)):
        tyre = cylinder(radius, 0.04)
        yield Shape(
            f"wheel_{name}", tyre, SWATCHES["tyre"], (x, 0.0, radius), _SIDEWAYS, _TRIM_VALUE
        )
    bar = box((length - 2 * radius, 0.05, 0.06))
    yield Shape("frame", bar, SWATCHES["bicycle_blue"], (0.0, 0.0, 1.6 * radius))
    for side, name in ((1, "left"), (-1, "right")):
        leg = cylinder(0.045 * height, 0.42 * height)
        yield Shape(
            f"leg_{name}", leg, trousers, (-0.05, side * 0.09, 0.38 * height),
            (0.0, -0.15 - 0.15 * side, 0.0), _CLOTHES_VALUE,
        )  # fmt: skip
    yield from _upper_body((0.10, 0.72 * height), height, shirt, skin)


def _upper_body(
    middle: tuple[float, float], height: float, shirt: Colour, skin: Colour
) -> Iterator[Shape]:
    """Torso around x, z, and a head that reaches up to the height."""
    x, z = middle
    torso = ellipsoid((0.08 * height, 0.13 * height, 0.18 * height))
    yield Shape("torso", torso, shirt, (x, 0.0, z), reflectivity=_CLOTHES_VALUE)
    radius = 0.065 * height
    head: Geometry = ellipsoid((radius, radius, radius))
    yield Shape("head", head, skin, (x, 0.0, height - radius), reflectivity=_CLOTHES_VALUE)


def _clothes(spec: ActorSpec) -> tuple[Colour, Colour, Colour]:
    """Colours of shirt, trousers and skin."""
    shirts = ("coat_red", "teal", "shirt_white", "yellow", "navy", "sand")
    trousers = ("jeans", "olive", "navy", "dark")
    skins = ("skin_light", "skin_brown", "skin_dark")
    names = (group[spec.appearance_seed % len(group)] for group in (shirts, trousers, skins))
    shirt, trouser, skin = (SWATCHES[name] for name in names)
    return shirt, trouser, skin


_SHAPES: Mapping[str, Callable[[ActorSpec], Iterator[Shape]]] = {
    "sedan": lambda spec: _vehicle(_CAR, spec),
    "van": lambda spec: _vehicle(_VAN, spec),
    "truck": _truck,
    "pedestrian": _pedestrian,
    "cyclist": _cyclist,
}
