"""Turn a published checkpoint into a weight file.

Only checkpoints of plain tensors are read; one that needs code to load is refused. The result is a
.safetensors file and a manifest of the same name with the suffix .json.

Example:
  snn-ros import-weights lidar_detection kitti.pth
  snn-ros import-weights lidar_detection model.pth --output weights/semantic_kitti.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.lidar_detection.importing import import_checkpoint
from snn_ros.lidar_detection.model import NETWORKS

IMPORTERS = {"lidar_detection": import_checkpoint}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("system", metavar="SYSTEM", choices=list(IMPORTERS), help="whose weights")
    parser.add_argument("file", metavar="FILE", type=Path, help="the published checkpoint")
    parser.add_argument(
        "--network",
        choices=list(NETWORKS),
        help="which published network it is of (default: the one that its entries fit)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the file to write (default: name of the checkpoint with .safetensors, here)",
    )
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Import and say what it was."""
    target = arguments.output or Path(arguments.file.with_suffix(".safetensors").name)
    made = IMPORTERS[arguments.system](arguments.file, target, arguments.network)
    if arguments.json != "-":
        print(
            f"{target}: {made.network}, {made.parameters} parameters, "
            f"{made.entries} entries, {made.layout}"
        )
    if arguments.json:
        write_json({"output": str(target), **made._asdict()}, arguments.json)
    return 0
