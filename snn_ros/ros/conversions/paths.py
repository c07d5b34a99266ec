"""nav_msgs/Path and arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from nav_msgs.msg import Path
from numpy.typing import NDArray

from snn_ros.ros.conversions.stamps import read_header, read_stamp, write_header
from snn_ros.ros.conversions.validation import BadFrame, finite, unit_quaternion


@dataclass(frozen=True, eq=False)
class PosePath:
    """N poses along a way."""

    stamp_ns: int
    frame_id: str
    stamps_ns: NDArray[np.int64]
    """(N,) when each pose is to be reached; all 0 for a path without times."""
    positions: NDArray[np.float64]
    """(N, 3) m."""
    quaternions: NDArray[np.float64]
    """(N, 4) x, y, z, w of norm 1."""


def read_path(message: Path) -> PosePath:
    """A path as arrays.

    Raises:
        BadStamp: the path's or a pose's.
        BadFrame: no frame, or a pose in another one than the path.
        BadValue: a pose that is not finite or has no unit quaternion.
    """
    stamp_ns, frame_id = read_header(message.header)
    count = len(message.poses)
    stamps_ns = np.zeros(count, np.int64)
    positions, quaternions = np.zeros((count, 3)), np.zeros((count, 4))
    for i, stamped in enumerate(message.poses):
        field, pose = f"poses[{i}]", stamped.pose
        if stamped.header.frame_id not in ("", frame_id):
            raise BadFrame(f"{field}.header.frame_id", stamped.header.frame_id, "not the path's")
        stamps_ns[i] = read_stamp(stamped.header.stamp, f"{field}.header.stamp")
        p, q = pose.position, pose.orientation
        positions[i] = finite(f"{field}.pose.position", (p.x, p.y, p.z), (3,))
        quaternions[i] = unit_quaternion(f"{field}.pose.orientation", (q.x, q.y, q.z, q.w))
    return PosePath(stamp_ns, frame_id, stamps_ns, positions, quaternions)


def write_path(path: PosePath) -> Path:
    """The message of a path, every number bit for bit."""
    message = Path(header=write_header(path.stamp_ns, path.frame_id))
    for stamp_ns, (x, y, z), (qx, qy, qz, qw) in zip(
        path.stamps_ns.tolist(), path.positions.tolist(), path.quaternions.tolist(), strict=True
    ):
        pose = Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))
        message.poses.append(PoseStamped(header=write_header(stamp_ns, path.frame_id), pose=pose))
    return message
