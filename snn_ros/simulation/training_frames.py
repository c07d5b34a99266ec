"""Moments of simulated drives as plain arrays, for training without ROS.

Boxes and points are in the frame of the LiDAR (x forward, y left, z up), also where the scenario
has none; grids are in the flattened frame of the ego at that time, see ``street.grids``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.simulation.sensors.lidar import LidarScan
from snn_ros.simulation.street.grids import Grid
from snn_ros.simulation.street.planar import FloatArray
from snn_ros.simulation.street.scenario import StreetScenario
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation, lidar_config


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true at one time.

    Attributes:
        time: since the start of the drive in s.
        pose: (4, 4) ``T_map_base``.
        speed: of the ego in m/s.
        yaw_rate: of the ego in rad/s.
        steering: measured angle of the front wheels in rad.
        odometry: (3,) x, y, yaw of dead reckoning in m and rad.
        command: what the route does next: ``LEFT``, ``FORWARD`` or ``RIGHT``.
        place: number of the place along the route.
        route_position: along the route in m.
        boxes: (M, 7) float64 ``x y z dx dy dz yaw`` in the LiDAR's frame.
        classes: (M,) str such as ``Car``.
        track_ids: (M,) int64.
        velocities: (M, 3) float64 in m/s, in the axes of the LiDAR.
        lidar_points: (M,) int64 points of the scan in each box.
        image_boxes: (M, 4) left, top, right, bottom in the first camera in pixels; 0 out of view.
        truncation: (M,) share outside the image; 1 out of view.
        occlusion: (M,) int64 KITTI's level.
        difficulty: (M,) int64 KITTI's, -1 for none.
        occupancy: (200, 200) bool of all others.
        drivable: (200, 200) bool.
        lane_dividers: (200, 200) bool.
    """

    time: float
    pose: Transform
    speed: float
    yaw_rate: float
    steering: float
    odometry: FloatArray
    command: str
    place: int
    route_position: float
    boxes: FloatArray
    classes: NDArray[np.str_]
    track_ids: NDArray[np.int64]
    velocities: FloatArray
    lidar_points: NDArray[np.int64]
    image_boxes: FloatArray
    truncation: FloatArray
    occlusion: NDArray[np.int64]
    difficulty: NDArray[np.int64]
    occupancy: Grid
    drivable: Grid
    lane_dividers: Grid


@dataclass(frozen=True, eq=False)
class Sight:
    """What LiDAR and cameras give at one time.

    Attributes:
        points: (N, 5) float32 x, y, z in m, intensity 0..1, time in s from the stamp; (0, 5)
            without a LiDAR.
        lidar_pose: (4, 4) ``T_base_lidar``.
        images: (H, W, 3) uint8 RGB by camera.
        truth_images: by ``camera/kind``, see ``StreetReadings``.
        projections: (3, 4) P by camera, K in its first three columns; of ``right`` with
            ``-fx * baseline``.
        camera_poses: (4, 4) ``T_base_camera`` by camera, optical frame.
    """

    points: NDArray[np.float32]
    lidar_pose: Transform
    images: dict[str, NDArray[np.uint8]]
    truth_images: dict[str, NDArray]
    projections: dict[str, FloatArray]
    camera_poses: dict[str, Transform]


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment of a drive."""

    truth: Truth
    sight: Sight


def frame_count(scenario: StreetScenario, stride: int) -> int:
    """How many frames ``frames_of`` gives."""
    periods = round(scenario.duration / scenario.period)
    return periods // (_periods_between(scenario) * stride)


def frames_of(scenario: StreetScenario, stride: int) -> Iterator[Frame]:
    """Drive, and look at each ``stride``-th sweep of the LiDAR, or period without one.

    Raises:
        ConfigurationError: names every actor that cannot start where the scenario says.
        RendererError: there are cameras, and no off-screen renderer on this machine.
    """
    every = _periods_between(scenario) * stride
    with StreetSimulation(scenario) as street:
        for period in range(1, frame_count(scenario, stride) * every + 1):
            due = period % every == 0
            readings = street.advance(looking=due)
            if due:
                yield Frame(_truth(street, readings), _sight(street, readings))


def _periods_between(scenario: StreetScenario) -> int:
    config = lidar_config(scenario.sensors)
    return round(1.0 / (config.rate * scenario.period)) if config else 1


def _truth(street: StreetSimulation, readings: StreetReadings) -> Truth:
    frame, motion, objects = readings.frame, readings.motion[-1], readings.objects
    labels = objects.labels.seen_from(inverse(readings.pose @ street.lidar_pose))
    view = objects.visibility
    return Truth(
        time=frame.time,
        pose=readings.pose,
        speed=float(frame.ego.speed),
        yaw_rate=float(frame.ego.yaw_rate),
        steering=float(motion.wheels.steering),
        odometry=np.array([motion.odometry.x, motion.odometry.y, motion.odometry.yaw]),
        command=frame.command,
        place=int(frame.place),
        route_position=float(frame.route_position),
        boxes=labels.boxes,
        classes=np.array(labels.classes, dtype=np.str_),
        track_ids=labels.identifiers,
        velocities=labels.velocities,
        lidar_points=objects.points,
        image_boxes=view.image.boxes,
        truncation=view.image.truncation,
        occlusion=view.occlusion,
        difficulty=view.difficulty,
        occupancy=readings.grids.occupancy,
        drivable=readings.grids.drivable,
        lane_dividers=readings.grids.lane_dividers,
    )


def _sight(street: StreetSimulation, readings: StreetReadings) -> Sight:
    calibrations = street.rig.calibrations if street.rig else {}
    return Sight(
        points=_points(readings.scan),
        lidar_pose=street.lidar_pose,
        images=readings.images,
        truth_images={
            f"{camera}/{kind}": image for (camera, kind), image in readings.truth_images.items()
        },
        projections={name: calibration.P for name, calibration in calibrations.items()},
        camera_poses={mount.name: mount.pose for mount in street.mounts},
    )


def _points(scan: LidarScan | None) -> NDArray[np.float32]:
    if scan is None:
        return np.zeros((0, 5), dtype=np.float32)
    fields = [scan.points[name] for name in ("x", "y", "z", "intensity", "time")]
    return np.stack(fields, axis=-1).astype(np.float32)
