"""A flight that another one disturbs is refused, not scored."""

import io

import pytest

from snn_ros.msg import BlimpCommand
from snn_ros.nodes.flight_recorder import FlightFailed, fly
from snn_ros.ros.qos import RESULT


def test_a_second_blimp_in_the_domain_is_named(probe):
    probe.speak("/blimp/applied_command", BlimpCommand, RESULT)
    with pytest.raises(FlightFailed, match=r"2 publishers of /blimp/applied_command: another"):
        fly({"scenario": "blimp_quick", "pace": "0.0"}, timeout=30, output=io.StringIO())


def test_a_scenario_that_does_not_exist_fails_the_flight(ros_domain):
    output = io.StringIO()
    with pytest.raises(FlightFailed, match="could not be started"):
        fly({"scenario": "nowhere", "pace": "0.0"}, timeout=30, output=output)
    assert "nowhere" in output.getvalue()
