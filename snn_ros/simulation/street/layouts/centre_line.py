"""Lines of straight and circular pieces, exact at every arc length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.layout import Points
from snn_ros.simulation.street.planar import Floats, advance

_ARC_STEP = math.radians(3.0)  # chords of polygons; 2.3 cm off the arc at a radius of 70 m


class Piece(NamedTuple):
    """A part of constant curvature: length in m, curvature in 1/m (positive turns left)."""

    length: float
    curvature: float = 0.0


def arc(radius: float, angle: float) -> Piece:
    """The circular piece of a radius in m that turns by an angle in rad (positive left)."""
    return Piece(radius * abs(angle), math.copysign(1.0 / radius, angle))


class CentreLine:
    """The middle of a road.

    Args:
        start: x, y in m and yaw in rad where it begins.
        pieces: one after another.
    """

    def __init__(self, start: tuple[float, float, float], pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces)
        self._begins = np.concatenate([[0.0], np.cumsum([piece.length for piece in pieces])])
        poses = [np.asarray(start, dtype=np.float64)]
        for piece in pieces:
            poses.append(advance(poses[-1], piece.length, piece.curvature))
        self._poses = np.stack(poses)
        self._curvatures = np.array([piece.curvature for piece in pieces])

    @property
    def length(self) -> float:
        """Arc length in m."""
        return float(self._begins[-1])

    @property
    def largest_curvature(self) -> float:
        """In 1/m, without sign."""
        return float(np.abs(self._curvatures).max())

    @cached_property
    def knots(self) -> NDArray[np.float64]:
        """Arc lengths between which a chord is near enough: ends of pieces, arcs each 3 degrees."""
        parts = [
            np.linspace(begin, begin + piece.length, self._chords(piece), endpoint=False)
            for begin, piece in zip(self._begins, self.pieces, strict=False)
        ]
        return np.concatenate([*parts, [self.length]])

    @staticmethod
    def _chords(piece: Piece) -> int:
        return max(1, math.ceil(abs(piece.length * piece.curvature) / _ARC_STEP))

    def curvature(self, s: Floats) -> NDArray[np.float64]:
        """Curvature in 1/m at arc lengths in m."""
        return self._curvatures[self._piece(s)]

    def poses(self, s: Floats, offset: Floats = 0.0) -> NDArray[np.float64]:
        """Poses along the line.

        Args:
            s: (N,) arc lengths in m; beyond the ends the first or last piece goes on.
            offset: to the left of the line, in m.

        Returns:
            (N, 3) x, y in m and yaw in rad (not wrapped).
        """
        s, offset = np.asarray(s, dtype=np.float64), np.asarray(offset, dtype=np.float64)
        piece = self._piece(s)
        poses = advance(self._poses[piece], s - self._begins[piece], self._curvatures[piece])
        poses[..., 0] -= offset * np.sin(poses[..., 2])
        poses[..., 1] += offset * np.cos(poses[..., 2])
        return poses

    def points(self, s: Floats, offset: Floats = 0.0) -> Points:
        """(N, 2) positions along the line, as ``poses``."""
        return self.poses(s, offset)[..., :2]

    def strip(self, right: float, left: float, start: float, end: float) -> list[Points]:
        """Convex quadrilaterals that cover a strip along the line.

        Args:
            right: offset of the right edge in m (positive is left of the line).
            left: offset of the left edge in m, larger than ``right``.
            start: arc length where it begins in m.
            end: where it ends.
        """
        s = self.between(start, end)
        a, b = self.points(s, right), self.points(s, left)
        return [np.stack([a[i], a[i + 1], b[i + 1], b[i]]) for i in range(len(s) - 1)]

    def between(self, start: float, end: float) -> NDArray[np.float64]:
        """``start``, the knots between, and ``end``."""
        inner = self.knots[(self.knots > start + 1e-6) & (self.knots < end - 1e-6)]
        return np.concatenate([[start], inner, [end]])

    def _piece(self, s: Floats) -> NDArray[np.intp]:
        return np.clip(np.searchsorted(self._begins, s, "right") - 1, 0, len(self.pieces) - 1)
