"""The way travelled, out of the poses of an odometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.rigid import Transform, quaternion_of

Doubles = NDArray[np.float64]

_TREMBLE = 0.05  # m from where the robot stood that are no way yet
_JUMP = 0.5  # m beyond what the fastest robot does that are a jump


@dataclass(frozen=True, eq=False)
class Position:
    """Where a robot is and how far it came.

    Attributes:
        pose: (7,) position in m and quaternion x y z w.
        covariance: (6, 6) of it, in the order of ROS; zero where unknown.
        travelled: way in m that never falls.
        jumps: of the pose so far; ways of before and after one do not belong together.
        frame: of the pose.
    """

    pose: Doubles
    covariance: Doubles
    travelled: float
    jumps: int
    frame: str


class Odometer:
    """Adds up a way; standing still and trembling add nothing."""

    def __init__(self, fastest: float) -> None:
        """Begin at 0.

        Args:
            fastest: speed in m/s above which a pose has jumped.
        """
        self.fastest = fastest
        self.travelled, self.jumps = 0.0, 0
        self._anchor: tuple[float, Doubles] | None = None  # stamp, position

    def add(self, stamp: float, pose: Transform, covariance: Doubles, frame: str) -> Position:
        """Take a pose.

        Args:
            stamp: in s; one before the last is a jump.
            pose: (4, 4).
            covariance: (6, 6).
            frame: of the pose.
        """
        place = pose[:3, 3]
        if self._anchor is None:
            self._anchor = (stamp, place)
        seconds, way = stamp - self._anchor[0], float(np.linalg.norm(place - self._anchor[1]))
        if seconds < 0 or way > self.fastest * seconds + _JUMP:
            self.jumps += 1
            self._anchor = (stamp, place)
        elif way >= _TREMBLE:
            self.travelled += way
            self._anchor = (stamp, place)
        pose_and_turn = np.concatenate([place, quaternion_of(pose)])
        return Position(pose_and_turn, covariance, self.travelled, self.jumps, frame)
