"""A Gazebo world as ROS sees it through ros_gz_bridge: shapes of messages, and its clock.

Imitated from the sources of gz-sensors 8 and ros_gz (Jazzy): nobody ran Gazebo for it. A test of a
node says which sensors it wants, plays, pauses and resets::

    stream = GazeboStream(probe, {"/node/input/points": Sensor(PointCloud2, cloud)})
    stream.play(2.0)
    stream.pause(1.0)
    stream.reset()
    stream.play(2.0)
"""

import math
import time
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, Imu, LaserScan, PointCloud2, PointField

from snn_ros.ros.conversions.stamps import read_stamp, write_stamp
from support.ros_graph import Probe

BRIDGE_QOS = 10  # depth of the bridge's publishers; reliable, as its default
POINT_STEP = 32  # bytes: x, y, z, 4 of padding, intensity, 12 of padding
_RAYS = (64, 1024)  # rows, columns
_NS = 1_000_000_000


def cloud(stamp_ns: int, frame: str = "ego/base_link/lidar", wall: float = 12.0) -> PointCloud2:
    """An organised cloud of a gpu_lidar without time and ring.

    The rays ahead meet a wall, those behind nothing (+inf), a few something too close (-inf). As
    there, a point is distance times direction, which makes ±inf of both signs, and NaN where a
    direction is 0.
    """
    rows, columns = _RAYS
    azimuth = np.linspace(-math.pi, math.pi, columns)
    elevation = np.radians(np.linspace(-24.3, 2.0, rows))[:, None]
    distance = np.where(np.cos(azimuth) > 0.1, wall / np.cos(azimuth), np.inf) + 0.0 * elevation
    distance[:, ::97] = -np.inf
    points = np.zeros(_RAYS, _POINT)
    level = np.cos(elevation)
    with np.errstate(invalid="ignore"):
        points["x"] = distance * level * np.cos(azimuth)
        points["y"] = distance * level * np.sin(azimuth)
        points["z"] = distance * np.sin(elevation)
    points["intensity"] = 0.3
    message = PointCloud2(height=rows, width=columns, point_step=POINT_STEP, is_dense=False)
    message.row_step = columns * POINT_STEP
    message.fields = [
        PointField(name=name, offset=_POINT.fields[name][1], datatype=PointField.FLOAT32, count=1)
        for name in ("x", "y", "z", "intensity")
    ]
    message.data = array("B", points.tobytes())
    return _stamped(message, stamp_ns, frame)


_POINT = np.dtype(
    {
        "names": ["x", "y", "z", "intensity"],
        "formats": ["<f4"] * 4,
        "offsets": [0, 4, 8, 16],
        "itemsize": POINT_STEP,
    }
)


def scan(
    stamp_ns: int, distance: float = 1.0, frame: str = "blimp/gondola/range_finder"
) -> LaserScan:
    """The few rays of a range finder, all of one length."""
    message = LaserScan(angle_min=-0.02, angle_max=0.02, angle_increment=0.02)
    message.range_min, message.range_max = 0.1, 12.0
    message.ranges = [distance] * 3
    message.intensities = [0.0] * 3
    return _stamped(message, stamp_ns, frame)


def imu(stamp_ns: int, frame: str = "blimp/gondola/imu") -> Imu:
    """A level one at rest; Gazebo's covariances are zero."""
    message = Imu()
    message.orientation.w = 1.0
    message.linear_acceleration.z = 9.81
    return _stamped(message, stamp_ns, frame)


def odometry(stamp_ns: int, model: str = "ego") -> Odometry:
    """At rest at the origin."""
    message = Odometry(child_frame_id=f"{model}/base_link")
    message.pose.pose.orientation.w = 1.0
    return _stamped(message, stamp_ns, f"{model}/odom")


def image(
    stamp_ns: int, frame: str = "ego/base_link/left", size: tuple[int, int] = (192, 640)
) -> Image:
    """A grey picture."""
    rows, columns = size
    message = Image(height=rows, width=columns, encoding="rgb8", step=3 * columns)
    message.data = array("B", bytes([128]) * (3 * rows * columns))
    return _stamped(message, stamp_ns, frame)


