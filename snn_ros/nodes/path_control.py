"""What a simulated vehicle does with a ``nav_msgs/Path``: follow it, brake without a fresh one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nav_msgs.msg import Path
from scipy.spatial.transform import Rotation

from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import Transform
from snn_ros.nodes.simulated_world import Stamped
from snn_ros.nodes.street_topics import BASE, MAP, ODOM
from snn_ros.ros.conversions.geometry import StampedTransform, read_transform
from snn_ros.ros.conversions.paths import PosePath, read_path
from snn_ros.ros.conversions.stamps import from_seconds, to_seconds
from snn_ros.ros.conversions.validation import BadStamp
from snn_ros.ros.frames import FrameTree
from snn_ros.simulation.street.drive import Control
from snn_ros.simulation.street.ego import EgoCommand, EgoState, Trajectory

_BRAKING = 3.0  # m/s² without a path to follow


class UntimedPath(SnnRosError):
    """A path that does not say when to be where."""


class PathControl:
    """Follows the newest path."""

    def __init__(self, start_pose: Transform, *, period: float, timeout: float) -> None:
        """Stand at the start.

        Args:
            start_pose: (4, 4) ``T_map_odom``, where the vehicle stands at time 0.
            period: by how many s a stamp may be ahead, as that of a camera whose clock is off.
            timeout: age of a path in s up to which it is followed.
        """
        self._tolerance_ns, self._timeout = from_seconds(period), timeout
        self._now_ns = self._path_ns = 0
        self._trajectory: Trajectory | None = None
        self._frames = FrameTree()
        self._frames.add(StampedTransform(0, MAP, ODOM, start_pose))
        self._frames.add(StampedTransform(0, ODOM, BASE, np.eye(4)))

    @property
    def age(self) -> float | None:
        """Of the newest path in s, by its stamp; None before the first."""
        return None if self._trajectory is None else to_seconds(self._now_ns - self._path_ns)

    @property
    def warning(self) -> str:
        """Why no path is followed; empty when one is."""
        if self.age is None:
            return "no path yet: the ego brakes"
        if self.age > self._timeout:
            return f"the newest path is {self.age:.1f} s old: the ego brakes"
        return ""

    def observe(self, found: Sequence[Stamped]) -> None:
        """Take note of what a period brought: where frames were, and what time it is."""
        for stamped in found:
            if stamped.topic == "/tf":
                for transform in stamped.message.transforms:
                    self._frames.add(read_transform(transform))
        self._now_ns = found[-1].stamp_ns

    def receive(self, message: Path) -> int:
        """Follow a path from now on.

        Args:
            message: stamped poses in ``map``, or in ``odom`` or ``base_link`` as they were at
                the path's stamp.

        Returns:
            The path's stamp in ns.

        Raises:
            BadMessage: a value is not finite, no rotation, in another frame than the path, or a
                stamp is impossible.
            BadStamp: the path's stamp is ahead of the simulated time.
            FrameError: the path's frame is unknown, or was not known at its stamp.
            UntimedPath: the poses' stamps do not increase.
        """
        path = read_path(message)
        ahead_ns = path.stamp_ns - self._now_ns
        if ahead_ns > self._tolerance_ns:
            reason = f"{to_seconds(ahead_ns):g} s ahead of /clock (is use_sim_time set?)"
            raise BadStamp("header.stamp", to_seconds(path.stamp_ns), reason)
        seen_ns = min(path.stamp_ns, self._now_ns)
        pose = self._frames.lookup(MAP, path.frame_id, seen_ns)
        self._trajectory = trajectory_of(path, pose)
        self._path_ns = path.stamp_ns
        return path.stamp_ns

    def control(self, ego: EgoState) -> Control:
        """What the ego does in the next period."""
        if self._trajectory is None or self.warning:
            return EgoCommand(ego.steering, -_BRAKING)
        return self._trajectory


def trajectory_of(path: PosePath, pose: Transform) -> Trajectory:
    """When to be where, how fast.

    Args:
        path: the stamps of its poses are simulated times.
        pose: (4, 4) ``T_map_frame`` of the path's frame.

    Returns:
        In the map; speeds are differences of the way along the path.

    Raises:
        UntimedPath: there are not two stamps that increase.
    """
    times = path.stamps_ns.astype(np.float64) * 1e-9
    if len(times) < 2 or (np.diff(path.stamps_ns) <= 0).any():
        shown = ", ".join(f"{time:g}" for time in times[:4].tolist())
        raise UntimedPath(
            f"poses[:4].header.stamp = [{shown}] s of {len(times)}: "
            "must be two or more that increase, they say how fast to drive"
        )
    rotations = pose[:3, :3] @ Rotation.from_quat(path.quaternions).as_matrix()
    positions = path.positions @ pose[:3, :3].T + pose[:3, 3]
    steps = np.linalg.norm(np.diff(positions[:, :2], axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    yaws = np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0])
    return Trajectory(
        times=times,
        poses=np.column_stack([positions[:, :2], yaws]),
        speeds=np.gradient(way, times),
    )
