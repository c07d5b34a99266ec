import math
import threading
from itertools import pairwise

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.ros.conversions.geometry import StampedTransform, read_odometry, read_transform
from snn_ros.ros.frames import (
    DisconnectedFrames,
    ExtrapolationError,
    FrameLoop,
    FrameTree,
    UnknownFrame,
)

S = 1_000_000_000


def yaw(degrees, translation=(0, 0, 0)):
    half = math.radians(degrees) / 2
    return rigid_transform(translation, (0, 0, math.sin(half), math.cos(half)))


def moving(tree, parent, child, stamp_s, matrix):
    tree.add(StampedTransform(round(stamp_s * S), parent, child, matrix))


def fixed(tree, parent, child, matrix):
    tree.add(StampedTransform(0, parent, child, matrix), static=True)


@pytest.fixture
def robot():
    """map -> odom (1 Hz), odom -> base (10 Hz, 1 m/s along x), base -> lidar and base -> camera."""
    tree = FrameTree()
    fixed(tree, "base", "lidar", yaw(0, (0, 0, 2)))
    fixed(tree, "base", "camera", yaw(90, (1, 0, 0)))
    for k in range(4):
        moving(tree, "map", "odom", k, yaw(0, (100, 0, 0)))
    for k in range(31):
        moving(tree, "odom", "base", k / 10, yaw(0, (k / 10, 0, 0)))
    return tree


def test_a_lookup_goes_up_and_down_the_tree(robot):
    origin = np.array([0, 0, 0, 1.0])
    assert np.allclose(robot.lookup("map", "lidar", 2 * S) @ origin, [102, 0, 2, 1])
    assert np.allclose(robot.lookup("lidar", "map", 2 * S) @ [102, 0, 2, 1], origin)
    # the camera looks along the robot's y: what is 5 m ahead of it is 5 m to the robot's left
    assert np.allclose(robot.lookup("base", "camera") @ [5, 0, 0, 1], [1, 5, 0, 1])
    assert np.allclose(robot.lookup("lidar", "camera") @ [5, 0, 0, 1], [1, 5, -2, 1])


def test_a_frame_in_itself_is_the_identity(robot):
    for frame in ("map", "base", "camera"):
        assert np.array_equal(robot.lookup(frame, frame, 99 * S), np.eye(4))


def test_between_samples_motion_is_linear(robot):
    assert robot.lookup("odom", "base", round(1.234 * S))[0, 3] == pytest.approx(1.234)


