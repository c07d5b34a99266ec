"""Check that an installed snn_ros is whole: messages, sources, nodes, launch files and commands.

Run as a file with the folder it must come from, in the environment of that install.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ament_index_python.packages import get_package_prefix
from vision_msgs.msg import Detection3DArray

import snn_ros
from snn_ros.msg import SpikeActivity


def main(expected: str) -> None:
    """Raise AssertionError for what is missing.

    Args:
        expected: the folder below which the package must be installed.
    """
    prefix = Path(get_package_prefix("snn_ros"))
    assert prefix.is_relative_to(expected), f"{prefix} is not below {expected}"
    assert Path(str(snn_ros.__file__)).is_relative_to(expected), snn_ros.__file__
    for message in (SpikeActivity(), Detection3DArray()):
        # The C side loads only with its type support libraries.
        type(message).__import_type_support__()
    nodes = sorted((prefix / "lib" / "snn_ros").iterdir())
    assert nodes, "no node executables"
    assert all(os.access(node, os.X_OK) for node in nodes), nodes
    assert list((prefix / "share" / "snn_ros" / "launch").glob("*.launch.xml")), "no launch files"
    subprocess.run(
        [sys.executable, prefix / "bin" / "snn-ros", "--help"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main(sys.argv[1])
