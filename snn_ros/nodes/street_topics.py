"""A simulated drive as messages: the same for a live simulation, lock step and a recording."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator

import numpy as np
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from numpy.typing import NDArray
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Imu, JointState, PointCloud2
from stereo_msgs.msg import DisparityImage
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from snn_ros.geometry.rigid import Transform, inverse, quaternion_of, rigid_transform
from snn_ros.msg import Collision, ObjectTruth, ObjectTruthArray, RouteTruth
from snn_ros.nodes.simulated_world import CLOCK, Stamped, Topic
from snn_ros.ros.conversions.cameras import Intrinsics, write_camera_info
from snn_ros.ros.conversions.detections import Detections, write_detections
from snn_ros.ros.conversions.geometry import (
    ImuSample,
    OdometrySample,
    StampedTransform,
    write_imu,
    write_odometry,
    write_transform,
)
from snn_ros.ros.conversions.grids import OCCUPIED, write_grid
from snn_ros.ros.conversions.grids import Grid as GridSample
from snn_ros.ros.conversions.images import write_image, write_jpeg
from snn_ros.ros.conversions.paths import PosePath, write_path
from snn_ros.ros.conversions.point_clouds import write_structured
from snn_ros.ros.conversions.stamps import from_seconds, write_header, write_stamp
from snn_ros.simulation.sensors.odometry import OdometryReading
from snn_ros.simulation.sensors.optics import compressed
from snn_ros.simulation.street.grids import CELL, REACH, Grid
from snn_ros.simulation.street.simulation import MotionReading, StreetReadings, StreetSimulation

MAP, ODOM, BASE, LIDAR, IMU = "map", "odom", "base_link", "lidar", "imu"
_STEREO = ("left", "right")
_WHEELS = ("front_left_wheel", "front_right_wheel", "rear_left_wheel", "rear_right_wheel")
_STEERING = "steering"
_ROUTE_STEP = 1.0  # m
_UNKNOWN_COVARIANCE = np.zeros((6, 6))
_DISPARITY_STEP = 2.0**-10  # pixels; the truth has no step, and 0 is not allowed


def camera_topic(name: str) -> str:
    """Namespace of a camera's topics."""
    return f"stereo/{name}" if name in _STEREO else f"cameras/{name}"


def topics(street: StreetSimulation) -> tuple[Topic, ...]:
    """Everything a simulation publishes."""
    sensors = street.scenario.sensors
    image = (
        ("image/compressed", CompressedImage) if sensors.camera.jpeg_quality else ("image", Image)
    )
    found = [
        Topic("/tf_static", TFMessage, latched=True),
        Topic("route", Path, latched=True),
        Topic("odometry", Odometry),
        Topic("wheels", JointState),
        Topic("imu", Imu),
    ]
    if sensors.lidar != "none":
        found.append(Topic("lidar/points", PointCloud2))
    for mount in street.mounts:
        found.append(Topic(f"{camera_topic(mount.name)}/{image[0]}", image[1]))
        found.append(Topic(f"{camera_topic(mount.name)}/camera_info", CameraInfo))
        found += [
            Topic(f"ground_truth/{mount.name}/{kind}", Image)
            for kind in ("depth", "semantic")
            if kind in sensors.truth_images
        ]
    if "disparity" in sensors.truth_images:
        found.append(Topic("ground_truth/left/disparity", DisparityImage))
    return (
        *found,
        Topic("ground_truth/objects", ObjectTruthArray),
        Topic("ground_truth/detections", Detection3DArray),
        Topic("ground_truth/odometry", Odometry),
        Topic("ground_truth/route", RouteTruth),
        Topic("ground_truth/collision", Collision),
        Topic("ground_truth/occupancy", OccupancyGrid),
        Topic("ground_truth/drivable", OccupancyGrid),
        Topic("ground_truth/lane_dividers", OccupancyGrid),
        Topic("/tf", TFMessage),
        Topic(CLOCK, Clock),
    )


def static_messages(street: StreetSimulation) -> Iterator[Stamped]:
    """What is said once, at time 0: where the sensors sit, and the route."""
    frames = {mount.name: mount.pose for mount in street.mounts} | {IMU: np.eye(4)}
    if street.scenario.sensors.lidar != "none":
        frames[LIDAR] = street.lidar_pose
    mounted = [StampedTransform(0, BASE, child, pose) for child, pose in frames.items()]
    yield Stamped(0, "/tf_static", TFMessage(transforms=list(map(write_transform, mounted))))
    route = street.drive.route
    poses = route.poses(np.arange(0.0, route.length + _ROUTE_STEP / 2, _ROUTE_STEP))
    yield Stamped(0, "route", write_path(_path_of(poses)))