def test_turns_between_samples_are_at_a_constant_rate():
    tree = FrameTree()
    for stamp, degrees in [(0, 0), (1, 90)]:
        moving(tree, "odom", "base", stamp, yaw(degrees))
    assert np.allclose(tree.lookup("odom", "base", S // 3), yaw(30))


def test_without_a_stamp_the_newest_common_time_is_taken(robot):
    moving(robot, "odom", "base", 3.5, yaw(0, (3.5, 0, 0)))
    assert robot.lookup("odom", "base")[0, 3] == 3.5
    assert robot.lookup("map", "base")[0, 3] == pytest.approx(103.0)  # map -> odom ends at 3 s


def test_static_frames_hold_for_all_time(robot):
    assert np.array_equal(robot.lookup("base", "lidar", 10**6 * S), yaw(0, (0, 0, 2)))


@pytest.mark.parametrize(
    ("stamp_s", "text"),
    [
        (3.25, "frame 'base' in 'odom': asked 0.250 s after the newest sample"),
        (-0.5, "frame 'base' in 'odom': asked 0.500 s before the oldest sample"),
    ],
)
def test_there_is_no_extrapolation(robot, stamp_s, text):
    with pytest.raises(ExtrapolationError, match=text):
        robot.lookup("odom", "lidar", round(stamp_s * S))


def test_an_unknown_frame_names_the_known_ones(robot):
    with pytest.raises(UnknownFrame, match="'radar': known are base, camera, lidar, map, odom"):
        robot.lookup("map", "radar")
    with pytest.raises(UnknownFrame, match="none yet"):
        FrameTree().lookup("map", "base")


def test_two_trees_do_not_join(robot):
    fixed(robot, "world", "beacon", np.eye(4))
    with pytest.raises(DisconnectedFrames, match="tree of 'map' with that of 'world'"):
        robot.lookup("lidar", "beacon")


def test_a_loop_is_refused_and_nothing_changes(robot):
    before = robot.lookup("map", "lidar", S)
    with pytest.raises(FrameLoop, match="frame 'map' in 'lidar'"):
        moving(robot, "lidar", "map", 1, np.eye(4))
    with pytest.raises(FrameLoop):
        fixed(robot, "/base", "base", np.eye(4))
    assert np.array_equal(robot.lookup("map", "lidar", S), before)


def test_a_leading_slash_is_not_part_of_a_name(robot):
    moving(robot, "/base", "/arm", 1, np.eye(4))
    assert "arm" in robot.frames()
    assert np.array_equal(robot.lookup("/base", "arm", S), np.eye(4))


def test_history_is_bounded():
    tree = FrameTree(history_ns=2 * S)
    for k in range(100):
        moving(tree, "odom", "base", k / 10, yaw(0, (k, 0, 0)))
    assert tree.lookup("odom", "base", round(7.9 * S))[0, 3] == pytest.approx(79)
    with pytest.raises(ExtrapolationError, match="before the oldest"):
        tree.lookup("odom", "base", round(7.8 * S))


def test_a_frame_with_another_parent_begins_anew(robot):
    fixed(robot, "map", "dock", np.eye(4))
    moving(robot, "dock", "base", 3, yaw(0, (7, 0, 0)))
    assert np.allclose(robot.lookup("map", "lidar", 3 * S)[:3, 3], [7, 0, 2])
    with pytest.raises(ExtrapolationError):
        robot.lookup("dock", "base", 2 * S)


def test_samples_out_of_order_take_their_place(robot):
    moving(robot, "odom", "base", 2.05, yaw(0, (9, 0, 0)))
    assert robot.lookup("odom", "base", round(2.05 * S))[0, 3] == 9
    assert robot.clock_jumps == 0


def test_a_clock_set_back_clears_what_moves_and_keeps_what_does_not(robot):
    moving(robot, "odom", "base", 1.5, yaw(0, (-1, 0, 0)))
    assert robot.clock_jumps == 1
    assert robot.lookup("odom", "lidar", round(1.5 * S))[0, 3] == -1
    with pytest.raises(ExtrapolationError):
        robot.lookup("odom", "base", S)
    with pytest.raises(UnknownFrame):
        robot.lookup("map", "base")
    assert np.array_equal(robot.lookup("base", "lidar"), yaw(0, (0, 0, 2)))


def test_lookups_while_transforms_come_in_are_consistent():
    """Each sample puts both joints at the same x, so their difference is 0 at any time."""
    tree = FrameTree()
    stop = threading.Event()

    def feed():
        k = 0
        while not stop.is_set():
            for child in ("left", "right"):
                moving(tree, "base", child, k / 1000, yaw(0, (k, 0, 0)))
            k += 1

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        seen = 0
        while seen < 200:
            if {"left", "right"} <= set(tree.frames()):
                assert tree.lookup("left", "right")[0, 3] == 0
                seen += 1
    finally:
        stop.set()
        feeder.join()


def read_bag(path, topics):
    with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        wanted = [c for c in reader.connections if c.topic in topics]
        for connection, _, raw in reader.messages(connections=wanted):
            yield connection.topic, reader.deserialize(raw, connection.msgtype)


def test_the_tree_of_a_real_robot_agrees_with_its_odometry(data_dir):
    bag = data_dir / "rosbags" / "nav2_turtlebot.mcap"
    if not bag.exists():
        pytest.skip(f"real recording: no {bag}")
    tree, odometry = FrameTree(history_ns=1000 * S), []
    for topic, message in read_bag(bag, ("/tf", "/tf_static", "/odom")):
        if topic == "/odom":
            odometry.append(read_odometry(message))
        else:
            for transform in message.transforms:
                tree.add(read_transform(transform), static=topic == "/tf_static")
    assert len(odometry) == 2639
    assert tree.clock_jumps == 0
    for before, after in pairwise(odometry):
        looked_up = tree.lookup("odom", "base_link", before.stamp_ns)
        assert np.array_equal(looked_up, before.pose)
        middle = tree.lookup("odom", "base_link", (before.stamp_ns + after.stamp_ns) // 2)
        assert np.allclose(middle[:3, 3], (before.pose + after.pose)[:3, 3] / 2, atol=1e-6)
    camera = tree.lookup("base_link", "oakd_rgb_camera_optical_frame")
    assert camera[2, 2] == pytest.approx(0, abs=1e-6)  # an optical frame looks ahead, not up
    assert camera[0, 2] == pytest.approx(1)
