"""Answers of the place recogniser as messages."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from numpy.typing import NDArray
from std_msgs.msg import Header

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.msg import LoopClosure, PlaceMatch
from snn_ros.place_recognition.loops import Loop
from snn_ros.place_recognition.matching import PlaceMatch as Match
from snn_ros.place_recognition.relocalisation import Pose
from snn_ros.place_recognition.weights import Places
from snn_ros.ros.conversions.geometry import write_pose
from snn_ros.ros.conversions.stamps import from_seconds, write_stamp


def write_match(
    match: Match, header: Header, map_id: str, places: Places, travelled: float
) -> PlaceMatch:
    """The message of an answer.

    Args:
        match: the answer.
        header: of the image.
        map_id: which map.
        places: of it.
        travelled: way since activation in m.
    """
    message = PlaceMatch(
        header=header,
        map_id=map_id,
        places=len(match.scores),
        status=match.status,
        place=match.place,
        reason=match.reason,
        best=match.best,
        score=float(match.score),
        margin=float(match.margin),
        probability=float(match.probability),
        entropy=float(match.entropy),
        columns=match.columns,
        travelled=travelled,
    )
    if match.place >= 0 and places.frame:
        message.pose_frame = places.frame
        message.place_pose = write_pose(_matrix(places.poses[match.place]))
    return message


def write_located(pose: Pose, header: Header, frame: str) -> PoseWithCovarianceStamped:
    """The message of where the robot is on the map."""
    message = PoseWithCovarianceStamped(header=Header(stamp=header.stamp, frame_id=frame))
    message.pose.pose = write_pose(_matrix(pose.pose))
    message.pose.covariance = pose.covariance.ravel()
    return message


def write_loop(
    loop: Loop, header: Header, map_id: str, places: Places, covariance: NDArray[np.float64]
) -> LoopClosure:
    """The message of a place met again.

    Args:
        loop: what was met.
        header: of the image.
        map_id: which map.
        places: of it.
        covariance: (6, 6) of the robot now in its frame of then.
    """
    place = loop.match.place
    message = LoopClosure(
        header=Header(stamp=header.stamp, frame_id=places.frame),
        map_id=map_id,
        place=place,
        place_stamp=write_stamp(from_seconds(float(places.stamps[place]))),
        place_pose=write_pose(_matrix(places.poses[place])),
        probability=float(loop.match.probability),
        margin=float(loop.match.margin),
        travelled=loop.travelled,
        consecutive=loop.consecutive,
    )
    message.relative_pose.pose = write_pose(np.eye(4))
    message.relative_pose.covariance = covariance.ravel()
    return message


def _matrix(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    return rigid_transform(pose[:3], pose[3:])
