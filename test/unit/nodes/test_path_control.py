"""Paths as messages become trajectories in the map, or are refused by name."""

import math

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from rosgraph_msgs.msg import Clock
from tf2_msgs.msg import TFMessage

from snn_ros.geometry.rigid import Transform, inverse, rigid_transform
from snn_ros.nodes.path_control import PathControl, UntimedPath, trajectory_of
from snn_ros.nodes.simulated_world import Stamped
from snn_ros.ros.conversions.geometry import StampedTransform, write_transform
from snn_ros.ros.conversions.paths import read_path
from snn_ros.ros.conversions.stamps import from_seconds, write_header
from snn_ros.ros.conversions.validation import BadFrame, BadStamp, BadValue
from snn_ros.ros.frames import ExtrapolationError, UnknownFrame
from snn_ros.simulation.street.ego import EgoCommand, EgoState

STEERING = 0.1
EGO = EgoState(0.0, 0.0, 0.0, speed=5.0, steering=STEERING)


def planar(x: float, y: float, yaw: float) -> Transform:
    return rigid_transform([x, y, 0.0], [0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)])


def path(stamp: float, frame: str, times: list[float], places: list[tuple]) -> Path:
    """A path along x, y, yaw."""
    message = Path(header=write_header(from_seconds(stamp), frame))
    for time, (x, y, yaw) in zip(times, places, strict=True):
        pose = PoseStamped(header=write_header(from_seconds(time), frame))
        pose.pose.position.x, pose.pose.position.y = x, y
        pose.pose.orientation.z, pose.pose.orientation.w = math.sin(yaw / 2), math.cos(yaw / 2)
        message.poses.append(pose)
    return message


def straight(stamp: float = 0.1, frame: str = "map") -> Path:
    """Along x at 4 m/s."""
    times = [stamp + 0.5 * i for i in range(5)]
    return path(stamp, frame, times, [(2.0 * i, 0.0, 0.0) for i in range(5)])


def period(time: float, true: Transform, odometry: Transform) -> list[Stamped]:
    """What a simulation says of its frames at the end of a period."""
    stamp_ns = from_seconds(time)
    moves = {("map", "odom"): true @ inverse(odometry), ("odom", "base_link"): odometry}
    transforms = [
        write_transform(StampedTransform(stamp_ns, parent, child, matrix))
        for (parent, child), matrix in moves.items()
    ]
    return [
        Stamped(stamp_ns, "/tf", TFMessage(transforms=transforms)),
        Stamped(stamp_ns, "/clock", Clock()),
    ]


@pytest.fixture
def control():
    """At 0.1 s; odometry says half a metre less than is true."""
    start = planar(10.0, 5.0, 0.0)
    control = PathControl(start, period=0.1, timeout=1.0)
    control.observe(period(0.1, start @ planar(1.0, 0.0, 0.0), planar(0.5, 0.0, 0.0)))
    return control


def test_speeds_are_differences_along_the_path():
    times = [1.0, 1.5, 2.5, 3.0]
    corner = [(0.0, 0.0, 0.0), (3.0, 0.0, 0.0), (3.0, 4.0, 0.0), (3.0, 4.0, 0.0)]
    found = trajectory_of(read_path(path(1.0, "map", times, corner)), np.eye(4))
    assert found.times == pytest.approx(times)
    # at the ends one-sided, between as weighted by NumPy's gradient: 6 m/s, 4 m/s and standing
    assert found.speeds == pytest.approx([6.0, 6.0 * 2 / 3 + 4.0 / 3, 4.0 / 3, 0.0])


def test_a_path_is_turned_with_its_frame():
    message = path(0.0, "odom", [0.0, 1.0], [(0.0, 0.0, 0.0), (2.0, 1.0, 0.4)])
    found = trajectory_of(read_path(message), planar(1.0, 2.0, math.pi / 2))
    expected = [(1.0, 2.0, math.pi / 2), (0.0, 4.0, math.pi / 2 + 0.4)]
    assert found.poses == pytest.approx(np.array(expected))


@pytest.mark.parametrize(("frame", "x"), [("map", 0.0), ("odom", 10.5), ("base_link", 11.0)])
def test_frames_are_where_they_were_at_the_stamp_of_the_path(control, frame, x):
    later = planar(13.0, 5.0, 0.0)
    control.observe(period(0.2, later, planar(2.0, 0.0, 0.0)))
    assert control.receive(straight(0.1, frame)) == 100_000_000
    assert control.control(EGO).poses[0, 0] == pytest.approx(x)


def test_before_the_first_path_and_after_the_last_the_ego_brakes(control):
    brakes = EgoCommand(STEERING, -3.0)
    assert control.control(EGO) == brakes
    assert control.warning == "no path yet: the ego brakes"
    assert control.age is None
    control.receive(straight())
    for time in (0.6, 1.1):
        control.observe(period(time, np.eye(4), np.eye(4)))
        assert control.age == pytest.approx(time - 0.1)
        assert control.warning == ""
        assert control.control(EGO).speeds == pytest.approx([4.0] * 5)
    control.observe(period(1.2, np.eye(4), np.eye(4)))
    assert control.control(EGO) == brakes
    assert control.warning == "the newest path is 1.1 s old: the ego brakes"
    control.receive(straight(1.2))
    assert control.warning == ""


def not_finite() -> Path:
    message = straight()
    message.poses[2].pose.position.y = math.nan
    return message


def no_rotation() -> Path:
    message = straight()
    message.poses[1].pose.orientation.w = 0.0
    return message


def mixed_frames() -> Path:
    message = straight()
    message.poses[1].header.frame_id = "odom"
    return message


HERE = (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        (not_finite(), BadValue, r"poses\[2\].pose.position: .*not finite"),
        (no_rotation(), BadValue, r"poses\[1\].pose.orientation"),
        (mixed_frames(), BadFrame, r"poses\[1\].header.frame_id: 'odom'"),
        (straight(frame=""), BadFrame, "header.frame_id: ''"),
        (straight(frame="world"), UnknownFrame, "'world': known are base_link, map, odom"),
        (straight(0.3), BadStamp, r"0.2 s ahead of /clock \(is use_sim_time set\?\)"),
        (path(0.1, "map", [], []), UntimedPath, "of 0: must be two or more"),
        (path(0.1, "map", [0.1], [HERE]), UntimedPath, "of 1: must be two or more"),
        (path(0.1, "map", [0.0] * 3, [HERE] * 3), UntimedPath, r"\[0, 0, 0\] s of 3"),
        (path(0.1, "map", [0.2, 0.1], [HERE] * 2), UntimedPath, r"\[0.2, 0.1\] s of 2"),
    ],
)
def test_a_bad_path_is_named_and_the_one_before_stays(control, message, error, words):
    control.receive(straight())
    followed = control.control(EGO)
    with pytest.raises(error, match=words):
        control.receive(message)
    assert control.control(EGO) is followed
    assert control.age == pytest.approx(0.0)


def test_a_camera_whose_clock_is_ahead_by_less_than_a_period_is_answered(control):
    control.receive(straight(0.15, "base_link"))
    assert control.control(EGO).poses[0, 0] == pytest.approx(11.0)


def test_a_path_from_long_ago_cannot_be_placed(control):
    control.observe(period(20.0, np.eye(4), np.eye(4)))
    with pytest.raises(ExtrapolationError):
        control.receive(straight(0.1, "base_link"))