def camera_info(
    stamp_ns: int, frame: str = "ego/base_link/left", size: tuple[int, int] = (192, 640)
) -> CameraInfo:
    """The calibration of ``image``: no distortion, but five coefficients."""
    rows, columns = size
    message = CameraInfo(height=rows, width=columns, distortion_model="plumb_bob", d=[0.0] * 5)
    f, cx, cy = 372.0, columns / 2, rows / 2
    message.k = [f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return _stamped(message, stamp_ns, frame)


def _stamped(message: Any, stamp_ns: int, frame: str) -> Any:
    message.header.frame_id = frame
    message.header.stamp = write_stamp(stamp_ns)
    return message


@dataclass(frozen=True)
class Sensor:
    """A topic that the bridge brings.

    Attributes:
        type: of its messages.
        make: a message of a stamp in ns.
        every: so many steps of the clock lie between two.
    """

    type: type
    make: Callable[[int], Any]
    every: int = 1


class GazeboStream:
    """Publishes sensors and ``/clock``, which begins at 0, stands still and is set back.

    Args:
        probe: publishes.
        sensors: by topic.
        step: of the clock in s.
        speed: simulated seconds per second.
    """

    def __init__(
        self, probe: Probe, sensors: Mapping[str, Sensor], step: float = 0.05, speed: float = 1.0
    ) -> None:
        self.time_ns = 0  # of the next readings
        self._told_ns = 0
        self._probe = probe
        self._step_ns = round(step * _NS)
        self._wall_step = step / speed
        self._steps = 0
        self._clock = probe.speak("/clock", Clock, BRIDGE_QOS)
        self._sensors = [
            (sensor, probe.speak(topic, sensor.type, BRIDGE_QOS))
            for topic, sensor in sensors.items()
        ]

    def wait_heard(self) -> None:
        """Wait until somebody listens to the clock and to every sensor."""
        publishers = [self._clock, *(publisher for _, publisher in self._sensors)]
        self._probe.wait(
            lambda: all(p.get_subscription_count() for p in publishers), what="subscribers"
        )

    def play(self, seconds: float) -> None:
        """Let simulated time go by; the first readings have the time reached so far."""
        deadline = time.monotonic()
        for _ in range(round(seconds * _NS / self._step_ns)):
            for sensor, publisher in self._sensors:
                if self._steps % sensor.every == 0:
                    publisher.publish(sensor.make(self.time_ns))
            self._tell(self.time_ns)
            self._steps += 1
            self.time_ns += self._step_ns
            deadline += self._wall_step
            self._probe.spin(deadline - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Let only the wall's time go by; Gazebo goes on to say what time it is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tell(self._told_ns)
            self._probe.spin(0.1)

    def reset(self) -> None:
        """Set the world back to time 0."""
        self.time_ns = self._steps = 0

    def _tell(self, time_ns: int) -> None:
        self._told_ns = time_ns
        self._clock.publish(Clock(clock=write_stamp(time_ns)))


def stamps(messages: list) -> list[int]:
    """Stamps of messages in ns."""
    return [read_stamp(message.header.stamp) for message in messages]


def check_pause_and_reset(
    probe: Probe, stream: GazeboStream, node: str, answers: list, settling: float = 1.0
) -> None:
    """What every node that answers a stream must do, from 0 over a pause to a reset.

    It answers with stamps of the time played, while the world stands still says nothing but that
    data is missing, goes on afterwards, and after the reset answers with the new time and has said
    that time went back.

    Args:
        probe: hears the answers.
        stream: feeds the node and has not been played yet.
        node: its name in the graph; started with ``silence_limit`` 1.0.
        answers: what the probe hears of the node, stamped messages.
        settling: simulated s until it answers.
    """
    stream.wait_heard()
    stream.play(settling + 1.0)
    first = len(answers)
    assert first > 0, "no answer to a world that begins at 0"
    assert max(stamps(answers)) <= stream.time_ns
    probe.spin(0.6)  # answers still on their way
    before_pause = len(answers)
    stream.pause(1.5)
    probe.wait(lambda: "no data on" in probe.health(node)["message"], 5.0, "a report of silence")
    assert len(answers) == before_pause, "an answer while the world stood still"
    stream.play(1.0)
    assert len(answers) > before_pause, "no answer after the pause"
    probe.spin(0.3)
    newest = max(stamps(answers))
    answers.clear()
    stream.reset()
    stream.play(settling + 1.0)
    after = [stamp for stamp in stamps(answers) if stamp < newest]
    assert after, "no answer after the reset"
    assert max(stamps(answers)[-3:]) <= stream.time_ns, "stamps of before the reset"
    probe.wait(lambda: int(probe.health(node).get("fault.clock_jump_back", "0")) > 0, 5.0, "fault")
    assert "ROS time went back" in probe.health(node)["last_fault"]
