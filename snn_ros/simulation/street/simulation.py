"""One simulated drive in periods: controls in, everything measured and everything true out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import count_points
from snn_ros.geometry.rigid import Transform, inverse, rigid_transform
from snn_ros.simulation.sensors.camera import CameraRig
from snn_ros.simulation.sensors.imu import Imu, ImuReading
from snn_ros.simulation.sensors.lidar import Lidar, LidarScan
from snn_ros.simulation.sensors.lidar_config import LIDARS, LidarConfig
from snn_ros.simulation.sensors.mounts import (
    KITTI_LIDAR,
    NUSCENES_LIDAR,
    CameraMount,
    kitti_stereo,
    surround_six,
)
from snn_ros.simulation.sensors.odometry import (
    OdometryReading,
    WheelEncoders,
    WheelOdometry,
    WheelReading,
    planar_motion,
)
from snn_ros.simulation.street.drive import Control, StreetDrive, StreetFrame
from snn_ros.simulation.street.ego import EgoState
from snn_ros.simulation.street.grids import Grid, MapGrids, occupancy_grid
from snn_ros.simulation.street.ground_truth import ObjectLabels, object_labels
from snn_ros.simulation.street.motion import sub_steps
from snn_ros.simulation.street.planar import FloatArray
from snn_ros.simulation.street.scenario import SensorChoice, StreetScenario
from snn_ros.simulation.street.scene import StreetScene
from snn_ros.simulation.street.surfaces import class_index
from snn_ros.simulation.street.visibility import Visibility, look

ODOMETRY_RATE = 50.0  # Hz, also of the wheels
IMU_RATE = 100.0  # Hz
LABEL_REACH = 120.0
"""How far from the ego objects are labelled, in m."""

_SURROUND_HEIGHTS = {480: 224}


@dataclass(frozen=True)
class MotionReading:
    """What the encoders and their sum tell at one time.

    Attributes:
        time: in s.
        odometry: dead reckoning since the start.
        wheels: rates and steering.
    """

    time: float
    odometry: OdometryReading
    wheels: WheelReading


@dataclass(frozen=True)
class ObjectTruth:
    """Everybody near the ego at one time, and how much the sensors see of them.

    Attributes:
        labels: N boxes, in the world.
        points: (N,) int64 of the newest scan in each box.
        visibility: in the image of ``camera``.
        camera: the first camera, or that of KITTI's left one where there is none.
    """

    labels: ObjectLabels
    points: NDArray[np.int64]
    visibility: Visibility
    camera: CameraMount


@dataclass(frozen=True)
class GridTruth:
    """Bird's-eye grids around the ego, rows forward, columns to the left."""

    occupancy: Grid
    drivable: Grid
    lane_dividers: Grid


@dataclass(frozen=True)
class StreetReadings:
    """What is known at the end of one period.

    Attributes:
        frame: who is where, and where the ego is along its route.
        pose: true ``T_map_base``, (4, 4).
        motion: encoders and odometry within the period, at 50 Hz.
        imu: time in s and reading within the period, at 100 Hz.
        scan: of the LiDAR, when a sweep is due.
        images: (H, W, 3) uint8 RGB by name of the camera.
        truth_images: by camera and kind: depth in m and disparity in pixels are (H, W) float32,
            semantic is (H, W) uint8 of ``SEMANTIC_CLASSES``.
        objects: true boxes.
        grids: true bird's-eye grids.
    """

    frame: StreetFrame
    pose: Transform
    motion: tuple[MotionReading, ...]
    imu: tuple[tuple[float, ImuReading], ...]
    scan: LidarScan | None
    images: dict[str, NDArray[np.uint8]]
    truth_images: dict[tuple[str, str], NDArray]
    objects: ObjectTruth
    grids: GridTruth


