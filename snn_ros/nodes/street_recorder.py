"""Records a simulated drive as a bag. Not a node to launch."""

from __future__ import annotations

from collections.abc import Callable

from snn_ros.bags import BagWriter
from snn_ros.nodes.recorder import Recorder
from snn_ros.nodes.street_topics import messages, static_messages, topics
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation


def record_street(
    street: StreetSimulation,
    bag: BagWriter,
    watch: Callable[[StreetReadings], None] = lambda _: None,
) -> None:
    """Drive to the end, the ego along its route, and write everything.

    Args:
        street: before its first period.
        bag: where to.
        watch: called after each period.

    Raises:
        BagNotWritten: the file system refuses; what was written so far is whole.
    """
    recorder = Recorder(bag, topics(street))
    recorder.write(static_messages(street))
    while not street.finished:
        readings = street.advance()
        recorder.write(messages(street, readings))
        watch(readings)
