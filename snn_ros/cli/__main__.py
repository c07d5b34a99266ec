"""``python -m snn_ros.cli`` is ``snn-ros``."""

import sys

from snn_ros.cli import main

sys.exit(main())