class StreetSimulation:
    """A scenario that is driven and measured step by step. Same controls, same bytes.

    ::

        with StreetSimulation(load_street_scenario("config/scenarios/street_quick.yaml")) as street:
            while not street.finished:
                readings = street.advance()

    Attributes:
        scenario: as given.
        drive: who is where.
        scene: what the sensors look at.
        mounts: the cameras.
        lidar_pose: (4, 4) ``T_base_lidar``.
        start_pose: (4, 4) true ``T_map_odom``: where odometry began.
        rig: the cameras at work; None without cameras.
    """

    def __init__(self, scenario: StreetScenario) -> None:
        """Make the place, put everybody in it and switch the sensors on.

        Raises:
            ConfigurationError: names every actor that cannot start where the scenario says.
            RendererError: it has cameras, and there is no off-screen renderer on this machine.
        """
        self.scenario = scenario
        sensors = scenario.sensors
        self.drive = StreetDrive(scenario)
        self.mounts = ego_cameras(sensors)
        self.scene = StreetScene(
            self.drive.layout,
            self.drive.specs,
            scenario.appearance,
            scenario.seed,
            ego_cameras=self.mounts,
        )
        # the first two are the drive's
        seeds = np.random.SeedSequence(scenario.seed).spawn(7)[2:]
        lidar, cameras, odometry, wheels, imu = map(np.random.default_rng, seeds)
        self.lidar_pose = lidar_pose(sensors)
        config = lidar_config(sensors)
        surfaces = self.scene.surfaces
        self._lidar = Lidar(self.scene.model, config, surfaces, lidar) if config else None
        self._sweep_periods = round(1.0 / (config.rate * scenario.period)) if config else 1
        self._odometry = WheelOdometry(sensors.odometry, odometry)
        wheelbase = scenario.ego.vehicle.wheelbase
        self._wheels = WheelEncoders(replace(sensors.wheels, wheelbase=wheelbase), wheels)
        self._imu = Imu(sensors.imu, imu)
        self._map_grids = MapGrids(self.drive.layout)
        self._periods = 0
        self.start_pose = base_pose(self.drive.frame.ego)
        self.rig: CameraRig | None = None
        if self.mounts:
            self.rig = CameraRig(self.scene.model, self.mounts, sensors.camera, cameras)

    @property
    def finished(self) -> bool:
        """Whether the scenario is over."""
        return self.drive.finished

    @property
    def periods_left(self) -> int:
        """How often it can still be advanced."""
        return round(self.scenario.duration / self.scenario.period) - self._periods

    def advance(self, control: Control | None = None, *, looking: bool = True) -> StreetReadings:
        """Drive one period and measure at its end.

        Args:
            control: as for ``StreetDrive.advance``.
            looking: False leaves LiDAR and cameras off in this period and occlusion unknown, which
                is much faster.
        """
        before, began = self.drive.frame.ego, self.drive.frame.time
        frame = self.drive.advance(control)
        self._periods += 1
        self.scene.place(frame.actors, frame.ego.actor_state, frame.time)
        pose = base_pose(frame.ego)
        scan = self._scan(frame.ego, pose) if looking else None
        return StreetReadings(
            frame=frame,
            pose=pose,
            motion=self._measure_motion(before, frame.ego, began, frame.time),
            imu=self._measure_imu(before, frame.ego, began, frame.time),
            scan=scan,
            images=self.rig.capture(self.scene.data) if self.rig and looking else {},
            truth_images=self._truth_images() if looking else {},
            objects=self._objects(frame, pose, scan, looking),
            grids=self._grids(frame),
        )

    # Sensors -------------------------------------------------------------------------------------

    def _measure_motion(
        self, before: EgoState, after: EgoState, begin: float, end: float
    ) -> tuple[MotionReading, ...]:
        count = max(round((end - begin) * ODOMETRY_RATE), 1)
        return tuple(
            MotionReading(
                sample.time,
                self._odometry.step(
                    sample.mean_speed, sample.mean_speed * sample.curvature, sample.duration
                ),
                self._wheels.measure(sample.speed, sample.yaw_rate, sample.steering),
            )
            for sample in sub_steps(before, after, begin, end, count)
        )

    def _measure_imu(
        self, before: EgoState, after: EgoState, begin: float, end: float
    ) -> tuple[tuple[float, ImuReading], ...]:
        count = max(round((end - begin) * IMU_RATE), 1)
        return tuple(
            (
                sample.time,
                self._imu.measure(
                    *planar_motion(sample.yaw, sample.speed, sample.acceleration, sample.yaw_rate)
                ),
            )
            for sample in sub_steps(before, after, begin, end, count)
        )

    def _scan(self, ego: EgoState, pose: Transform) -> LidarScan | None:
        if self._lidar is None or self._periods % self._sweep_periods:
            return None
        velocity = None
        if self.scenario.sensors.motion_distortion:
            ahead, left, _ = self.lidar_pose[:3, 3]
            linear = (ego.speed - ego.yaw_rate * left, ego.yaw_rate * ahead, 0.0)
            velocity = np.array([*linear, 0.0, 0.0, ego.yaw_rate])
        return self._lidar.scan(self.scene.data, pose @ self.lidar_pose, velocity=velocity)

    # Truth ---------------------------------------------------------------------------------------

    def _objects(
        self, frame: StreetFrame, pose: Transform, scan: LidarScan | None, looking: bool
    ) -> ObjectTruth:
        labels = object_labels(self.drive.specs, frame.actors, self.scene.ground_height)
        away = np.linalg.norm(labels.boxes[:, :2] - pose[:2, 3], axis=1)
        labels = labels.select(away < LABEL_REACH)
        points = np.zeros(len(labels), dtype=np.int64)
        if scan is not None:
            seen = labels.seen_from(inverse(pose @ self.lidar_pose))
            points = count_points(scan.positions, seen.boxes)
        camera = self.mounts[0] if self.mounts else kitti_stereo()[0]
        visibility = look(self.scene, camera, pose, labels, occlusion=looking)
        return ObjectTruth(labels, points, visibility, camera)

    def _grids(self, frame: StreetFrame) -> GridTruth:
        ego = (frame.ego.x, frame.ego.y, frame.ego.yaw)
        specs = {spec.identifier: spec for spec in self.drive.specs}
        footprints = [
            (state.x, state.y, state.yaw, specs[identifier].length, specs[identifier].width)
            for identifier, state in frame.actors.items()
        ]
        return GridTruth(
            occupancy=occupancy_grid(np.array(footprints).reshape(-1, 5), ego),
            drivable=self._map_grids.drivable(ego),
            lane_dividers=self._map_grids.lane_dividers(ego),
        )

    def _truth_images(self) -> dict[tuple[str, str], NDArray]:
        wanted, data = self.scenario.sensors.truth_images, self.scene.data
        images: dict[tuple[str, str], NDArray] = {}
        if self.rig is None or not wanted:
            return images
        for name in self.rig.mounts:
            if "depth" in wanted:
                images[name, "depth"] = self.rig.depth(data, name)
            if "semantic" in wanted:
                classes = self.scene.surfaces.semantic
                sky = class_index("sky")
                images[name, "semantic"] = self.rig.labels(data, name, classes, background=sky)
        if "disparity" in wanted:
            images["left", "disparity"] = self.rig.disparity(data)
        return images

    # End -----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Free the graphics context."""
        if self.rig:
            self.rig.close()

    def __enter__(self) -> StreetSimulation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def base_pose(ego: EgoState) -> Transform:
    """(4, 4) ``T_map_base`` of a state of the ego."""
    half = ego.yaw / 2.0
    return rigid_transform([ego.x, ego.y, 0.0], [0.0, 0.0, np.sin(half), np.cos(half)])


def ego_cameras(sensors: SensorChoice) -> tuple[CameraMount, ...]:
    """The cameras of a choice, those of the stereo pair first."""
    stereo: Sequence[CameraMount] = ()
    surround: Sequence[CameraMount] = ()
    if sensors.cameras in ("stereo", "all"):
        stereo = kitti_stereo(sensors.stereo_width)
    if sensors.cameras in ("surround", "all"):
        height = _SURROUND_HEIGHTS.get(sensors.surround_width)
        surround = surround_six(sensors.surround_width, height)
    return (*stereo, *surround)


def lidar_config(sensors: SensorChoice) -> LidarConfig | None:
    """The LiDAR of a choice; None without one."""
    if sensors.lidar == "none":
        return None
    config = LIDARS[sensors.lidar]
    return replace(config, columns=sensors.lidar_columns) if sensors.lidar_columns else config


def lidar_pose(sensors: SensorChoice) -> Transform:
    """(4, 4) ``T_base_lidar`` of a choice."""
    pose: FloatArray = (NUSCENES_LIDAR if sensors.lidar == "nuscenes" else KITTI_LIDAR).copy()
    if sensors.lidar_height is not None:
        pose[2, 3] = sensors.lidar_height
    return pose
