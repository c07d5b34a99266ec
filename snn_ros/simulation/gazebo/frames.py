"""Where the sensors sit: static frames below ``base_link``, as a launch file of tf2_ros nodes.

Gazebo itself would publish them under scoped names only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from snn_ros.simulation.gazebo.sdf import Vector, pose_of, text
from snn_ros.simulation.sensors.mounts import KITTI_LIDAR, kitti_stereo, surround_six
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters

_BASE = "base_link"
_LEVEL = (0.0, 0.0, 0.0)

Pose = tuple[Vector, Vector]
"""Position in m; roll, pitch and yaw in rad."""


def street_frames() -> dict[str, Pose]:
    """Where the sensors of the ego are in ``base_link``; cameras by their optical frames."""
    cameras = (*kitti_stereo(), *surround_six())
    return {
        "lidar": pose_of(KITTI_LIDAR),
        "imu": (_LEVEL, _LEVEL),
        **{mount.name: pose_of(mount.pose) for mount in cameras},
    }


def blimp_frames(blimp: BlimpParameters) -> dict[str, Pose]:
    """Where those of the blimp are; a range is measured along x of its frame, downwards."""
    return {
        "range_finder": (_LEVEL, (0.0, math.pi / 2, 0.0)),
        "imu": ((0.0, 0.0, blimp.range_finder_depth - blimp.gondola_depth), _LEVEL),
    }


def frames_launch_file(frames: Mapping[str, Pose]) -> str:
    """The text of a launch file that publishes frames below ``base_link``."""
    return "\n".join(["<launch>", *map(_node, frames, frames.values()), "</launch>", ""])


def _node(name: str, pose: Pose) -> str:
    position, rotation = pose
    options = zip(("x", "y", "z", "roll", "pitch", "yaw"), (*position, *rotation), strict=True)
    numbers = " ".join(f"--{key} {text(value)}" for key, value in options)
    return (
        f'  <node pkg="tf2_ros" exec="static_transform_publisher" name="frame_of_{name}"\n'
        f'        args="{numbers}\n'
        f'              --frame-id {_BASE} --child-frame-id {name}"/>'
    )
