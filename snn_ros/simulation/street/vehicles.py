"""Bodies of cars, vans and trucks, built to their length, width and height.

Frame: x forward, y left, z up; the origin is the centre of the footprint on the ground.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.meshes import Mesh, box, disc, loft, quads, tube
from snn_ros.simulation.street.swatches import swatch

Floats = NDArray[np.float64]


@dataclass
class VehicleMeshes:
    """What a vehicle is made of.

    Attributes:
        paint: body panels in the vehicle's colour.
        glass: windows.
        trim: tyres, rims, bumpers and cargo box, coloured by swatches.
        lamps: head and tail lamps and plates, coloured by swatches; they reflect light back.
    """

    paint: list[Mesh] = field(default_factory=list)
    glass: list[Mesh] = field(default_factory=list)
    trim: list[Mesh] = field(default_factory=list)
    lamps: list[Mesh] = field(default_factory=list)


@dataclass(frozen=True)
class _CarShape:
    """Proportions: x as shares of the length (-0.5 to 0.5), z of the height, y of the width.

    Attributes:
        stations: of the lower body from the rear to the front: x, bottom, top, width.
        belt: height where the cabin begins.
        cabin: x of the cabin's rear and front, at the belt and at the roof.
        roof_width: of the roof.
        pillars: x of the pillars between the side windows, at the belt.
        panelled: side windows behind this x are missing (a panel van).
        wheels: x of the axles.
        wheel_radius: in m.
    """

    stations: tuple[tuple[float, float, float, float], ...]
    belt: float
    cabin: tuple[tuple[float, float], tuple[float, float]]
    roof_width: float
    pillars: tuple[float, ...]
    wheels: tuple[float, float]
    wheel_radius: float
    panelled: float = -1.0


_SALOON = _CarShape(
    stations=(
        (-0.500, 0.34, 0.52, 0.84), (-0.485, 0.22, 0.66, 0.92), (-0.440, 0.16, 0.690, 0.98),
        (-0.320, 0.14, 0.685, 1.00), (0.000, 0.13, 0.650, 1.00), (0.200, 0.13, 0.635, 1.00),
        (0.340, 0.14, 0.590, 0.99), (0.440, 0.15, 0.535, 0.95), (0.485, 0.19, 0.470, 0.86),
        (0.500, 0.26, 0.380, 0.74),
    ),
    belt=0.63, cabin=((-0.40, 0.24), (-0.27, 0.06)), roof_width=0.70, pillars=(-0.08,),
    wheels=(-0.300, 0.310), wheel_radius=0.32,
)  # fmt: skip
_HATCHBACK = _CarShape(
    stations=(
        (-0.500, 0.32, 0.56, 0.86), (-0.485, 0.20, 0.62, 0.95), (-0.420, 0.15, 0.640, 0.99),
        (-0.250, 0.13, 0.640, 1.00), (0.000, 0.13, 0.630, 1.00), (0.220, 0.13, 0.610, 1.00),
        (0.360, 0.14, 0.570, 0.98), (0.450, 0.15, 0.510, 0.93), (0.488, 0.19, 0.450, 0.85),
        (0.500, 0.26, 0.370, 0.74),
    ),
    belt=0.61, cabin=((-0.485, 0.27), (-0.42, 0.09)), roof_width=0.74, pillars=(-0.24, -0.05),
    wheels=(-0.320, 0.320), wheel_radius=0.32,
)  # fmt: skip
_VAN = _CarShape(
    stations=(
        (-0.500, 0.26, 0.48, 0.92), (-0.490, 0.16, 0.54, 0.98), (-0.400, 0.12, 0.54, 1.00),
        (0.000, 0.11, 0.54, 1.00), (0.250, 0.11, 0.53, 1.00), (0.400, 0.12, 0.49, 0.98),
        (0.470, 0.14, 0.44, 0.92), (0.500, 0.20, 0.34, 0.80),
    ),
    belt=0.52, cabin=((-0.495, 0.385), (-0.480, 0.24)), roof_width=0.86, pillars=(0.06,),
    wheels=(-0.300, 0.320), wheel_radius=0.34, panelled=0.05,
)  # fmt: skip

PAINTS: tuple[tuple[tuple[float, float, float], float], ...] = (
    ((0.86, 0.87, 0.88), 0.70), ((0.06, 0.06, 0.07), 0.20), ((0.44, 0.46, 0.48), 0.42),
    ((0.64, 0.66, 0.68), 0.52), ((0.10, 0.16, 0.36), 0.28), ((0.52, 0.06, 0.07), 0.40),
    ((0.16, 0.32, 0.50), 0.32), ((0.20, 0.28, 0.20), 0.27), ((0.60, 0.52, 0.40), 0.50),
    ((0.78, 0.42, 0.08), 0.55),
)  # fmt: skip
"""Colours of paint and their reflectivity at 905 nm; the common ones stand first."""

_PAINT_SHARES = np.array([6, 5, 5, 4, 3, 2, 2, 1, 1, 1]) / 30.0


def paint_of(seed: int) -> tuple[tuple[float, float, float], float]:
    """Colour and reflectivity of a vehicle."""
    return PAINTS[int(np.random.default_rng(seed).choice(len(PAINTS), p=_PAINT_SHARES))]


def vehicle_meshes(
    kind: str, length: float, width: float, height: float, seed: int
) -> VehicleMeshes:
    """The meshes of a vehicle.

    Args:
        kind: ``sedan``, ``van`` or ``truck``.
        length: along x in m.
        width: along y in m.
        height: in m.
        seed: chooses the shape where there is a choice.
    """
    size = np.array([length, width, height])
    if kind == "truck":
        return _truck(size)
    if kind == "van":
        return _car(_VAN, size)
    return _car(_SALOON if seed % 5 < 2 else _HATCHBACK, size)


def _car(shape: _CarShape, size: Floats) -> VehicleMeshes:
    meshes = VehicleMeshes()
    meshes.paint.append(_lower_body(shape.stations).scaled(size))
    meshes.paint.append(_cabin(shape).scaled(size))
    meshes.glass = [window.scaled(size) for window in _windows(shape)]
    for axle in shape.wheels:
        _add_wheels(meshes, axle * size[0], shape.wheel_radius, size[1])
    _add_car_details(meshes, shape, size)
    return meshes


def _lower_body(stations: Sequence[tuple[float, float, float, float]]) -> Mesh:
    """Rounded cross-sections from the rear to the front bumper, in shares of the size."""
    return loft([_cross_section(station) for station in stations], crease=0.75)


def _cross_section(station: tuple[float, float, float, float]) -> Floats:
    """(12, 3) outline of the lower body at a station, from its left bottom up and over."""
    x, bottom, top, width = station
    high = top - bottom
    half = [
        (0.44 * width, bottom), (0.49 * width, bottom + 0.12 * high),
        (0.50 * width, bottom + 0.50 * high), (0.485 * width, bottom + 0.85 * high),
        (0.44 * width, bottom + 0.97 * high), (0.25 * width, top),
    ]  # fmt: skip
    outline = half + [(-y, z) for y, z in reversed(half)]
    return np.array([(x, y, z) for y, z in outline])


def _cabin_ring(shape: _CarShape, level: float) -> Floats:
    """(4, 3) corners of the cabin between belt (0) and edge of the roof (1), from rear right."""
    (rear_low, front_low), (rear_high, front_high) = shape.cabin
    rear = rear_low + level * (rear_high - rear_low)
    front = front_low + level * (front_high - front_low)
    half = 0.5 * (0.93 + level * (shape.roof_width - 0.93))
    z = shape.belt + level * (0.965 - shape.belt)
    return np.array([(rear, -half, z), (front, -half, z), (front, half, z), (rear, half, z)])


def _cabin(shape: _CarShape) -> Mesh:
    roof = _cabin_ring(shape, 1.0)
    ridge = roof * [0.82, 0.80, 1.0] + [0.18 * roof[:, 0].mean(), 0.0, 0.0]
    ridge[:, 2] = 1.0
    return loft([_cabin_ring(shape, -0.1), roof, ridge], crease=0.85)


def _windows(shape: _CarShape) -> list[Mesh]:
    """Panes just outside the cabin's sides."""
    (rear, front), _ = shape.cabin
    windscreen = _pane(shape, 1, 0.07, 0.93)
    back = _pane(shape, 3, 0.10, 0.90)
    panes = [windscreen, back] if rear > shape.panelled else [windscreen]
    posts = [rear, *shape.pillars, front]
    for start, end in itertools.pairwise(posts):
        if end > shape.panelled:
            low = (max(start, shape.panelled) - rear) / (front - rear) + 0.035
            high = (end - rear) / (front - rear) - 0.035
            panes += [_pane(shape, 0, low, high), _pane(shape, 2, 1.0 - high, 1.0 - low)]
    return panes


