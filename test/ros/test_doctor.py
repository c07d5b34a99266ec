"""snn-ros doctor beside real processes and nodes."""

import json
import time

import pytest
from sensor_msgs.msg import Range
from support.ros_graph import Probe

from snn_ros.cli import DONE, main
from snn_ros.cli.checks import graph, transport
from snn_ros.cli.checks.findings import FAIL, OK, WARN
from snn_ros.ros import dds, dds_link, shared_memory
from snn_ros.ros.qos import RESULT, SENSOR


def test_a_running_driver_with_default_settings_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # With LOCALHOST every process has Fast DDS's default shared memory beside its own.
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    traffic = dds_link.Traffic()
    driver, ours = (dds_link.start("receive", traffic, s) for s in ({}, dds.settings({})))
    try:
        deadline = time.monotonic() + 10.0
        while not {driver.pid, ours.pid} <= shared_memory.largest_by_process().keys():
            assert time.monotonic() < deadline, "they take no shared memory"
            time.sleep(0.1)
        (finding,) = transport.drivers()
    finally:
        for program in (driver, ours):
            program.terminate()  # and so they take their shared memory away
            program.communicate()
    assert finding.status == WARN
    assert f"({driver.pid})" in finding.text
    assert f"({ours.pid})" not in finding.text


def test_connections_that_cannot_work_are_found_in_the_graph(probe: Probe) -> None:
    probe.speak("/range", Range, SENSOR)
    probe.hear("/range", Range, RESULT)
    probe.hear("/nowhere", Range, SENSOR)
    texts = [finding.text for finding in graph.running_nodes() if finding.status == WARN]
    assert any("/range: what /probe offers is not what /probe asks for" in t for t in texts)
    assert any("nobody publishes /nowhere, which /probe wants" in t for t in texts)


def test_an_empty_domain_is_fine() -> None:
    (finding,) = graph.running_nodes()
    assert (finding.status, finding.text) == (OK, "no nodes run in this domain")


def test_clouds_between_our_nodes_arrive() -> None:
    ours, _driver = transport.links()
    assert ours.status == OK, ours.text


def test_figures_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--quick", "--json", "-"])
    figures = json.loads(capsys.readouterr().out)
    failed = [check for check in figures["checks"] if check["status"] == FAIL]
    assert (code == DONE) == (not failed)
    assert not failed, failed
    assert {"ROS", "messages", "DDS profile", "running nodes"} <= {
        check["name"] for check in figures["checks"]
    }
