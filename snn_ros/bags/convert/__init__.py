"""Turn plain recordings, and bags of other formats, into rosbag2 folders with MCAP."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from snn_ros.bags.convert.blimp import blimp_flight
from snn_ros.bags.convert.images import image_folder
from snn_ros.bags.convert.kitti_object import kitti_object
from snn_ros.bags.convert.kitti_odometry import kitti_odometry
from snn_ros.bags.convert.kitti_raw import kitti_raw
from snn_ros.bags.convert.nuscenes import nuscenes
from snn_ros.bags.convert.sources import (
    STATIC_TRANSFORMS,
    Converter,
    ConvertOptions,
    Source,
)
from snn_ros.bags.errors import ConversionError
from snn_ros.bags.qos import offered
from snn_ros.bags.reader import BagReader
from snn_ros.bags.writer import BagWriter

__all__ = ["BAG", "CONVERTERS", "Conversion", "ConvertOptions", "convert"]

CONVERTERS: Mapping[str, Converter] = {
    "blimp-flight": blimp_flight,
    "images": image_folder,
    "kitti-object": kitti_object,
    "kitti-odometry": kitti_odometry,
    "kitti-raw": kitti_raw,
    "nuscenes": nuscenes,
}
"""Kinds of plain recordings."""

BAG = "mcap"
"""The kind that takes any bag."""


@dataclass(frozen=True)
class Conversion:
    """What was written."""

    topics: dict[str, tuple[str, int]]
    """Type and number of messages by topic."""
    duration_s: float
    left_out: dict[str, int]
    """What could not be taken over, with counts."""
    warning: str
    """What is missing because the source ends early; else empty."""


def convert(
    kind: str,
    source: str | Path,
    target: str | Path,
    options: ConvertOptions | None = None,
    on_message: Callable[[], object] | None = None,
) -> Conversion:
    """Write a recording.

    Args:
        kind: ``mcap`` for any bag, which loses nothing, or one of ``CONVERTERS``.
        source: file or folder.
        target: the folder to make; if the conversion fails nothing is left there.
        options: what the source does not say itself.
        on_message: called after every message written.

    Raises:
        ConversionError: the source is not of this kind.
        BagUnreadable: the source is no bag, or damaged.
        BagExists: there is something at the target.
    """
    source, target = Path(source), Path(target)
    plain, warning = Source(source, options or ConvertOptions()), ""
    done = on_message or (lambda: None)
    if kind == BAG:
        with BagReader(source, recover=True) as bag, _whole_or_absent(target, bag) as writer:
            warning = bag.warning
            for topic in bag.topics.values():
                writer.add_topic(topic.name, topic.type, topic.qos)
            for message in bag.messages():
                writer.write(message.topic, message.stamp_ns, message.cdr)
                done()
    else:
        if not source.exists():
            raise ConversionError(source, "no such file or folder")
        with _whole_or_absent(target) as writer:
            for entry in CONVERTERS[kind](plain):
                latched = entry.topic == STATIC_TRANSFORMS
                writer.add_topic(entry.topic, entry.message.__msgtype__, [offered(latched=latched)])
                writer.write_message(entry.topic, entry.stamp_ns, entry.message)
                done()
    with BagReader(target) as bag:
        return Conversion(
            {topic.name: (topic.type, topic.count) for topic in bag.topics.values()},
            bag.duration_s,
            {reason: count for reason, count in plain.left_out.items() if count},
            warning,
        )


@contextmanager
def _whole_or_absent(target: Path, bag: BagReader | None = None) -> Iterator[BagWriter]:
    """A writer whose recording is removed again if something is raised."""
    with BagWriter(target, types=bag.types if bag else None) as writer:
        try:
            yield writer
        except BaseException:
            writer.close()
            shutil.rmtree(target)
            raise
