"""When the PID takes over, and that it does so without a bump."""

import itertools
import math

import pytest

from snn_ros.blimp_control.shadow import Handover, ShadowConfig, ShadowMonitor


def first_fault(u_snn, u_pid, rate, ticks=200):
    monitor = ShadowMonitor()
    for tick in range(ticks):
        reason = monitor.update(u_snn, u_pid, rate)
        if reason:
            return tick + 1, reason
    return None


def test_a_healthy_network_is_trusted():
    assert first_fault(5.0, 0.5, 0.3) is None


def test_divergence_counts_after_window_and_patience():
    ticks, reason = first_fault(6.0, 0.0, 0.3)
    assert ticks == 30 + 20
    assert "differ by 6.0 u" in reason


@pytest.mark.parametrize("rate", [0.004, 0.61])
def test_a_silent_or_burning_network_is_not_trusted(rate):
    ticks, reason = first_fault(0.0, 0.0, rate)
    assert ticks == 30 + 20
    assert "spikes per cell" in reason


def test_a_short_divergence_is_forgiven():
    monitor = ShadowMonitor()
    for tick in range(400):
        u_snn = 9.0 if 100 <= tick < 120 else 0.0  # the mean is above 5 u for 1.4 s
        assert monitor.update(u_snn, 0.0, 0.3) is None


def test_no_number_counts_at_once():
    assert ShadowMonitor().update(math.nan, 0.0, 0.3) == "network command is nan"


def test_bounds_can_be_set_and_reset_forgets():
    monitor = ShadowMonitor(ShadowConfig(window=0.5, patience=0.2, divergence=1.0))
    reasons = [monitor.update(2.0, 0.0, 0.3) for _ in range(7)]
    assert [bool(r) for r in reasons] == [False] * 6 + [True]
    monitor.reset()
    assert monitor.update(2.0, 0.0, 0.3) is None


def test_handover_starts_where_the_old_command_was_and_fades():
    handover = Handover(1.0)
    handover.begin(last=4.0, new=-2.0)
    commands = [handover.blend(-2.0) for _ in range(60)]
    assert commands[0] == 4.0
    assert max(abs(b - a) for a, b in itertools.pairwise(commands)) < 0.6
    assert commands[-1] == pytest.approx(-2.0, abs=0.02)


def test_handover_from_no_number_starts_at_the_new_command():
    handover = Handover(1.0)
    handover.begin(last=math.nan, new=1.0)
    assert handover.blend(1.0) == 1.0
