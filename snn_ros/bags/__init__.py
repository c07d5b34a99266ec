"""Read, write and convert recordings; schedule their replay. No ROS graph is needed."""

from snn_ros.bags.reader import BagReader
from snn_ros.bags.recording import Message, Topic
from snn_ros.bags.writer import BagWriter

__all__ = ["BagReader", "BagWriter", "Message", "Topic"]
