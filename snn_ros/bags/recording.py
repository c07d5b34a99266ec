"""What a recording holds: topics and raw messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rosbags.interfaces import Qos, QosDurability


class Message(NamedTuple):
    """One message as recorded."""

    topic: str
    cdr: bytes
    """The message in CDR, the format that travels over DDS, with its 4-byte header."""
    stamp_ns: int
    """When it was recorded, in ns since the epoch (or of simulated time)."""


@dataclass(frozen=True)
class Topic:
    """What a recording says about one topic."""

    name: str
    type: str
    """Such as ``sensor_msgs/msg/Imu``."""
    count: int
    qos: tuple[Qos, ...] = ()
    """What each recorded publisher offered; empty when the recording does not say."""

    @property
    def latched(self) -> bool:
        """Whether a late subscriber must still get its messages.

        That is so where a publisher offered it, and for static transforms by their contract.
        """
        return self.name == "/tf_static" or any(
            offer.durability == QosDurability.TRANSIENT_LOCAL for offer in self.qos
        )
