"""The frame tree fed over DDS."""

import math

import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from tf2_msgs.msg import TFMessage

from snn_ros.ros.conversions.stamps import write_header, write_stamp
from snn_ros.ros.conversions.validation import BadValue
from snn_ros.ros.frame_listener import FrameListener
from snn_ros.ros.frames import FrameError, FrameLoop
from snn_ros.ros.qos import LATCHED

S = 1_000_000_000


def transform(parent, child, stamp_ns=0, x=0.0):
    message = TransformStamped(header=write_header(stamp_ns, parent), child_frame_id=child)
    message.transform.translation.x = x
    return message


@pytest.fixture
def faults():
    return []


@pytest.fixture
def listener(probe, faults):
    """Two broadcasters of static frames spoke before the listener came."""
    for child in ("lidar", "camera"):
        latched = probe.speak("/tf_static", TFMessage, LATCHED)
        latched.publish(TFMessage(transforms=[transform("base", child, x=1.0)]))
    listener = FrameListener(probe.node, faults.append)
    yield listener
    listener.close()


def broadcaster(probe, listener):
    publisher = probe.speak("/tf", TFMessage, QoSProfile(depth=100))
    probe.wait(lambda: publisher.get_subscription_count() > 0)
    probe.wait(lambda: {"lidar", "camera"} <= set(listener.tree.frames()))
    return publisher


def test_frames_of_before_and_of_now_make_one_tree(probe, listener):
    publisher = broadcaster(probe, listener)
    for k in range(11):
        publisher.publish(TFMessage(transforms=[transform("map", "base", k * S // 10, x=float(k))]))
    probe.wait(lambda: located(listener, "map", "lidar", S) == 11.0)
    assert located(listener, "map", "camera", S // 20) == 1.5


def located(listener, target, source, stamp_ns):
    try:
        return listener.tree.lookup(target, source, stamp_ns)[0, 3]
    except FrameError:
        return None


def test_a_bad_transform_is_reported_and_the_rest_of_its_message_used(probe, listener, faults):
    publisher = broadcaster(probe, listener)
    broken = transform("map", "base", S)
    broken.transform.rotation.w = math.nan
    loop = transform("lidar", "base", S)
    publisher.publish(TFMessage(transforms=[broken, loop, transform("map", "beacon", S, x=3.0)]))
    probe.wait(lambda: located(listener, "map", "beacon", S) == 3.0)
    assert [type(fault) for fault in faults] == [BadValue, FrameLoop]


def test_a_simulated_clock_that_goes_back_clears_what_moves(probe, listener):
    probe.node.set_parameters([Parameter("use_sim_time", value=True)])
    clock = probe.speak("/clock", Clock, 10)
    publisher = broadcaster(probe, listener)
    probe.wait(lambda: clock.get_subscription_count() > 0)
    now = probe.node.get_clock().now
    clock.publish(Clock(clock=write_stamp(100 * S)))
    probe.wait(lambda: now().nanoseconds == 100 * S)
    publisher.publish(TFMessage(transforms=[transform("map", "base", 100 * S, x=3.0)]))
    probe.wait(lambda: "map" in listener.tree.frames())
    clock.publish(Clock(clock=write_stamp(95 * S)))
    probe.wait(lambda: now().nanoseconds == 95 * S)
    assert listener.tree.frames() == ["base", "camera", "lidar"]


def test_a_closed_listener_hears_nothing(probe, listener):
    publisher = broadcaster(probe, listener)
    listener.close()
    probe.wait(lambda: publisher.get_subscription_count() == 0)
