"""Gazebo's sensors, with the topics and frames of ours.

A gpu_lidar publishes its scan on its topic and its cloud on ``<topic>/points``; a camera on
``…/image`` publishes its calibration on ``…/camera_info``.
"""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from snn_ros.simulation.gazebo.sdf import Vector, add, add_pose, add_values, pose_of
from snn_ros.simulation.sensors.imu import ImuParameters
from snn_ros.simulation.sensors.lidar_config import BEAMS, LidarConfig
from snn_ros.simulation.sensors.mounts import CameraMount, optical_pose
from snn_ros.simulation.sensors.range_finder import FIELD_OF_VIEW, RangeFinderParameters

LIDAR_COLUMNS = 1024
"""Firings in a sweep: Gazebo renders them, and more cost more."""
UNSEEN = 2
"""Visibility flag of what carries sensors, which do not see it."""

_SEEN = 0xFFFFFFFF & ~UNSEEN
_CLIP = (0.1, 300.0)  # m, of cameras
_PIXEL_NOISE = 0.007  # share of the brightest
_BODY_IN_OPTICAL = optical_pose((0.0, 0.0, 0.0))[:3, :3].T  # Gazebo's cameras look along x
_SPOT_RAYS = 3  # across the spot of a range finder; a single ray has no angle step


def add_lidar(link: Element, name: str, position: Vector, config: LidarConfig) -> None:
    """Add a spinning LiDAR; all its beams leave one point at even steps of elevation.

    Args:
        link: what carries it.
        name: of the sensor, its topic and its frame.
        position: in the link.
        config: its beams, rate, range and range noise.
    """
    elevations = [e for block in BEAMS[config.beams] for e in block.elevations]
    step = 2 * math.pi / LIDAR_COLUMNS
    sensor = _add_sensor(link, name, "gpu_lidar", name, config.rate, position)
    _add_rays(
        sensor,
        horizontal=(LIDAR_COLUMNS, -math.pi, math.pi - step),
        vertical=(len(elevations), math.radians(min(elevations)), math.radians(max(elevations))),
        limits=(config.minimum_range, config.maximum_range),
        noise=config.range_noise,
    )


def add_range_finder(
    link: Element, name: str, topic: str, position: Vector, parameters: RangeFinderParameters
) -> None:
    """Add a range finder that looks down, as a LiDAR of few rays: its scan holds the spot."""
    sensor = _add_sensor(link, name, "gpu_lidar", topic, 20.0, position, (0.0, math.pi / 2, 0.0))
    half = FIELD_OF_VIEW / 2
    _add_rays(
        sensor,
        horizontal=(_SPOT_RAYS, -half, half),
        vertical=(_SPOT_RAYS, -half, half),
        limits=(parameters.minimum, parameters.maximum),
        noise=parameters.noise,
    )


def add_camera(
    link: Element, mount: CameraMount, topic: str, rate: float, baseline: float = 0.0
) -> None:
    """Add a pinhole camera without distortion.

    Args:
        link: whose frame is ``base_link``.
        mount: the camera; its name is that of its frame.
        topic: below which ``image`` and ``camera_info`` are published.
        rate: in Hz.
        baseline: of a stereo pair whose right camera this is, in m.
    """
    matrix = mount.pose.copy()
    matrix[:3, :3] = matrix[:3, :3] @ _BODY_IN_OPTICAL
    position, rotation = pose_of(matrix)
    sensor = _add_sensor(link, mount.name, "camera", f"{topic}/image", rate, position, rotation)
    camera = add(sensor, "camera")
    add(camera, "horizontal_fov", 2 * math.atan(mount.width / 2 / mount.fx))
    image = add(camera, "image")
    add_values(image, (("width", mount.width), ("height", mount.height), ("format", "R8G8B8")))
    add_values(add(camera, "clip"), zip(("near", "far"), _CLIP, strict=True))
    _add_noise(camera, _PIXEL_NOISE)
    lens = add(camera, "lens")
    pinhole = (("fx", mount.fx), ("fy", mount.fy), ("cx", mount.cx), ("cy", mount.cy))
    add_values(add(lens, "intrinsics"), (*pinhole, ("s", 0)))
    add(camera, "visibility_mask", _SEEN)
    projection = add(lens, "projection")
    add_values(projection, ((f"p_{key}", value) for key, value in pinhole))
    add_values(projection, (("tx", -mount.fx * baseline), ("ty", 0)))


def add_imu(
    link: Element, name: str, rate: float, position: Vector, parameters: ImuParameters
) -> None:
    """Add an IMU with noise and bias on every axis."""
    sensor = _add_sensor(link, name, "imu", name, rate, position)
    imu = add(sensor, "imu")
    for quantity, noise, bias in (
        ("angular_velocity", parameters.gyroscope_noise, parameters.gyroscope_bias),
        ("linear_acceleration", parameters.accelerometer_noise, parameters.accelerometer_bias),
    ):
        axes = add(imu, quantity)
        for axis in "xyz":
            element = add(add(axes, axis), "noise", type="gaussian")
            add_values(element, (("mean", 0), ("stddev", noise)))
            add_values(element, (("bias_mean", 0), ("bias_stddev", bias)))


def _add_sensor(
    link: Element, name: str, kind: str, topic: str, rate: float, position: Vector,
    rotation: Vector = (0.0, 0.0, 0.0),
) -> Element:  # fmt: skip
    sensor = add(link, "sensor", name=name, type=kind)
    add_pose(sensor, position, rotation)
    add_values(sensor, (("topic", topic), ("update_rate", rate), ("always_on", True)))
    add(sensor, "gz_frame_id", name)  # else the scoped name model/link/sensor
    return sensor


def _add_rays(
    sensor: Element, *, horizontal: tuple[int, float, float], vertical: tuple[int, float, float],
    limits: tuple[float, float], noise: float,
) -> None:  # fmt: skip
    lidar = add(sensor, "lidar")
    scan = add(lidar, "scan")
    for direction, (samples, low, high) in (("horizontal", horizontal), ("vertical", vertical)):
        values = (("samples", samples), ("resolution", 1), ("min_angle", low), ("max_angle", high))
        add_values(add(scan, direction), values)
    add_values(add(lidar, "range"), zip(("min", "max"), limits, strict=True))
    _add_noise(lidar, noise)
    add(lidar, "visibility_mask", _SEEN)


def _add_noise(parent: Element, deviation: float) -> None:
    values = (("type", "gaussian"), ("mean", 0), ("stddev", deviation))
    add_values(add(parent, "noise"), values)
