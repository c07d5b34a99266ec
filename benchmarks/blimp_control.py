"""Step time of the blimp controller and speed of its simulator.

Example: ``python -m benchmarks.blimp_control --json -``.
"""

from __future__ import annotations

import sys

from snn_ros.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "blimp_control", *sys.argv[1:]]))