def messages(street: StreetSimulation, readings: StreetReadings) -> list[Stamped]:
    """What one period brought, in the order of time; of one time sensors first, the clock last.

    Who acts on the clock therefore has the readings already.
    """
    parts: tuple[Iterable[Stamped], ...] = (
        _motion(readings),
        _lidar(readings),
        _cameras(street, readings),
        _truth(street, readings),
        [Stamped(_end(readings), CLOCK, Clock(clock=write_stamp(_end(readings))))],
    )
    found = [stamped for part in parts for stamped in part]
    return sorted(found, key=operator.attrgetter("stamp_ns"))


# Sensors ------------------------------------------------------------------------------------------


def _motion(readings: StreetReadings) -> Iterator[Stamped]:
    for motion in readings.motion:
        stamp_ns = from_seconds(motion.time)
        pose = odometry_pose(motion.odometry)
        yield Stamped(stamp_ns, "odometry", _odometry(stamp_ns, motion.odometry, pose))
        yield Stamped(stamp_ns, "wheels", _wheels(stamp_ns, motion))
        moving = StampedTransform(stamp_ns, ODOM, BASE, pose)
        yield Stamped(stamp_ns, "/tf", TFMessage(transforms=[write_transform(moving)]))
    for time, reading in readings.imu:
        stamp_ns = from_seconds(time)
        sample = ImuSample(
            stamp_ns=stamp_ns,
            frame_id=IMU,
            orientation=reading.orientation,
            angular_velocity=reading.angular_velocity,
            linear_acceleration=reading.specific_force,
        )
        yield Stamped(stamp_ns, "imu", write_imu(sample))


def odometry_pose(reading: OdometryReading) -> Transform:
    """(4, 4) ``T_odom_base`` of dead reckoning."""
    half = reading.yaw / 2.0
    return rigid_transform([reading.x, reading.y, 0.0], [0.0, 0.0, np.sin(half), np.cos(half)])


def _odometry(stamp_ns: int, reading: OdometryReading, pose: Transform) -> Odometry:
    return write_odometry(
        OdometrySample(
            stamp_ns=stamp_ns,
            frame_id=ODOM,
            child_frame_id=BASE,
            pose=pose,
            linear_velocity=np.array([reading.speed, 0.0, 0.0]),
            angular_velocity=np.array([0.0, 0.0, reading.yaw_rate]),
            pose_covariance=_UNKNOWN_COVARIANCE,
            twist_covariance=_UNKNOWN_COVARIANCE,
        )
    )


def _wheels(stamp_ns: int, motion: MotionReading) -> JointState:
    """Rates of the wheels and the angle of the steering; NaN for what has no encoder."""
    nan = float("nan")
    return JointState(
        header=write_header(stamp_ns, BASE),
        name=[*_WHEELS, _STEERING],
        position=[*[nan] * len(_WHEELS), float(motion.wheels.steering)],
        velocity=[*motion.wheels.rates.tolist(), nan],
    )


def _lidar(readings: StreetReadings) -> Iterator[Stamped]:
    if readings.scan is not None:
        stamp_ns = _end(readings)
        cloud = write_structured(readings.scan.points, stamp_ns, LIDAR)
        yield Stamped(stamp_ns, "lidar/points", cloud)


def _cameras(street: StreetSimulation, readings: StreetReadings) -> Iterator[Stamped]:
    """Pictures and calibrations; a camera's clock may be off, when they arrive is not."""
    quality = street.scenario.sensors.camera.jpeg_quality
    for name, pixels in readings.images.items():
        assert street.rig is not None
        stamp_ns = from_seconds(readings.frame.time + float(street.rig.stamp_errors[name]))
        if quality:
            image = write_jpeg(compressed(pixels, quality), stamp_ns, name)
            yield Stamped(_end(readings), f"{camera_topic(name)}/image/compressed", image)
        else:
            image = write_image(pixels, "rgb8", stamp_ns, name)
            yield Stamped(_end(readings), f"{camera_topic(name)}/image", image)
        calibration = street.rig.calibrations[name]
        info = Intrinsics(
            stamp_ns=stamp_ns,
            frame_id=name,
            width=calibration.width,
            height=calibration.height,
            K=calibration.K,
            D=calibration.D,
            distortion_model="plumb_bob",
            R=calibration.R,
            P=calibration.P,
        )
        yield Stamped(_end(readings), f"{camera_topic(name)}/camera_info", write_camera_info(info))


# Truth --------------------------------------------------------------------------------------------


