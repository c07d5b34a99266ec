"""Turn a recording into a rosbag2 folder with MCAP.

Kinds: mcap takes any bag (rosbag1, rosbag2 with sqlite3 or MCAP, also one whose recording was never
finished) and loses nothing. blimp-flight, images, kitti-object, kitti-odometry, kitti-raw and
nuscenes take plain files; docs/bags.md has their topics.

Example:
  snn-ros convert kitti-odometry sequences/00 kitti_00
  snn-ros convert images summer summer_bag --rate 1
  snn-ros convert mcap old.bag new
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from tqdm import tqdm

from snn_ros import configuration
from snn_ros.bags.convert import BAG, CONVERTERS, Conversion, ConvertOptions, convert
from snn_ros.cli.figures import add_json_option, write_json

_DEFAULTS = ConvertOptions()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kind", metavar="KIND", choices=[BAG, *CONVERTERS], help="what IN is")
    parser.add_argument("source", metavar="IN", help="file or folder")
    parser.add_argument("target", metavar="OUT", help="the folder to make")
    parser.add_argument(
        "--rate",
        type=float,
        default=_DEFAULTS.rate,
        metavar="HZ",
        help="frames per second of a source without stamps (default %(default)g)",
    )
    parser.add_argument(
        "--stamps",
        default=_DEFAULTS.stamps,
        metavar="FILE",
        help="stamps of an image folder, in seconds, one a line",
    )
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Convert and say what was written."""
    options = configuration.check(ConvertOptions(arguments.rate, arguments.stamps), "convert")
    with tqdm(unit=" messages", disable=None) as progress:
        made = convert(arguments.kind, arguments.source, arguments.target, options, progress.update)
    if arguments.json != "-":
        _print_table(made)
    if arguments.json:
        write_json(_figures(arguments, made), arguments.json)
    return 0


def _print_table(made: Conversion) -> None:
    for name, (message_type, count) in made.topics.items():
        print(f"{count:8}  {name}  {message_type}")
    print(f"{made.duration_s:.3f} s")
    for reason, count in made.left_out.items():
        print(f"left out: {count} {reason}")
    if made.warning:
        print(made.warning)


def _figures(arguments: argparse.Namespace, made: Conversion) -> dict[str, Any]:
    topics = {n: {"type": kind, "messages": count} for n, (kind, count) in made.topics.items()}
    return {
        "kind": arguments.kind,
        "input": arguments.source,
        "output": arguments.target,
        **dataclasses.asdict(made),
        "topics": topics,
    }
