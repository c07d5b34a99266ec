"""Issue-size acceptance of the blimp: oracle, held-out domains, no latch, speed, faults, soak."""

from dataclasses import asdict

import numpy as np
import pytest
from support import cloud_load
from support.blimp_logs import FLIGHTS, replay_through_node
from support.blimp_oracle import PUBLISHED, differences
from support.soak import watch

from snn_ros.blimp_control import weights
from snn_ros.blimp_control.evaluation import compare_commands, domain_scores, oracle_rows, trim_rows
from snn_ros.blimp_control.pid import PidGains
from snn_ros.blimp_control.speed import measure
from snn_ros.blimp_control.training import held_out_domains
from snn_ros.msg import BlimpControlDebug
from snn_ros.ros.qos import RESULT, SENSOR


@pytest.fixture(scope="module")
def edge():
    network, _ = weights.load(weights.default_path("edge"), "edge")
    return network


@pytest.fixture(scope="module")
def pid_rows():
    return oracle_rows(None, PidGains())


def test_published_pd_and_pid_rows(figures, pid_rows):
    rows = pid_rows + oracle_rows(None, PidGains(integral=0.0), (0.0, -0.05), "PD")
    ours = [row for row in rows if (row.plant, row.controller, row.buoyancy) in PUBLISHED]
    figures.update({f"{r.plant} {r.controller} b={r.buoyancy:+.2f}": asdict(r) for r in ours})
    assert len(ours) == len(PUBLISHED)
    assert [problem for row in ours for problem in differences(row)] == []


def test_edge_beside_our_pid(figures, edge, pid_rows):
    problems = []
    for row, pid in zip(oracle_rows(edge, PidGains(), name="SNN"), pid_rows, strict=True):
        ratio = row.rmse / pid.rmse
        excess = float(np.subtract(row.overshoot, pid.overshoot).max())
        name = f"{row.plant} b={row.buoyancy:+.2f}"
        figures[name] = {
            "rmse_ratio": ratio,
            "overshoot_excess_cm": excess,
            "settled_error_cm": max(row.settled_error),
        }
        if ratio > 1.0:
            problems.append(f"{name}: RMSE {ratio:.3f} of the PID's")
        if max(row.settled_error) > 3.0:
            problems.append(f"{name}: |e| {row.settled_error}")
        if excess > 2.0:
            problems.append(f"{name}: overshoot {excess:.1f} cm beyond the PID's")
    assert problems == []


def test_held_out_domains(figures, edge):
    figures.update(domain_scores(edge, held_out_domains(512)).figures())
    assert figures["share_within_1.15"] >= 0.95


def test_no_latch(figures, edge):
    rows = trim_rows(edge)
    figures.update({f"{row.plant} {row.ballast:+g} g": asdict(row) for row in rows})
    assert [row for row in rows if not row.within] == []


def test_speed(figures):
    figures.update(measure())
    assert figures["numpy_step_us_p99"] <= 50.0
    assert figures["simulator_ticks_per_s"] >= 1e6


@pytest.mark.parametrize("name", FLIGHTS)
def test_recorded_flight_over_dds(figures, probe, start_node, data_dir, tmp_path, name):
    commands = replay_through_node(probe, start_node, data_dir, tmp_path, name, rate=1.0)
    agreement = compare_commands(*commands)
    figures.update(asdict(agreement))
    assert agreement.small_difference <= 0.5
    if np.isnan(agreement.correlation):  # fewer than three windows have no correlation
        assert agreement.large_difference <= 0.5
    else:
        assert agreement.correlation >= 0.9


def test_node_soak_120_s_at_10_hz(figures, probe, start_node):
    from sensor_msgs.msg import Range

    node = start_node("blimp_control_node")
    ranges = probe.speak("/blimp_control/input/range", Range, SENSOR)
    ticks = probe.hear("/blimp_control/output/debug", BlimpControlDebug, RESULT)
    probe.wait_active("/blimp_control")
    probe.wait(lambda: ranges.get_subscription_count() > 0)
    message = Range(min_range=0.1, max_range=12.0, field_of_view=0.04)
    message.header.frame_id = "range_finder"
    sent = 0

    def feed(seconds):
        nonlocal sent
        for _ in range(round(seconds * 10)):
            message.header.stamp = probe.node.get_clock().now().to_msg()
            message.range = 1.0 + 0.05 * np.sin(sent * 0.1)
            ranges.publish(message)
            sent += 1
            probe.spin(0.1)

    figures.update(asdict(watch(node.process.pid, 120.0, 10.0, feed)))
    probe.spin(1.5)
    jitter = np.abs([tick.jitter_ms for tick in ticks])
    figures.update(
        sent=sent,
        received=int(probe.health("/blimp_control")["range.received"]),
        ticks=len(ticks),
        jitter_ms_p50=float(np.percentile(jitter, 50)),
        jitter_ms_p99=float(np.percentile(jitter, 99)),
        overruns=int(ticks[-1].overruns),
    )
    assert figures["received"] == sent
    assert figures["memory_slope_mb_per_min"] < 0.5
    assert figures["threads"][0] == figures["threads"][1]


def test_null_node_soak_120_s_of_2_mb_clouds_at_20_hz(figures, probe, start_node):
    figures.update(cloud_load.soak(probe, start_node, seconds=120.0, warm_up=10.0))
    assert cloud_load.unaccounted(figures) == []
    assert figures["memory_slope_mb_per_min"] < 1.0
    assert figures["threads"][0] == figures["threads"][1]