def _pane(shape: _CarShape, side: int, start: float, end: float) -> Mesh:
    """Part of one side of the cabin (0 right, 1 front, 2 left, 3 rear), a little outside it."""
    bottom, top = (_cabin_ring(shape, level) for level in (0.10, 0.90))
    corners = []
    for ring, share in ((bottom, start), (bottom, end), (top, end), (top, start)):
        corners.append(ring[side] + share * (ring[(side + 1) % 4] - ring[side]))
    pane = quads([corners])
    return pane.moved(0.004 * pane.normals[0, 0])


def _add_wheels(meshes: VehicleMeshes, axle: float, radius: float, width: float) -> None:
    """A pair of wheels in dark arches, flush with the sides."""
    for side in (1.0, -1.0):
        face = side * width / 2
        outwards = (0.0, side, 0.0)
        inside, outside = face - side * 0.20, face + side * 0.004  # before the arch
        tyre = tube((axle, inside, radius), (axle, outside, radius), (radius, radius), 16)
        arch = disc((axle, face + side * 0.002, radius * 1.02), outwards, 1.16 * radius, 16)
        rim = disc((axle, face + side * 0.006, radius), outwards, 0.66 * radius, 12)
        hub = disc((axle, face + side * 0.007, radius), outwards, 0.20 * radius, 8)
        arch_above = _clipped_below(arch, 0.42 * radius)
        meshes.trim += [
            tyre.textured(swatch("tyre")), arch_above.two_sided().textured(swatch("black")),
            rim.textured(swatch("rim")), hub.textured(swatch("dark")),
        ]  # fmt: skip