def _truth(street: StreetSimulation, readings: StreetReadings) -> Iterator[Stamped]:
    stamp_ns, frame = _end(readings), readings.frame
    yield Stamped(stamp_ns, "ground_truth/objects", _objects(stamp_ns, readings))
    yield Stamped(stamp_ns, "ground_truth/detections", _detections(stamp_ns, readings))
    yield Stamped(stamp_ns, "ground_truth/odometry", _true_odometry(stamp_ns, readings))
    route = RouteTruth(
        header=write_header(stamp_ns, BASE),
        place=int(frame.place),
        position=float(frame.route_position),
        offset=float(frame.route_offset),
        command=frame.command,
    )
    yield Stamped(stamp_ns, "ground_truth/route", route)
    for collision in frame.collisions:
        pair = {"first": int(collision.first), "second": int(collision.second)}
        body = Collision(header=write_header(stamp_ns, MAP), **pair)
        yield Stamped(stamp_ns, "ground_truth/collision", body)
    for name in ("occupancy", "drivable", "lane_dividers"):
        yield Stamped(
            stamp_ns, f"ground_truth/{name}", _grid(stamp_ns, getattr(readings.grids, name))
        )
    for (camera, kind), pixels in readings.truth_images.items():
        image = _truth_image(street, camera, kind, pixels, stamp_ns)
        yield Stamped(stamp_ns, f"ground_truth/{camera}/{kind}", image)
    # as from a perfect localisation, so that everything can be shown in one frame
    drift = readings.pose @ inverse(odometry_pose(readings.motion[-1].odometry))
    located = StampedTransform(stamp_ns, MAP, ODOM, drift)
    yield Stamped(stamp_ns, "/tf", TFMessage(transforms=[write_transform(located)]))


def _objects(stamp_ns: int, readings: StreetReadings) -> ObjectTruthArray:
    objects = readings.objects
    labels = objects.labels.seen_from(inverse(readings.pose))
    view = objects.visibility
    return ObjectTruthArray(
        header=write_header(stamp_ns, BASE),
        camera=objects.camera.name,
        objects=[
            ObjectTruth(
                class_name=labels.classes[i],
                track_id=int(labels.identifiers[i]),
                box=labels.boxes[i],
                velocity=labels.velocities[i],
                lidar_points=int(objects.points[i]),
                image_box=view.image.boxes[i].astype(np.float32),
                truncation=float(view.image.truncation[i]),
                occlusion=int(view.occlusion[i]),
                difficulty=int(view.difficulty[i]),
            )
            for i in range(len(labels))
        ],
    )


def _detections(stamp_ns: int, readings: StreetReadings) -> Detection3DArray:
    labels = readings.objects.labels.seen_from(inverse(readings.pose))
    found = Detections(
        boxes=labels.boxes,
        scores=np.ones(len(labels)),
        class_names=labels.classes,
        track_ids=[str(identifier) for identifier in labels.identifiers.tolist()],
    )
    return write_detections(found, stamp_ns, BASE)


def _true_odometry(stamp_ns: int, readings: StreetReadings) -> Odometry:
    ego = readings.frame.ego
    return write_odometry(
        OdometrySample(
            stamp_ns=stamp_ns,
            frame_id=MAP,
            child_frame_id=BASE,
            pose=readings.pose,
            linear_velocity=np.array([ego.speed, 0.0, 0.0]),
            angular_velocity=np.array([0.0, 0.0, ego.yaw_rate]),
            pose_covariance=_UNKNOWN_COVARIANCE,
            twist_covariance=_UNKNOWN_COVARIANCE,
        )
    )


def _grid(stamp_ns: int, grid: Grid) -> OccupancyGrid:
    """Rows of the message run along y."""
    cells = (grid.T * OCCUPIED).astype(np.int8)
    origin = rigid_transform([-REACH, -REACH, 0.0], [0.0, 0.0, 0.0, 1.0])
    return write_grid(GridSample(stamp_ns, BASE, CELL, origin, cells))


def _truth_image(
    street: StreetSimulation, camera: str, kind: str, pixels: NDArray, stamp_ns: int
) -> Image | DisparityImage:
    if kind == "semantic":
        return write_image(pixels, "mono8", stamp_ns, camera)
    image = write_image(pixels, "32FC1", stamp_ns, camera)
    if kind == "depth":
        return image
    assert street.rig is not None
    focal = street.mounts[0].fx
    baseline = -float(street.rig.calibrations["right"].P[0, 3]) / focal
    disparity = DisparityImage(header=image.header, image=image, f=float(focal), t=baseline)
    disparity.max_disparity = float(pixels.max())
    disparity.delta_d = _DISPARITY_STEP
    return disparity


def _path_of(poses: NDArray[np.float64]) -> PosePath:
    """A path without times through x, y, yaw in the map."""
    upright = [
        rigid_transform([0.0] * 3, [0.0, 0.0, np.sin(a / 2), np.cos(a / 2)]) for a in poses[:, 2]
    ]
    return PosePath(
        stamp_ns=0,
        frame_id=MAP,
        stamps_ns=np.zeros(len(poses), dtype=np.int64),
        positions=np.column_stack([poses[:, :2], np.zeros(len(poses))]),
        quaternions=np.array([quaternion_of(pose) for pose in upright]),
    )


def _end(readings: StreetReadings) -> int:
    """End of the period in ns: the stamp of all that is measured once in it."""
    return from_seconds(readings.frame.time)
