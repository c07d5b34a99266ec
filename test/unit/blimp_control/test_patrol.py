"""The patrol in MuJoCo: the spiking heads beside the PD they mimic, and motors that only push."""

from dataclasses import replace

import pytest

from benchmarks import blimp_patrol


def test_the_spiking_heads_fly_the_patrol_like_the_pd():
    snn, pd = blimp_patrol.patrol("snn"), blimp_patrol.patrol("pid")
    for name in ("heading_rmse_rad", "speed_rmse_m_s", "altitude_rmse_m"):
        assert snn[name] < 1.15 * pd[name], name
    assert snn["heading_rmse_rad"] < 0.12


def test_motors_that_only_push_fly_straight_and_level(monkeypatch):
    scenario = blimp_patrol.load_scenario(blimp_patrol._SCENARIO)
    straight = replace(
        scenario,
        vehicle=replace(scenario.vehicle, reversible=False),
        velocities=scenario.velocities[:1],
        setpoints=scenario.setpoints[:1],
        duration=25.0,
    )
    monkeypatch.setattr(blimp_patrol, "load_scenario", lambda _path: straight)
    found = blimp_patrol.patrol("snn")
    assert found["heading_rmse_rad"] < 0.06
    assert found["altitude_rmse_m"] < 0.03
    assert found["speed_rmse_m_s"] == pytest.approx(0.0, abs=0.08)  # with the run-up


def test_pitch_damping_calms_the_swing_and_costs_no_altitude():
    plain, damped = blimp_patrol.patrol("snn"), blimp_patrol.patrol("snn", 0.2)
    assert damped["pitch_rate_rms_rad_s"] < 0.8 * plain["pitch_rate_rms_rad_s"]
    assert damped["altitude_rmse_m"] < plain["altitude_rmse_m"] + 0.02
