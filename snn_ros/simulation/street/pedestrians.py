"""Pedestrians: shape, and how their joints move in a walk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from snn_ros.simulation.street.actors import ActorSpec
from snn_ros.simulation.street.figures import ROOT, Clothes, Joint, clothes_of, limb
from snn_ros.simulation.street.meshes import Mesh, box, ellipsoid, loft, merged, tube
from snn_ros.simulation.street.swatches import swatch

# Lengths of a standing body as shares of its height (rounded from Drillis and Contini, 1966).
_THIGH, _SHIN, _SOLE = 0.245, 0.245, 0.040
_TOE, _HEEL = 0.085, 0.065
_SHOULDER, _ARM_LENGTH = 0.81, 0.36
_HIP_SPREAD = 0.055
_ARM_RADIUS = 0.030

_KNEE_SWING = 1.6
"""Largest bend of the swinging leg's knee for each rad of the hip; more would lengthen the walk."""
_FULL_STRIDE_SPEED = 0.8
"""Steps are shorter below this speed, in m/s; who stands has the feet together."""


class LegAngles(NamedTuple):
    """Joints of one leg in rad: hip forwards, knee bent (positive), ankle."""

    hip: float
    knee: float
    ankle: float


class WalkPose(NamedTuple):
    """A moment of a walk: height of the hips in m, left and right leg and arm."""

    hip_height: float
    left: LegAngles
    right: LegAngles
    left_arm: float
    right_arm: float


def stride_angle(spec: ActorSpec) -> float:
    """Largest angle of the hips in rad, at which the feet span the pedestrian's length."""
    reach = spec.length / 2 - (_TOE + _HEEL) / 2 * spec.height
    return math.asin(min(max(reach / ((_THIGH + _SHIN) * spec.height), 0.0), 0.6))


def walk_pose(spec: ActorSpec, phase: float, speed: float) -> WalkPose:
    """The pose of a walking pedestrian whose lower foot touches the ground.

    Args:
        spec: the pedestrian.
        phase: of the gait in rad; at pi / 2 the left foot is furthest ahead.
        speed: in m/s.
    """
    swing = stride_angle(spec) * min(abs(speed) / _FULL_STRIDE_SPEED, 1.0)
    bend = _KNEE_SWING * swing
    left, right = (_leg(swing, bend, phase + shift) for shift in (0.0, math.pi))
    reach = max(_leg_reach(leg) for leg in (left, right))
    arm = 0.8 * swing
    return WalkPose(
        hip_height=(reach + _SOLE) * spec.height,
        left=left,
        right=right,
        left_arm=-arm * math.sin(phase),
        right_arm=arm * math.sin(phase),
    )


def _leg(swing: float, bend: float, phase: float) -> LegAngles:
    """A leg that comes forward with its knee bent and goes back straight, foot level."""
    hip = swing * math.sin(phase)
    knee = bend * max(0.0, math.cos(phase)) ** 4
    return LegAngles(hip, knee, knee - hip)


def _leg_reach(leg: LegAngles) -> float:
    """How far the ankle is below the hip, as share of the height."""
    return _THIGH * math.cos(leg.hip) + _SHIN * math.cos(leg.hip - leg.knee)


def pedestrian_joints(spec: ActorSpec) -> tuple[Joint, ...]:
    """The moving parts, in the order of ``pedestrian_positions``."""
    h, forward = spec.height, (_HEEL - _TOE) / 2 * spec.height
    shoulder = (_SHOULDER - _THIGH - _SHIN - _SOLE) * h
    arm = spec.width / 2 - _ARM_RADIUS * h
    joints = [Joint("hips", ROOT, (forward, 0.0, 0.0), slide=True)]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints += [
            Joint(f"{side}_thigh", "hips", (0.0, sign * _HIP_SPREAD * h, 0.0)),
            Joint(f"{side}_shin", f"{side}_thigh", (0.0, 0.0, -_THIGH * h)),
            Joint(f"{side}_foot", f"{side}_shin", (0.0, 0.0, -_SHIN * h)),
            Joint(f"{side}_arm", "hips", (0.0, sign * arm, shoulder)),
        ]
    return tuple(joints)