def _clipped_below(mesh: Mesh, height: float) -> Mesh:
    """With all corners raised to a height at least."""
    corners = mesh.corners.copy()
    corners[..., 2] = np.maximum(corners[..., 2], height)
    return Mesh(corners, mesh.normals, mesh.texture)


def _add_car_details(meshes: VehicleMeshes, shape: _CarShape, size: Floats) -> None:
    """Bumpers, grille, lamps, plates and mirrors, at the ends of the lower body."""
    rear, front = shape.stations[0], shape.stations[-1]
    length, width, height = size
    for end, (_, bottom, top, wide), swatch_name in ((1, front, "white_lamp"), (-1, rear, "red")):
        x, middle = end * length / 2, (bottom + top) / 2 * height
        plate = _upright(end, x, (0.0, bottom * height + 0.10), (0.52, 0.11))
        meshes.lamps.append(plate.textured(swatch("plate")))
        if end > 0:
            grille = _upright(end, x, (0.0, middle + 0.10), (0.50 * wide * width, 0.07))
            meshes.trim.append(grille.textured(swatch("black")))
        lamp = _corner_lamp(shape.stations if end > 0 else shape.stations[::-1], end).scaled(size)
        lamp = lamp.moved((end * 0.004, 0.004, 0.0))
        meshes.lamps += [part.textured(swatch(swatch_name)) for part in (lamp, lamp.mirrored())]
    sill = box((0.58 * length, 0.90 * width, 0.06), (0.0, 0.0, 0.13 * height))
    meshes.trim.append(sill.textured(swatch("dark")))
    mirror = box(
        (0.13, 0.055 * width, 0.10),
        ((shape.cabin[0][1] - 0.08) * length, 0.47 * width, (shape.belt + 0.05) * height),
    )
    meshes.paint += [mirror, mirror.mirrored()]


def _upright(end: int, x: float, centre: tuple[float, float], size: tuple[float, float]) -> Mesh:
    """A rectangle that looks forwards (end 1) or backwards (-1)."""
    (y, z), (wide, high) = centre, size
    x += end * 0.006
    half = end * wide / 2
    corners = [(x, y - half, z - high / 2), (x, y + half, z - high / 2),
               (x, y + half, z + high / 2), (x, y - half, z + high / 2)]  # fmt: skip
    return quads([corners])


