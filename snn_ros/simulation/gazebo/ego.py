"""The ego vehicle in Gazebo: a car on four wheels that steers like one, with all our sensors.

Its model's frame is ``base_link``: the centre of the rear axle on the ground.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from snn_ros.simulation.gazebo import sensors
from snn_ros.simulation.gazebo.bodies import car_shapes, wheel_shape
from snn_ros.simulation.gazebo.bridge import TF_TOPIC
from snn_ros.simulation.gazebo.sdf import (
    Shape,
    Vector,
    add_collision,
    add_hinge,
    add_inertial,
    add_link,
    add_model,
    add_plugin,
    add_shapes,
    box,
    cylinder,
    pose_of,
)
from snn_ros.simulation.sensors.imu import ImuParameters
from snn_ros.simulation.sensors.lidar_config import LIDARS
from snn_ros.simulation.sensors.mounts import (
    KITTI_BASELINE,
    KITTI_LIDAR,
    NUSCENES_LIDAR,
    kitti_stereo,
    surround_six,
)
from snn_ros.simulation.street.ego import EgoParameters, EgoState
from snn_ros.simulation.street.scenario import SensorChoice

NAME = "ego"
BASE = "base_link"

_PAINT, _PAINT_VALUE = (0.86, 0.87, 0.88), 0.70
_MASS, _WHEEL_MASS, _KNUCKLE_MASS = 1400.0, 20.0, 5.0  # kg
_WHEEL_RADIUS, _WHEEL_WIDTH = 0.32, 0.20  # m
_CLEARANCE = 0.2  # m, below the chassis
_TOP_SPEED = 50.0  # m/s
_CAMERA_RATE, _IMU_RATE, _ODOMETRY_RATE = 10.0, 100.0, 50.0  # Hz


def add_ego(world: Element, vehicle: EgoParameters, start: EgoState, choice: SensorChoice) -> None:
    """Add the ego vehicle.

    It carries a LiDAR, the stereo pair, six cameras and an IMU whatever the scenario chose: Gazebo
    renders only what somebody listens to.

    Args:
        world: what it drives in.
        vehicle: its size and limits.
        start: where it stands.
        choice: kind of LiDAR and size of images.
    """
    model = add_model(world, NAME, (start.x, start.y, 0.0), start.yaw, static=False)
    chassis = _add_chassis(model, vehicle)
    _add_sensors(chassis, choice)
    _add_wheels(model, vehicle)
    _add_systems(model, vehicle)


def _add_chassis(model: Element, vehicle: EgoParameters) -> Element:
    chassis = add_link(model, BASE)
    length, width, height = vehicle.length, vehicle.width, vehicle.height
    middle = (vehicle.rear_axle_to_centre, 0.0, 0.0)
    add_inertial(
        chassis, _MASS, _box_inertia(_MASS, (length, width, height)), (middle[0], 0.0, 0.5)
    )
    solid = (length, width, height - _CLEARANCE)
    body = Shape("body", box(solid), _PAINT, (middle[0], 0.0, _CLEARANCE + solid[2] / 2))
    add_collision(chassis, body)
    shapes = car_shapes(length, width, height, _PAINT, _PAINT_VALUE)
    add_shapes(chassis, (shape.moved(middle) for shape in shapes), sensors.UNSEEN)
    return chassis


def _add_sensors(chassis: Element, choice: SensorChoice) -> None:
    kind = "hdl_64e" if choice.lidar == "none" else choice.lidar
    lidar_pose = NUSCENES_LIDAR if kind == "nuscenes" else KITTI_LIDAR
    sensors.add_lidar(chassis, "lidar", pose_of(lidar_pose)[0], LIDARS[kind])
    left, right = kitti_stereo(choice.stereo_width)
    sensors.add_camera(chassis, left, "stereo/left", _CAMERA_RATE)
    sensors.add_camera(chassis, right, "stereo/right", _CAMERA_RATE, KITTI_BASELINE)
    for mount in surround_six(choice.surround_width):
        sensors.add_camera(chassis, mount, f"cameras/{mount.name}", _CAMERA_RATE)
    sensors.add_imu(chassis, "imu", _IMU_RATE, (0.0, 0.0, 0.0), ImuParameters())


def _add_wheels(model: Element, vehicle: EgoParameters) -> None:
    """Rear wheels on the chassis, front wheels on knuckles that turn."""
    limits = (-vehicle.largest_steering, vehicle.largest_steering)
    for side, y in (("left", _half_track(vehicle)), ("right", -_half_track(vehicle))):
        rear, front = (0.0, y, _WHEEL_RADIUS), (vehicle.wheelbase, y, _WHEEL_RADIUS)
        _add_wheel(model, f"rear_{side}_wheel", BASE, rear)
        knuckle = f"front_{side}_knuckle"
        add_inertial(add_link(model, knuckle, front), _KNUCKLE_MASS, (0.1, 0.1, 0.1))
        add_hinge(model, f"{knuckle}_joint", BASE, knuckle, (0.0, 0.0, 1.0), limits)
        _add_wheel(model, f"front_{side}_wheel", knuckle, front)


def _add_wheel(model: Element, name: str, parent: str, position: Vector) -> None:
    link = add_link(model, name, position)
    radius, width = _WHEEL_RADIUS, _WHEEL_WIDTH
    across = _WHEEL_MASS * (3 * radius**2 + width**2) / 12
    add_inertial(link, _WHEEL_MASS, (across, _WHEEL_MASS * radius**2 / 2, across))
    tyre = wheel_shape("tyre", (0.0, 0.0, 0.0), radius)
    add_collision(link, Shape("tyre", cylinder(radius, width), tyre.colour, rotation=tyre.rotation))
    add_shapes(link, [tyre], sensors.UNSEEN)
    add_hinge(model, f"{name}_joint", parent, name, (0.0, 1.0, 0.0))


def _add_systems(model: Element, vehicle: EgoParameters) -> None:
    """What moves the wheels, and the true odometry."""
    wheels = [
        (f"{side}_joint", f"{end}_{side}_wheel_joint")
        for side in ("left", "right")
        for end in ("front", "rear")
    ]
    steering = [
        (f"{side}_steering_joint", f"front_{side}_knuckle_joint") for side in ("left", "right")
    ]
    track = 2 * _half_track(vehicle)
    add_plugin(
        model, "AckermannSteering", *wheels, *steering,
        ("kingpin_width", track), ("wheel_separation", track), ("wheel_base", vehicle.wheelbase),
        ("wheel_radius", _WHEEL_RADIUS), ("steering_limit", vehicle.largest_steering),
        ("min_velocity", 0.0), ("max_velocity", _TOP_SPEED),
        ("min_acceleration", -vehicle.largest_deceleration),
        ("max_acceleration", vehicle.largest_acceleration),
        ("topic", "cmd_vel"), ("odom_topic", "wheel_odometry"), ("tf_topic", "wheel_odometry/tf"),
    )  # fmt: skip
    add_plugin(
        model, "OdometryPublisher",
        ("odom_frame", "odom"), ("robot_base_frame", BASE), ("dimensions", 3),
        ("odom_publish_frequency", _ODOMETRY_RATE), ("odom_topic", "odometry"),
        ("tf_topic", TF_TOPIC),
    )  # fmt: skip


def _half_track(vehicle: EgoParameters) -> float:
    return (vehicle.width - _WHEEL_WIDTH) / 2


def _box_inertia(mass: float, size: Vector) -> Vector:
    x, y, z = (side**2 for side in size)
    twelfth = mass / 12
    return (twelfth * (y + z), twelfth * (x + z), twelfth * (x + y))
