"""Every test that talks DDS gets a ROS domain of its own, on this host only."""

import itertools
import os
from collections.abc import Iterator

import pytest

# Domains 1..101 are safe on Linux; runs in parallel start at different ones.
_domains = itertools.cycle(range(1, 101))
for _ in range(os.getpid() % 100):
    next(_domains)


@pytest.fixture(autouse=True)
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Set ROS_DOMAIN_ID for this test and the processes it starts."""
    domain = next(_domains)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    yield domain
