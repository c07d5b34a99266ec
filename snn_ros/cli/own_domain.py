"""Commands that talk to nobody but themselves."""

from __future__ import annotations

import os

from snn_ros.ros.main import prepare_environment

_DOMAINS = 100  # of the 101 that work on every Linux; 0 is everybody's


def use_own_domain() -> None:
    """Keep away from whatever else is on this host and on the network, unless told otherwise.

    Call it before ROS is initialised; processes started from here are in the same domain.
    """
    os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % _DOMAINS + 1))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    prepare_environment()
