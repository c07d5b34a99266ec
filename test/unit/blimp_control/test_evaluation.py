"""The published network against the acceptance bounds, on a sample of the full sizes."""

import json

import numpy as np
import pytest

from snn_ros.blimp_control.evaluation import (
    BALLAST,
    LogError,
    compare_commands,
    domain_scores,
    log_agreement,
    oracle_rows,
    resample,
    trim_command,
    trim_rows,
)
from snn_ros.blimp_control.fitness import INTEGRAL_RAMPS, error_rates
from snn_ros.blimp_control.flight_log import read_flight_log
from snn_ros.blimp_control.flight_scores import moving_means
from snn_ros.blimp_control.pid import PidGains
from snn_ros.blimp_control.plant import PLANT_A
from snn_ros.blimp_control.simulator import pack, respond
from snn_ros.blimp_control.training import held_out_domains
from snn_ros.cli import main

LOGS = ("FBL_F8VT", "NMPC_CV", "NR_HX")


def test_the_network_flies_the_oracle_at_least_as_well_as_the_pid(edge_network):
    flown = oracle_rows(edge_network, PidGains(), name="SNN")
    reference = oracle_rows(None, PidGains())
    for row, pid in zip(flown, reference, strict=True):
        assert row.rmse <= pid.rmse, row
        assert max(row.settled_error) <= 3.0, row
        assert (np.array(row.overshoot) <= np.array(pid.overshoot) + 2.0).all(), row


def test_held_out_domains_sample(edge_network):
    found = domain_scores(edge_network, held_out_domains(64, 100.0)).figures()
    assert found["share_within_1.15"] >= 0.95
    assert found["rmse_ratio_median"] <= 1.0


def test_the_integrator_finds_the_trim_of_every_ballast(edge_network):
    rows = trim_rows(edge_network)
    assert len(rows) == 2 * len(BALLAST)
    for row in rows:
        assert row.within, row


def test_the_integrator_is_linear_and_holds(edge_network):
    levels = np.array([s * e for e in INTEGRAL_RAMPS for s in (1.0, -1.0)])
    error = np.zeros((6, 800))
    error[:, :200] = levels[:, None]
    u_i = moving_means(respond(pack([edge_network]), error, error_rates(error)).u_i[0])
    expected, found = [], []
    for tick in (50, 100, 200):
        exact = np.clip(0.75 * levels * (tick - 15) * 0.1, -5.0, 5.0)
        mean = u_i[:, tick - 30]
        assert (np.abs(mean - exact) <= np.maximum(0.2 * np.abs(exact), 0.4)).all()
        expected += list(exact)
        found += list(mean)
    assert 0.8 <= np.polyfit(expected, found, 1)[0] <= 1.2
    assert (np.abs(u_i[:, -1]) >= 0.8 * np.abs(u_i[:, 200])).all()
    assert (np.sign(u_i[:, -1]) == np.sign(levels)).all()


@pytest.mark.parametrize("name", LOGS)
def test_recorded_flights(edge_network, data_dir, name):
    path = data_dir / "blimp_flights" / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    found = log_agreement(edge_network, *read_flight_log(path))
    assert found.correlation >= 0.9
    assert found.small_difference <= 0.5


def test_trim_command_by_hand():
    # duty 0.35: 45 * 0.35 - 9 + 0.5 = 7.25 thirds of a unit
    assert trim_command(PLANT_A, -PLANT_A.thrust_gain * 0.35**2) == pytest.approx(7.25 / 3)
    assert trim_command(PLANT_A, 0.0) == 0.0


def test_agreement_of_known_sequences():
    pid = np.concatenate([np.zeros(100), np.linspace(1.0, 2.0, 100)])
    same = compare_commands(pid, pid)
    assert (same.correlation, same.small_difference) == (pytest.approx(1.0), 0.0)
    assert same.large_share == pytest.approx(0.5, abs=0.15)
    off = compare_commands(pid + 0.3, pid)
    assert off.small_difference == pytest.approx(0.3)
    assert np.isnan(compare_commands(np.zeros(50), np.zeros(50)).correlation)


def test_gaps_and_bad_rows_of_a_log_are_bridged():
    time = np.array([0.0, 0.1, 0.2, 1.0, 1.1, 1.2])
    values = np.array([0.0, 1.0, np.nan, 10.0, 11.0, np.inf])
    np.testing.assert_allclose(resample(time, values), np.arange(11.0))


@pytest.mark.parametrize(
    ("time", "text"),
    [([0.0, 0.2, 0.1], "does not rise at usable row 2"), ([0.0], "1 usable rows")],
)
def test_bad_times_are_named(time, text):
    with pytest.raises(LogError, match=text):
        resample(np.array(time), np.zeros(len(time)))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("time,z\n0,1\n", "missing columns z_ref"),
        ("time,z,z_ref\n0,a,1\n", "'a'"),
        ("time,z,z_ref\n", "holds no rows"),
    ],
)
def test_bad_logs_are_named(tmp_path, content, text):
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(LogError, match=text):
        read_flight_log(path)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    time = np.arange(0.0, 30.0, 0.04)
    rows = [f"{t},{-1.0 - 0.1 * np.sin(0.3 * t)},-1.0" for t in time]
    path.write_text("time,z,z_ref\n" + "\n".join(rows) + "\n")
    return path


def test_z_points_down_in_logs(log):
    assert read_flight_log(log).altitude[:2] == pytest.approx([1.0, 1.0012], abs=1e-3)


def test_json_on_standard_output_is_nothing_but_json(log, capsys):
    assert main(["evaluate", "blimp_control", str(log), "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {
        "system", "profile", "input", "scores", "latency_ms", "spikes", "machine",
    }  # fmt: skip
    assert figures["scores"]["large_correlation"] > 0.9
    assert set(figures["latency_ms"]) == {"p50", "p99"}
    assert set(figures["spikes"]) == {"firing_rate", "sops", "macs", "energy_mj_model"}


def test_an_unusable_input_is_one_line_and_exit_code_1(tmp_path, capsys):
    assert main(["evaluate", "blimp_control", str(tmp_path / "absent.csv")]) == 1
    assert "absent.csv: cannot be read" in capsys.readouterr().err


def test_evolve_writes_weights_manifest_and_card(tmp_path, monkeypatch):
    from snn_ros.blimp_control import training, weights

    monkeypatch.setattr(training, "held_out_domains", lambda: held_out_domains(2, 20.0))
    output = tmp_path / "net.safetensors"
    words = ["evolve", "blimp_control", "--generations", "1", "--population", "4", "--seed", "3"]
    words += ["--checkpoint", str(tmp_path / "run"), "--output", str(output)]
    assert main(words) == 0
    _, manifest = weights.load(output, "edge")
    assert manifest.training["command"] == (
        "snn-ros evolve blimp_control --profile edge --generations 1 --population 4 --seed 3"
    )
    assert manifest.training["command"] in output.with_suffix(".md").read_text()
    assert (tmp_path / "run" / "fitness.png").stat().st_size > 1000
