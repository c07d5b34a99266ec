"""Score a system on an input.

INPUT of blimp_control is one of
  oracle    setpoint steps on the plants A and B beside the PID, and what the I term carries
  domains   512 held-out randomised worlds, RMSE over the PID's
  heads     yaw and surge beside their PD on held-out trials (profile and weights do not matter)
  FILE.csv  a flight log with columns time, z, z_ref (z points down): 3 s means beside the PID
  BAG       the same from a recording with one Range and one PointStamped topic (the setpoint)

INPUT of lidar_detection is one of
  KITTI_DIR a folder of KITTI's object benchmark, with or without training/: velodyne, image_2,
            calib and label_2
  BAG       a recorded simulated drive: clouds, ground_truth/objects and /tf_static
It prints each frame (cars found, false alarms), and scores by KITTI's protocol: what its left
camera shows counts. --threshold and --pictures are for this system alone.

INPUT of place_recognition is one of
  DIR       pictures with ground_truth.csv (query, reference): references are taught, queries asked
  BAG       a recorded drive, asked of --weights MAP; true is the nearest place by the odometry,
            which must be in the frame of the map
recall_at_1 is of single images and exact, _pm2 counts two places away too, _seq10 is of sequences
of ten; answer_ is what the node says at its thresholds. --pictures draws the plots; --image and
--odometry name topics of a BAG that has several.

Example:
  snn-ros evaluate blimp_control domains --profile edge --json -
  snn-ros evaluate lidar_detection kitti_object --pictures pictures
  snn-ros evaluate place_recognition vpr_nordland --pictures pictures
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
from pathlib import Path

from snn_ros import machine
from snn_ros.cli import DONE, WRONG_CALL
from snn_ros.cli.evaluations.evaluation import Evaluation
from snn_ros.cli.figures import add_json_option, write_json

SYSTEMS = {
    "blimp_control": (),
    "lidar_detection": ("threshold", "pictures"),
    "place_recognition": ("pictures", "image", "odometry"),
}
"""Options that not all have, by system; ``evaluations`` has a module of its name."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("system", choices=sorted(SYSTEMS))
    parser.add_argument("input", metavar="INPUT", help="see above")
    parser.add_argument("--profile", default="edge", help="which network (default: edge)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="default: the profile's own")
    parser.add_argument(
        "--threshold", type=float, metavar="X", help="score from which on a box counts as found"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw what was found there")
    parser.add_argument("--image", metavar="TOPIC", help="of the camera")
    parser.add_argument("--odometry", metavar="TOPIC", help="of the way travelled")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print a table, or the figures as JSON."""
    known = SYSTEMS[arguments.system]
    for option in {option for options in SYSTEMS.values() for option in options}.difference(known):
        if getattr(arguments, option) is not None:
            print(f"snn-ros evaluate: {arguments.system} has no --{option}", file=sys.stderr)
            return WRONG_CALL
    module = importlib.import_module(f"snn_ros.cli.evaluations.{arguments.system}")
    found: Evaluation = module.evaluate(arguments)
    if arguments.json != "-":
        _print_table(found)
    if arguments.json:
        figures = {
            "system": arguments.system,
            "profile": arguments.profile,
            "input": arguments.input,
            "scores": {name: x for name, x in found.scores.items() if math.isfinite(x)},
            "latency_ms": found.latency_ms,
            "spikes": found.spikes,
            "machine": machine.describe(),
        }
        write_json(figures, arguments.json)
    return DONE


def _print_table(found: Evaluation) -> None:
    cells = [list(found.columns), *([str(cell) for cell in row] for row in found.rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(found.columns))]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    for name, value in found.scores.items():
        print(f"{name} = {value:.4g}")
