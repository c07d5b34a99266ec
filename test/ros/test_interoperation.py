"""A node started by our launcher exchanges 2 MB clouds with a driver that knows nothing of us.

Another host is imitated by a driver without shared memory. What is not asserted here gets lost, is
measured by benchmarks/dds.py and explained in docs/dds.md: best effort from a driver with default
settings on this host, and best effort to a driver with default settings on another host.
"""

import io
import json
from pathlib import Path

import pytest

from snn_ros.ros import dds, dds_link
from snn_ros.ros.dds_link import Traffic
from snn_ros.ros.launcher.run import LaunchSession

DEFAULT: dict[str, str] = {}
OTHER_HOST = {dds.TRANSPORTS_VARIABLE: "UDPv4"}
OUR_PROFILE = dds.settings({})
TUNED = {dds.TRANSPORTS_VARIABLE: dds.DRIVER_TRANSPORTS}
TUNED_OTHER_HOST = {dds.TRANSPORTS_VARIABLE: dds.DRIVER_TRANSPORTS.replace("DEFAULT", "UDPv4")}
BEST_EFFORT = Traffic()
RELIABLE = Traffic(reliable=True)
# What a socket of the default size drops is offered again with the next message.
RELIABLE_SLOW = Traffic(reliable=True, rate=5.0)


@pytest.fixture(autouse=True)
def _as_on_a_robot(fixture_package: Path, monkeypatch: pytest.MonkeyPatch, ros_domain: int) -> None:
    # With LOCALHOST rmw_fastrtps adds transports of its own, shared memory among them.
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE")  # the launcher must set it


def exchange(
    tmp_path: Path, traffic: Traffic, driver_role: str, driver_settings: dict[str, str]
) -> dds_link.Delivery:
    """Run a driver and a launched node, one sending, one receiving."""
    node_role = "receive" if driver_role == "send" else "send"
    file = tmp_path / "link.launch.xml"
    file.write_text(
        '<launch><node pkg="fixtures" exec="dds_link.py" name="link" output="screen"'
        f' args="{node_role} {" ".join(traffic.words())}"/></launch>'
    )
    output = io.StringIO()
    with LaunchSession(file, output=output) as session:
        driver = dds_link.start(driver_role, traffic, driver_settings)
        found = dds_link.result(driver, traffic)
        session.wait_ended(timeout=30.0)
    lines = [line for line in output.getvalue().splitlines() if line.startswith("[link] {")]
    found |= json.loads(lines[0].removeprefix("[link] "))
    return dds_link.Delivery(found["sent"], tuple(found["latency_ms"]))


@pytest.mark.parametrize(
    ("settings", "traffic"),
    [
        pytest.param(DEFAULT, RELIABLE, id="same-host-reliable"),
        pytest.param(TUNED, BEST_EFFORT, id="same-host-tuned-best-effort"),
        pytest.param(OUR_PROFILE, BEST_EFFORT, id="same-host-our-profile-best-effort"),
        pytest.param(OTHER_HOST, BEST_EFFORT, id="other-host-best-effort"),
        pytest.param(OTHER_HOST, RELIABLE, id="other-host-reliable"),
    ],
)
def test_every_cloud_of_a_driver_reaches_a_launched_node(
    tmp_path: Path, settings: dict[str, str], traffic: Traffic
) -> None:
    delivery = exchange(tmp_path, traffic, "send", settings)
    assert delivery.complete, delivery


@pytest.mark.parametrize(
    ("settings", "traffic"),
    [
        pytest.param(DEFAULT, BEST_EFFORT, id="same-host-best-effort"),
        pytest.param(DEFAULT, RELIABLE, id="same-host-reliable"),
        pytest.param(OTHER_HOST, RELIABLE_SLOW, id="other-host-reliable"),
        pytest.param(TUNED_OTHER_HOST, BEST_EFFORT, id="other-host-tuned-best-effort"),
    ],
)
def test_every_cloud_of_a_launched_node_reaches_a_driver(
    tmp_path: Path, settings: dict[str, str], traffic: Traffic
) -> None:
    delivery = exchange(tmp_path, traffic, "receive", settings)
    assert delivery.complete, delivery
