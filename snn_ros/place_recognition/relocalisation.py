"""Where the robot is on the map, given the place it is at, and how well that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from snn_ros.configuration import setting
from snn_ros.geometry.rigid import Transform, inverse, quaternion_of, rigid_transform
from snn_ros.place_recognition.matching import PlaceMatch
from snn_ros.place_recognition.weights import Places

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class SpreadConfig:
    """How far from where a place was taught its image still looks like it."""

    sideways: float = setting(1.0, "deviation to the sides and up or down", unit="m", minimum=0.001)
    turned: float = setting(0.1, "deviation of each angle", unit="rad", minimum=0.001)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the robot is.

    Attributes:
        pose: (7,) position in m and quaternion x y z w, in the frame of the map.
        covariance: (6, 6), in the order of ROS: position, then rotations about fixed axes.
    """

    pose: Doubles
    covariance: Doubles


def located(match: PlaceMatch, places: Places, neighbours: int, spread: SpreadConfig) -> Pose:
    """The pose that a match speaks for.

    The pose of the place, moved on by the way since it was passed. Three things add to the
    covariance of the place: the places beside it by their scores, half a spacing either way within
    a place, and the spread of views.

    Args:
        match: with a best place.
        places: of the map.
        neighbours: places either side of the best that may be meant as well.
        spread: of views.
    """
    best = match.best
    spacing = places.spacing
    on = match.slope * match.behind / spacing if spacing > 0 else 0.0
    pose = _between(places.poses, best + on)
    covariance = places.covariances[best] + _scatter(match.scores, places.poses, best, neighbours)
    ahead = _direction(places.poses, best)
    covariance[:3, :3] += np.outer(ahead, ahead) * spacing**2 / 12  # uniform over a spacing
    covariance[:3, :3] += np.eye(3) * spread.sideways**2
    covariance[3:, 3:] += np.eye(3) * spread.turned**2
    return Pose(pose, covariance)


def aligned(found: Pose, odometry: Doubles) -> Transform:
    """(4, 4) from the frame of the odometry to that of the map, once the robot is located.

    Args:
        found: where the robot is on the map.
        odometry: (7,) where it is at the same time by its odometry.
    """
    return _matrix(found.pose) @ inverse(_matrix(odometry))


def moved(alignment: Transform, pose: Doubles, covariance: Doubles) -> Pose:
    """A pose of the odometry and its covariance in the frame of the map."""
    on_map = alignment @ _matrix(pose)
    turn = np.kron(np.eye(2), alignment[:3, :3])
    turned = np.concatenate([on_map[:3, 3], quaternion_of(on_map)])
    return Pose(turned, turn @ covariance @ turn.T)


def _matrix(pose: Doubles) -> Transform:
    return rigid_transform(pose[:3], pose[3:])


def relative_covariance(places: Places, place: int, spread: SpreadConfig) -> Doubles:
    """(6, 6) of the robot at a place relative to the robot when it was taught there.

    In the frame of the robot: x is ahead along the route.
    """
    variance = np.full(6, spread.sideways**2)
    variance[3:] = spread.turned**2
    covariance = np.diag(variance)
    turn = Rotation.from_quat(places.poses[place, 3:])
    ahead = turn.inv().apply(_direction(places.poses, place)) * places.spacing
    covariance[:3, :3] += np.outer(ahead, ahead) / 12
    return covariance


def _between(poses: Doubles, number: float) -> Doubles:
    """Pose at a fractional number of a place, within the route."""
    number = float(np.clip(number, 0, len(poses) - 1))
    low = min(int(number), max(len(poses) - 2, 0))
    high = min(low + 1, len(poses) - 1)
    share = number - low
    position = poses[low, :3] + share * (poses[high, :3] - poses[low, :3])
    if low == high:
        return poses[low].copy()
    turns = Slerp([0.0, 1.0], Rotation.from_quat(poses[[low, high], 3:]))
    return np.concatenate([position, turns(share).as_quat()])


def _scatter(scores: Doubles, poses: Doubles, best: int, neighbours: int) -> Doubles:
    """(6, 6) of the places around the best, each counted by its score."""
    around = np.arange(max(best - neighbours, 0), min(best + neighbours + 1, len(poses)))
    near = scores[around]
    deviation = scores[np.isfinite(scores)].std()
    covariance = np.zeros((6, 6))
    if deviation > 0:
        weight = np.exp((near - scores[best]) / deviation)
        away = poses[around, :3] - poses[best, :3]
        covariance[:3, :3] = (weight[:, None] * away).T @ away / weight.sum()
    return covariance


def _direction(poses: Doubles, place: int) -> Doubles:
    """(3,) unit vector along the route; 0 where there is none."""
    first, last = max(place - 1, 0), min(place + 1, len(poses) - 1)
    way = poses[last, :3] - poses[first, :3]
    length = np.linalg.norm(way)
    return way / length if length > 0 else np.zeros(3)
