#!/usr/bin/env python3
"""The measuring programs of snn_ros.ros.dds_link, as an executable that a launch file can name."""

import sys

from snn_ros.ros.dds_link import main

sys.exit(main())
