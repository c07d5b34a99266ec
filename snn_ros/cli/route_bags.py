"""Images along a recorded drive, each with the position of the robot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nav_msgs.msg import Odometry
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image

from snn_ros.bags import BagReader
from snn_ros.cli.bag_topics import WrongTopics, only_topic, topics_of
from snn_ros.place_recognition.odometer import Odometer, Position
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.ros.conversions.geometry import read_odometry
from snn_ros.ros.conversions.images import read_image
from snn_ros.ros.conversions.stamps import read_header, to_seconds

_IMAGES = {"sensor_msgs/msg/Image": Image, "sensor_msgs/msg/CompressedImage": CompressedImage}
_ODOMETRY = "nav_msgs/msg/Odometry"
_FASTEST = 100.0  # m/s, above which a pose has jumped


class Seen(NamedTuple):
    """An image of a drive.

    Attributes:
        image: (H, W, 3) RGB.
        stamp: in s.
        position: the newest one before the image.
    """

    image: Bytes
    stamp: float
    position: Position


def seen_along(
    path: Path, image_topic: str | None = None, odometry_topic: str | None = None
) -> Iterator[Seen]:
    """The images of a recording, in order; those before the first odometry are left out.

    Args:
        path: of the recording.
        image_topic: raw or compressed; None where there is only one.
        odometry_topic: None where there is only one.

    Raises:
        BagUnreadable: it is no recording, or a damaged one.
        WrongTopics: a topic is not there, or it is not clear which one is meant.
        BadMessage: an image or a pose that cannot be.
    """
    with BagReader(path) as bag:
        odometry = odometry_topic or only_topic(bag, _ODOMETRY)
        images = image_topic or _only_images(bag)
        for name in (odometry, images):
            if name not in bag.topics:
                raise WrongTopics(f"{path}: no topic {name}; it has {', '.join(bag.topics)}")
        image_type = _IMAGES.get(bag.topics[images].type)
        if image_type is None or bag.topics[odometry].type != _ODOMETRY:
            kinds = f"{images} is {bag.topics[images].type}, {odometry} is "
            raise WrongTopics(f"{path}: {kinds}{bag.topics[odometry].type}")
        odometer, position = Odometer(_FASTEST), None
        for message in bag.messages([odometry, images]):
            if message.topic == odometry:
                sample = read_odometry(deserialize_message(bytes(message.cdr), Odometry))
                stamp = to_seconds(sample.stamp_ns)
                position = odometer.add(stamp, sample.pose, sample.pose_covariance, sample.frame_id)
            elif position is not None:
                image = deserialize_message(bytes(message.cdr), image_type)
                stamp_ns, _ = read_header(image.header)
                yield Seen(read_image(image, "rgb"), to_seconds(stamp_ns), position)


def _only_images(bag: BagReader) -> str:
    names = [name for kind in _IMAGES for name in topics_of(bag, kind)]
    if len(names) != 1:
        raise WrongTopics(f"{bag.path}: {len(names)} topics of images, name one of {names}")
    return names[0]
