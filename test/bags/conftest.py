"""Every test here replays over DDS and gets a domain of its own."""

import pytest


@pytest.fixture(autouse=True)
def _own_domain(ros_domain: int) -> int:
    return ros_domain
