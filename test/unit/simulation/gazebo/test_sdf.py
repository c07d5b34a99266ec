import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.gazebo.sdf import add_plugin, new_world, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"), (-0.0, "0"), (-1e-9, "0"), (0.1 + 0.2, "0.3"), (True, "true"), (64, "64"),
        ((0.0, 0, -9.81), "0 0 -9.81"), ("gz", "gz"), (2e-6, "0.000002"), (100.0, "100"),
    ],
)  # fmt: skip
def test_values_as_text(value, expected):
    assert text(value) == expected


@given(st.floats(-1e6, 1e6))
def test_numbers_keep_a_millionth_and_need_no_exponent(value):
    written = text(value)
    assert math.isclose(float(written), value, abs_tol=0.51e-6)
    assert "e" not in written
    assert written == text(float(written))


def test_systems_are_named_as_gazebo_names_them():
    _, world = new_world("w", 0.001)
    add_plugin(world, "OdometryPublisher")
    plugins = {p.get("filename"): p.get("name") for p in world.findall("plugin")}
    assert plugins["gz-sim-odometry-publisher-system"] == "gz::sim::systems::OdometryPublisher"
    assert plugins["gz-sim-imu-system"] == "gz::sim::systems::Imu"
    assert plugins["gz-sim-scene-broadcaster-system"] == "gz::sim::systems::SceneBroadcaster"
