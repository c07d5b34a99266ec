"""Quality of service as recordings store it."""

from __future__ import annotations

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

# How rosbag2 writes "no limit" of a duration.
_FOREVER = QosTime(9223372036, 854775807)


def offered(*, depth: int = 10, reliable: bool = True, latched: bool = False) -> Qos:
    """What a publisher offers, with ROS's defaults for the rest.

    Args:
        depth: messages it keeps.
        reliable: whether it sends again what was lost.
        latched: whether late subscribers get what it kept.
    """
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=_FOREVER,
        lifespan=_FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOREVER,
        avoid_ros_namespace_conventions=False,
    )
