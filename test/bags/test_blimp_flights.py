"""Recorded flights of a real blimp through the controller node: it answers as the PID would.

The logs hold altitude and setpoint of other controllers, so the node flies in open loop. Its
network and its shadow PID get the same errors, and both I terms are reset every 20 s.
"""

from support.blimp_logs import replay_through_node

from snn_ros.blimp_control.evaluation import compare_commands


def test_a_recorded_flight_over_dds(probe, start_node, data_dir, tmp_path):
    commands = replay_through_node(probe, start_node, data_dir, tmp_path, "NR_HX", rate=4.0)
    agreement = compare_commands(*commands)
    assert agreement.windows > 500
    assert agreement.large_share > 0.5
    assert agreement.correlation >= 0.9
    assert agreement.small_difference <= 0.5
