"""The DDS settings that our nodes run with, and the same for whoever wants to join them.

Fast DDS reads a profile file named by an environment variable when the first node of a process is
made; the launcher sets it for its nodes, and a bare executable for itself. See docs/dds.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from snn_ros.packages import OWN_PACKAGE, share_directory

PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""What names the profile to Fast DDS 2 (ROS 2 Jazzy) and to Fast DDS 3."""
TRANSPORTS_VARIABLE = "FASTDDS_BUILTIN_TRANSPORTS"
SEGMENT_BYTES = 16 << 20
"""Shared memory that each process takes with our profile."""
SOCKET_BUFFER_BYTES = 4 << 20
"""Socket buffers that our profile asks the kernel for."""
DRIVER_TRANSPORTS = "DEFAULT?max_msg_size=65500&sockets_size=4MB"
"""TRANSPORTS_VARIABLE for a driver that cannot be given our profile file."""


def profile(environment: Mapping[str, str] = os.environ) -> Path:
    """The profile file of this package."""
    return share_directory(OWN_PACKAGE, environment) / "config" / "dds" / "fastdds.xml"


def settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that give a process our profile; none where the user set one of them.

    An empty one counts: it stands for Fast DDS as it is.
    """
    if any(name in environment for name in (*PROFILE_VARIABLES, TRANSPORTS_VARIABLE)):
        return {}
    return dict.fromkeys(PROFILE_VARIABLES, str(profile(environment)))
