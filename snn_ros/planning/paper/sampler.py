"""Candidates as the published code draws them: lines, circles and clothoids of random speed.

Positions are x to the right, y forward in m, from the origin along y; the heading is in rad, to the
left. The random numbers come from the caller, so that a draw can be repeated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import fresnel

from snn_ros.geometry.angles import wrap_angle

Numbers = NDArray[np.float64]

STRAIGHT = 5
"""One candidate of so many is a line; half of the others are mirrored."""
ACCELERATION = (-3.0, 7.0)  # m/s^2
SPEED = (0.0, 15.0)  # m/s
OWN_SPEED_SHARE = 0.2
CIRCLE_SHARE = 0.2
CLOTHOID_SCALE = (6.0, 80.0)  # m
LEAST_CURVATURE = 0.01  # 1/m
TIME_STEP = 0.05  # s
KEPT = 10
"""One point of so many is a waypoint."""


class Draws(NamedTuple):
    """Uniform numbers in 0..1 that make M candidates.

    Attributes:
        acceleration: (M,).
        speed: (M,) for the speed that is drawn.
        own_speed: (M,) whether the car's own speed is taken instead.
        scale: (curves,) of the clothoid.
        circle: (curves,) whether the curve is a circle.
    """

    acceleration: Numbers
    speed: Numbers
    own_speed: Numbers
    scale: Numbers
    circle: Numbers

    @classmethod
    def of(cls, generator: np.random.Generator, count: int) -> Draws:
        """Draws for `count` candidates."""
        curves = count - count // STRAIGHT
        return cls(*(generator.random(size) for size in (count, count, count, curves, curves)))


@dataclass(frozen=True)
class Sampler:
    """Draws candidates.

    Attributes:
        horizon: in s.
    """

    horizon: float = 3.0

    def candidates(self, speed: float, curvature: float, draws: Draws) -> Numbers:
        """Candidates sorted by where they end, from left to right.

        Args:
            speed: of the car in m/s.
            curvature: of its path in 1/m, positive to the left.
            draws: the random numbers.

        Returns:
            (M, waypoints, 3) x right, y forward, heading; the first waypoint is the origin.
        """
        times = np.arange(round(self.horizon / TIME_STEP) + 1)[::KEPT] * TIME_STEP
        own = draws.own_speed < OWN_SPEED_SHARE
        start = np.where(own, speed, _scaled(draws.speed, SPEED))[:, None]
        acceleration = _scaled(draws.acceleration, ACCELERATION)[:, None]
        lengths = start * times + acceleration * times**2 / 2
        lines = len(lengths) // STRAIGHT
        straight = np.stack(
            [np.zeros_like(lengths[:lines]), lengths[:lines], np.zeros_like(lengths[:lines])], -1
        )
        curved = _curves(lengths[lines:], abs(curvature), draws)
        # curves bend to the left; half of them are mirrored away from where the car steers
        mirrored = np.arange(len(curved)) >= len(curved) // 2
        if curvature <= 0:
            mirrored = ~mirrored
        curved[..., 2] = wrap_angle(curved[..., 2])
        curved[mirrored] *= [-1.0, 1.0, -1.0]
        found = np.concatenate([straight, curved])
        return found[np.argsort(found[:, -1, 0], kind="stable")]


def _scaled(uniform: Numbers, bounds: tuple[float, float]) -> Numbers:
    low, high = bounds
    return low + (high - low) * uniform


def _curves(lengths: Numbers, curvature: float, draws: Draws) -> Numbers:
    """Circles and clothoids (K, T, 3) to the left, of these arc lengths (K, T)."""
    circle = _circle(lengths, max(curvature, LEAST_CURVATURE))
    clothoid = _clothoid(lengths, curvature, _scaled(draws.scale, CLOTHOID_SCALE)[:, None])
    return np.where((draws.circle < CIRCLE_SHARE)[:, None, None], circle, clothoid)


def _circle(lengths: Numbers, curvature: float) -> Numbers:
    heading = lengths * curvature
    radius = 1 / curvature
    return np.stack([radius * (np.cos(heading) - 1), radius * np.sin(heading), heading], -1)


def _clothoid(lengths: Numbers, curvature: float, scale: Numbers) -> Numbers:
    """Begun where its curvature is that of the car, moved to the origin and turned ahead.

    With C and S the Fresnel integrals, at arc length s: forward a C(s/a), left a S(s/a).
    """
    begin = curvature / math.pi
    turned = math.pi / 2 * (begin / scale) ** 2
    left, forward = (scale * part for part in fresnel((begin + lengths) / scale))
    first_left, first_forward = (scale * part for part in fresnel(begin / scale))
    left, forward = left - first_left, forward - first_forward
    cosine, sine = np.cos(turned), np.sin(turned)
    heading = math.pi / 2 * ((begin + lengths) / scale) ** 2 - turned
    return np.stack(
        [-(cosine * left - sine * forward), cosine * forward + sine * left, heading], -1
    )