def pedestrian_positions(spec: ActorSpec, phase: float, speed: float) -> tuple[float, ...]:
    """Positions of ``pedestrian_joints`` in m and rad."""
    pose = walk_pose(spec, phase, speed)
    left, right = pose.left, pose.right
    return (
        pose.hip_height,
        left.hip, -left.knee, left.ankle, pose.left_arm,
        right.hip, -right.knee, right.ankle, pose.right_arm,
    )  # fmt: skip


def pedestrian_meshes(spec: ActorSpec) -> Mapping[str, Mesh]:
    """One mesh for each moving part, in that part's frame."""
    h, clothes = spec.height, clothes_of(spec.appearance_seed)
    trousers, top = swatch(clothes.trousers), swatch(clothes.top)
    meshes = {"hips": _upper_body(spec, clothes)}
    foot = box(
        ((_TOE + _HEEL) * h, 0.055 * h, _SOLE * h), ((_TOE - _HEEL) / 2 * h, 0.0, -_SOLE / 2 * h)
    )
    for side in ("left", "right"):
        meshes[f"{side}_thigh"] = limb(_THIGH * h, 0.050 * h, 0.036 * h).textured(trousers)
        meshes[f"{side}_shin"] = limb(_SHIN * h, 0.036 * h, 0.026 * h).textured(trousers)
        meshes[f"{side}_foot"] = foot.textured(swatch("leather"))
        sleeve = limb(0.80 * _ARM_LENGTH * h, _ARM_RADIUS * h, 0.022 * h).textured(top)
        hand = ellipsoid((0.022 * h, 0.016 * h, 0.04 * h), (0, 0, -0.90 * _ARM_LENGTH * h), 3)
        meshes[f"{side}_arm"] = merged([sleeve, hand.textured(swatch(clothes.skin))])
    return meshes


def _upper_body(spec: ActorSpec, clothes: Clothes) -> Mesh:
    """Trunk and head above the hips, with the top of the head at the body's height."""
    h = spec.height
    base = (_THIGH + _SHIN + _SOLE) * h
    shoulder = max(spec.width / 2 - 1.7 * _ARM_RADIUS * h, 0.07 * h)
    trunk = [(-0.05, 0.062, 0.092), (0.02, 0.066, 0.096)]
    chest = [(0.01, 0.064, 0.094), (0.10, 0.060, 0.085), (0.20, 0.068, shoulder / h),
             (0.28, 0.058, shoulder / h), (0.315, 0.030, 0.035)]  # fmt: skip
    neck = tube((0.0, 0.0, 0.30 * h), (0.01 * h, 0.0, 0.37 * h), (0.03 * h, 0.028 * h))
    head = ellipsoid((0.052 * h, 0.042 * h, 0.066 * h), (0.012 * h, 0.0, 0.395 * h), 5)
    hair_top = h - base
    hair = ellipsoid((0.054 * h, 0.047 * h, 0.055 * h), (0.0, 0.0, hair_top - 0.055 * h), 5)
    return merged(
        [
            _trunk(trunk, h).textured(swatch(clothes.trousers)),
            _trunk(chest, h).textured(swatch(clothes.top)),
            neck.textured(swatch(clothes.skin)),
            head.textured(swatch(clothes.skin)),
            hair.textured(swatch(clothes.hair)),
        ]
    )


def _trunk(levels: list[tuple[float, float, float]], scale: float) -> Mesh:
    """Ellipses at heights, with half sizes along x and y, all as shares of ``scale``."""
    angle = np.linspace(0.0, 2 * np.pi, 10, endpoint=False)
    rings = [
        np.column_stack([deep * np.cos(angle), wide * np.sin(angle), np.full(10, z)])
        for z, deep, wide in levels
    ]
    return loft(scale * np.array(rings), crease=0.5)
