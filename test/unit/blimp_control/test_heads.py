"""The heads of yaw and surge, their simulated flights and their evolution."""

import math
from dataclasses import replace

import numpy as np
import pytest

from snn_ros.blimp_control import BlimpController, head_training, weights
from snn_ros.blimp_control.head_flight import PLANTS, Trial, draw_trials, fly_axis
from snn_ros.blimp_control.head_training import (
    HeadEvolutionConfig,
    evolve_head,
    head_genome,
    head_network,
    head_scores,
    held_out_trials,
)
from snn_ros.blimp_control.heads import AXES, SURGE, YAW, Head
from snn_ros.blimp_control.shadow import ShadowConfig
from snn_ros.cli import main
from snn_ros.configuration import ConfigurationError

axes = pytest.mark.parametrize("axis", AXES.values(), ids=AXES)


def quiet_trial(axis, ticks, **changes):
    """Still air, no noise, no delay."""
    zeros = np.zeros(ticks)
    noise = np.zeros((ticks, 2))
    trial = Trial(PLANTS[axis.name], zeros, zeros, 0.0, zeros, noise, 0)
    return trial._replace(**changes)


@axes
def test_published_weights_fly_nearly_as_well_as_the_pd_or_better(axis):
    network, manifest = weights.load(weights.default_path(axis.name), axis.name)
    found = head_scores(axis, network, held_out_trials(axis)[:16])
    assert np.median(found.rmse / found.pd_rmse) < 1.1
    assert manifest.training["command"].startswith("snn-ros evolve blimp_control")


@axes
def test_a_head_answers_the_mirrored_error_with_the_mirrored_command(axis):
    network, _ = weights.load(weights.default_path(axis.name), axis.name)
    head, mirrored = Head(axis, network), Head(axis, network.mirrored())
    for k in range(100):
        error, rate = 0.3 * math.sin(0.1 * k), 0.1 * math.cos(0.1 * k)
        assert head.step(error, rate) == pytest.approx(-mirrored.step(-error, -rate), abs=1e-12)


@axes
def test_inputs_beyond_the_limits_count_as_the_limit(axis):
    assert axis.command(100.0, 0.0) == axis.command(1.5 / axis.scale, 0.0)
    with pytest.raises(ValueError, match="finite"):
        Head.from_weights(axis).step(math.nan)


def test_a_head_that_leaves_its_pd_is_replaced_without_a_bump():
    network, _ = weights.load(weights.default_path("yaw"), "yaw")
    wrong = replace(network, readout_weight=-network.readout_weight)
    head = Head(YAW, wrong, shadow=ShadowConfig(window=1.0, patience=0.5))
    answers = [head.step(0.4) for _ in range(60)]
    assert "differ" in head.fault
    assert answers[0] < 0.0 or answers[3] < 0.0
    assert answers[-1] == pytest.approx(YAW.command(0.4, 0.0), abs=0.5)
    assert max(np.abs(np.diff(answers[10:]))) < 4.0


def test_a_head_without_work_may_be_silent():
    head = Head.from_weights(YAW, shadow=ShadowConfig(window=1.0, patience=0.5))
    for _ in range(60):
        head.step(0.0)
    assert head.fault is None


def test_terminal_speed_is_where_drag_meets_thrust():
    plant = PLANTS["surge"]
    trial = quiet_trial(SURGE, 600, reference=np.zeros(600))
    flight = fly_axis(SURGE, lambda _e, _r: 2.0, trial)
    speed = -flight.error[-1]
    force = plant.linear * speed + plant.quadratic * speed**2
    assert force == pytest.approx(2.0 * plant.gain, rel=1e-3)


def test_surge_cannot_push_backwards_and_yaw_turns_both_ways():
    assert fly_axis(SURGE, lambda _e, _r: -5.0, quiet_trial(SURGE, 50)).error[-1] == 0.0
    for u in (-5.0, 5.0):
        flight = fly_axis(YAW, lambda _e, _r, u=u: u, quiet_trial(YAW, 50))
        assert flight.error[-1] * u < 0.0


def test_a_delay_shows_old_measurements():
    trial = quiet_trial(YAW, 30)
    prompt, late = (
        fly_axis(YAW, lambda _e, _r: 1.0, trial._replace(delay=delay)).seen_error
        for delay in (0, 2)
    )
    np.testing.assert_array_equal(late[2:], prompt[:-2])


@axes
def test_trials_are_a_function_of_the_seed(axis):
    first, again = (draw_trials(axis, np.random.default_rng(3), 2)[1] for _ in range(2))
    np.testing.assert_array_equal(first.reference, again.reference)
    np.testing.assert_array_equal(first.noise, again.noise)


@axes
def test_the_start_of_the_search_follows_the_pd(axis):
    genome = head_genome(axis)
    head = Head(axis, head_network(genome, genome.start()))
    for error in (0.1, -0.25):
        head.reset()
        answers = [head.step(error) for _ in range(60)]
        assert np.mean(answers[20:]) == pytest.approx(axis.command(error, 0.0), rel=0.3, abs=0.3)


def test_an_evolution_is_a_function_of_its_seed_and_never_worse_than_its_start():
    config = HeadEvolutionConfig(
        profile="surge", generations=2, imitation_generations=1, population=4, trials=1
    )
    (network, progress), (again, _) = evolve_head(config), evolve_head(config)
    for name, array in network.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])
    assert progress.best_loss <= progress.selection[0][1]
    assert len(progress.losses) == 2


def test_evolve_writes_a_heads_weights_manifest_and_card(tmp_path, monkeypatch):
    monkeypatch.setattr(head_training, "_HELD_OUT_TRIALS", 2)
    output = tmp_path / "head.safetensors"
    words = ["evolve", "blimp_control", "--profile", "surge", "--generations", "1"]
    words += ["--population", "4", "--output", str(output)]
    assert main(words) == 0
    network, manifest = weights.load(output, "surge")
    assert network.cells == 64
    assert manifest.scores["trials"] == 2.0
    assert manifest.training["command"] in output.with_suffix(".md").read_text()
    assert main([*words, "--resume"]) == 1


def test_a_head_is_no_profile_of_the_altitude_controller():
    with pytest.raises(ConfigurationError, match="'yaw'"):
        BlimpController.from_config("yaw")
