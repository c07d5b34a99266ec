"""Cyclists: bicycle and rider, and how the legs turn the pedals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.actors import ActorSpec
from snn_ros.simulation.street.figures import ROOT, Clothes, Joint, clothes_of, limb
from snn_ros.simulation.street.meshes import Mesh, box, ellipsoid, loft, merged, tube
from snn_ros.simulation.street.swatches import swatch

Floats = NDArray[np.float64]

# Lengths in m for a rider who reaches 1.75 m on the bicycle; they grow with the height.
_RIDER_HEIGHT = 1.75
_WHEEL_RADIUS = 0.34
_SADDLE = (-0.20, 0.95)  # x and z of the hips
_CRANK_CENTRE, _CRANK = (0.04, 0.28), 0.165
_RIDER_THIGH, _RIDER_SHIN = 0.44, 0.45
_PEDAL_SPREAD = 0.11


def cyclist_joints(spec: ActorSpec) -> tuple[Joint, ...]:
    """The moving legs, in the order of ``cyclist_positions``."""
    scale = spec.height / _RIDER_HEIGHT
    hip_x, hip_z = (value * scale for value in _SADDLE)
    return tuple(
        joint
        for side, sign in (("left", 1.0), ("right", -1.0))
        for joint in (
            Joint(f"{side}_thigh", ROOT, (hip_x, sign * _PEDAL_SPREAD * scale, hip_z)),
            Joint(f"{side}_shin", f"{side}_thigh", (0.0, 0.0, -_RIDER_THIGH * scale)),
        )
    )


def cyclist_positions(phase: float) -> tuple[float, ...]:
    """Angles of ``cyclist_joints`` at a crank angle in rad, with the feet on the pedals."""
    return (*_pedalling_leg(phase), *_pedalling_leg(phase + math.pi))


def _pedalling_leg(crank: float) -> tuple[float, float]:
    """Hip and knee of a leg of two links whose end is on the pedal (law of cosines)."""
    x = _CRANK_CENTRE[0] + _CRANK * math.cos(crank) - _SADDLE[0]
    z = _CRANK_CENTRE[1] - _CRANK * math.sin(crank) - _SADDLE[1]
    distance = min(math.hypot(x, z), 0.999 * (_RIDER_THIGH + _RIDER_SHIN))
    at_hip = _triangle_angle(_RIDER_THIGH, distance, _RIDER_SHIN)
    at_knee = _triangle_angle(_RIDER_THIGH, _RIDER_SHIN, distance)
    return math.atan2(x, -z) + at_hip, at_knee - math.pi


def _triangle_angle(beside: float, other: float, opposite: float) -> float:
    cosine = (beside**2 + other**2 - opposite**2) / (2.0 * beside * other)
    return math.acos(min(max(cosine, -1.0), 1.0))


def cyclist_meshes(spec: ActorSpec) -> Mapping[str, Mesh]:
    """Bicycle and upper body under ``ROOT``, and one mesh for each moving part."""
    scale, clothes = spec.height / _RIDER_HEIGHT, clothes_of(spec.appearance_seed)
    trousers = swatch(clothes.trousers)
    thigh = limb(_RIDER_THIGH, 0.075, 0.055).scaled((scale,) * 3).textured(trousers)
    shin = limb(_RIDER_SHIN, 0.055, 0.04).textured(trousers)
    shoe = box((0.24, 0.09, 0.07), (0.05, 0.0, -_RIDER_SHIN - 0.02)).textured(swatch("leather"))
    lower = merged([shin, shoe]).scaled((scale,) * 3)
    frame = swatch(("bicycle_blue", "bicycle_green", "black", "grey")[spec.appearance_seed % 4])
    return {
        ROOT: merged([_bicycle(spec, scale, frame), _rider(spec, scale, clothes)]),
        "left_thigh": thigh,
        "right_thigh": thigh,
        "left_shin": lower,
        "right_shin": lower,
    }


def _bicycle(spec: ActorSpec, scale: float, colour: tuple[float, float]) -> Mesh:
    """Two wheels, a frame, a saddle and a handlebar as wide as the cyclist."""
    axle = spec.length / 2 - _WHEEL_RADIUS
    crank = (_CRANK_CENTRE[0] * scale, 0.0, _CRANK_CENTRE[1] * scale)
    saddle = (_SADDLE[0] * scale, 0.0, (_SADDLE[1] - 0.09) * scale)
    head = (axle - 0.16, 0.0, 0.88 * scale)
    front, rear = (axle, 0.0, _WHEEL_RADIUS), (-axle, 0.0, _WHEEL_RADIUS)
    bars = [
        tube(*ends, (0.018, 0.018))
        for ends in ((crank, saddle), (crank, head), (saddle, head), (rear, crank),
                     (rear, saddle), (head, front))
    ]  # fmt: skip
    grips_height = 1.02 * scale
    stem = tube(head, (head[0], 0.0, grips_height), (0.016, 0.016))
    half = spec.width / 2
    handlebar = tube((head[0], half, grips_height), (head[0], -half, grips_height), (0.016, 0.016))
    seat = box((0.26, 0.14, 0.06), (saddle[0], 0.0, saddle[2] + 0.02))
    dark = [part.textured(swatch("black")) for part in (stem, handlebar, seat)]
    wheels = [_wheel(axle), _wheel(-axle)]
    return merged([*(bar.textured(colour) for bar in bars), *dark, *wheels])


def _wheel(x: float) -> Mesh:
    """A tyre and a few spokes."""
    angle = np.linspace(0.0, 2 * np.pi, 17)
    rim = np.stack([np.cos(angle), np.zeros(17), np.sin(angle)], axis=-1)
    middle = np.array([x, 0.0, _WHEEL_RADIUS])
    points = middle + (_WHEEL_RADIUS - 0.02) * rim
    # The tyre's corners stick out to the wheel's radius.
    tyre = [tube(a, b, (0.02, 0.02), 5) for a, b in itertools.pairwise(points)]
    spokes = [tube(middle, point, (0.006, 0.004), 3) for point in points[:-1:2]]
    return merged(
        [part.textured(swatch("tyre")) for part in tyre]
        + [part.textured(swatch("rim")) for part in spokes]
    )


def _rider(spec: ActorSpec, scale: float, clothes: Clothes) -> Mesh:
    """Trunk leaning forward, arms to the handlebar, head with helmet at the height."""
    hip_x, hip_z = _SADDLE
    shoulder_x, shoulder_z = hip_x + 0.20, hip_z + 0.46
    top, skin = swatch(clothes.top), swatch(clothes.skin)
    trunk = loft(
        [
            _oval(hip_x, hip_z - 0.05, 0.13, 0.16),
            _oval(hip_x + 0.06, hip_z + 0.20, 0.11, 0.15),
            _oval(shoulder_x, shoulder_z, 0.10, 0.20),
            _oval(shoulder_x + 0.03, shoulder_z + 0.08, 0.05, 0.06),
        ],
        crease=0.5,
    )
    head_x, head_top = shoulder_x + 0.09, _RIDER_HEIGHT
    head = ellipsoid((0.09, 0.075, 0.115), (head_x + 0.01, 0.0, head_top - 0.135), 5)
    helmet = ellipsoid((0.13, 0.09, 0.085), (head_x, 0.0, head_top - 0.085), 5)
    neck_bottom = (shoulder_x + 0.03, 0.0, shoulder_z + 0.04)
    neck = tube(neck_bottom, (head_x - 0.01, 0.0, shoulder_z + 0.17), (0.055, 0.05))
    parts = [trunk.textured(top), neck.textured(skin), head.textured(skin)]
    parts += [helmet.textured(swatch("helmet"))]
    grip = np.array(
        [(spec.length / 2 - _WHEEL_RADIUS - 0.16) / scale, spec.width / 2 / scale - 0.06, 1.04]
    )
    for arm in _arm(np.array([shoulder_x, 0.20, shoulder_z]), grip):
        parts += [arm.textured(top), arm.mirrored().textured(top)]
    return merged(parts).scaled((scale,) * 3)


def _arm(shoulder: Floats, hand: Floats) -> tuple[Mesh, Mesh]:
    """Upper arm and forearm, bent a little at the elbow."""
    elbow = (shoulder + hand) / 2 + np.array([-0.02, 0.03, -0.06])
    return tube(shoulder, elbow, (0.05, 0.04)), tube(elbow, hand, (0.04, 0.03))


def _oval(x: float, z: float, deep: float, wide: float) -> Floats:
    """A level ellipse around a point of the middle plane."""
    angle = np.linspace(0.0, 2 * np.pi, 10, endpoint=False)
    return np.stack([x + deep * np.cos(angle), wide * np.sin(angle), 0.0 * angle + z], axis=-1)