def _corner_lamp(stations: Sequence[tuple[float, float, float, float]], end: int) -> Mesh:
    """The upper left corner of the end that the stations lead to, in shares of the size."""
    before, near, last = (_cross_section(station)[2:4] for station in stations[-3:])
    begin = 0.4 * before + 0.6 * near
    inner = last * [1.0, 0.5, 1.0]
    bands = [(begin, near), (near, last), (last, inner)]
    faces = [(a[0], b[0], b[1], a[1]) for a, b in bands]
    return quads([face[::-1] for face in faces] if end > 0 else faces)


def _truck(size: Floats) -> VehicleMeshes:
    """A cab in front of a cargo box, on a frame with two or three axles."""
    length, width, height = size
    meshes = VehicleMeshes()
    cab_length, radius, floor = min(2.1, 0.32 * length), 0.48, 0.95
    cab_rear, front = length / 2 - cab_length, length / 2
    cab_height = min(0.88 * height, height - 0.05)
    meshes.paint.append(_truck_cab(cab_rear, front, width, cab_height))
    cargo_length = length - cab_length - 0.15
    cargo = box(
        (cargo_length, width, height - floor),
        (-length / 2 + cargo_length / 2, 0.0, (height + floor) / 2),
    )
    frame = box((length - 0.6, 0.45 * width, 0.25), (-0.2, 0.0, floor - 0.16))
    bumper = box((0.12, 0.92 * width, 0.20), (-length / 2 + 0.08, 0.0, 0.55))
    skirt = box((0.30 * length, 0.96 * width, 0.35), (-0.02 * length, 0.0, 0.70))
    meshes.trim += [
        cargo.textured(swatch("cargo")), frame.textured(swatch("dark")),
        bumper.textured(swatch("dark")), skirt.textured(swatch("grey")),
    ]  # fmt: skip
    axles = [cab_rear + 0.55 * cab_length, -length / 2 + 0.22 * length]
    if length > 8.5:
        axles.append(axles[1] + 2.3 * radius)
    for axle in axles:
        _add_wheels(meshes, axle, radius, width)
    meshes.glass = _truck_windows(cab_rear, front, width, cab_height)
    _add_truck_lamps(meshes, size)
    return meshes


def _truck_cab(rear: float, front: float, width: float, height: float) -> Mesh:
    """A tall box whose windscreen leans back a little."""
    rings = []
    for z, x_front, wide in (
        (0.42, front - 0.06, 0.94), (0.60, front, 1.0), (0.55 * height, front, 1.0),
        (0.94 * height, front - 0.16, 0.96), (height, front - 0.40, 0.88),
    ):  # fmt: skip
        half = wide * width / 2
        rings.append([(rear, -half, z), (x_front, -half, z), (x_front, half, z), (rear, half, z)])
    return loft(rings, crease=0.85)


def _truck_windows(rear: float, front: float, width: float, height: float) -> list[Mesh]:
    low, high = 0.56 * height, 0.91 * height
    lean = (0.91 - 0.55) / (0.94 - 0.55) * 0.16
    half = 0.46 * width
    screen = [(front + 0.006, -half, low), (front + 0.006, half, low),
              (front - lean + 0.006, half, high), (front - lean + 0.006, -half, high)]  # fmt: skip
    y_low, y_high = 0.499 * width + 0.004, 0.483 * width + 0.004
    side = [
        (front - 0.15, y_low, low), (rear + 0.6, y_low, low), (rear + 0.6, y_high, high),
        (front - 0.35, y_high, high),
    ]  # fmt: skip
    pane = quads([side])
    return [quads([screen]), pane, pane.mirrored()]


def _add_truck_lamps(meshes: VehicleMeshes, size: Floats) -> None:
    length, width, _ = size
    for side in (1.0, -1.0):
        head = _upright(1, length / 2 - 0.004, (side * 0.38 * width, 0.72), (0.30, 0.18))
        tail = _upright(-1, -length / 2 + 0.012, (side * 0.38 * width, 0.57), (0.34, 0.14))
        meshes.lamps += [head.textured(swatch("white_lamp")), tail.textured(swatch("red"))]
    for end in (1, -1):
        plate = _upright(end, end * length / 2, (0.0, 0.60), (0.52, 0.11))
        meshes.lamps.append(plate.textured(swatch("plate")))
    grille = _upright(1, length / 2, (0.0, 1.05), (0.66 * width, 0.36))
    meshes.trim.append(grille.textured(swatch("black")))
