"""Evolution: the genome, the fitness, and a run that stops and goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.blimp_control.evaluation import BALLAST
from snn_ros.blimp_control.fitness import (
    FitnessWeights,
    draw_trials,
    fitness,
    imitation_loss,
    integrator_loss,
    small_errors,
)
from snn_ros.blimp_control.genome import GENOMES
from snn_ros.blimp_control.parameters import BOUNDS, NetworkParameters
from snn_ros.blimp_control.simulator import pack
from snn_ros.blimp_control.training import (
    HELD_OUT,
    SELECTION,
    CheckpointError,
    Evolution,
    EvolutionConfig,
    held_out_domains,
    selection_trials,
    stream,
)
from snn_ros.configuration import ConfigurationError

TINY = EvolutionConfig(
    generations=4,
    imitation_generations=1,
    population=4,
    random_domains=2,
    calm_domains=1,
    selection_every=2,
)


def quietly(_progress):
    return None


@given(profile=st.sampled_from(sorted(GENOMES)), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_every_genome_decodes_to_a_valid_mirror_symmetric_network(profile, seed):
    genome = GENOMES[profile]()
    network = genome.decode(np.random.default_rng(seed).uniform(-0.2, 1.2, genome.size))
    assert isinstance(network, NetworkParameters)  # built, hence within BOUNDS
    mirrored = network.mirrored()
    for name in ("encoder_error_weight", "readout_weight"):
        assert (getattr(mirrored, name) == -getattr(network, name)).all()
    assert (mirrored.own_weight == network.own_weight).all()


def test_the_paper_profile_stays_within_the_published_bounds_where_it_says_so():
    genome = GENOMES["paper"]()
    published = {"encoder_error_weight": 2.0, "encoder_bias": 1.0, "trace_own_weight": 1.0}
    for corner in (np.zeros(genome.size), np.ones(genome.size)):
        network = genome.decode(corner)
        assert not network.encoder_rate_weight.any()
        for name, bound in published.items():
            assert np.abs(getattr(network, name)).max() <= bound
        assert network.readout_decay[1] <= 0.3  # integration must happen in the slow cells
        assert np.abs(network.readout_weight[network.fast :]).max() <= 1.0
    assert BOUNDS["own_weight"] == (-2.0, 2.0)


def test_a_start_vector_decodes_to_itself():
    for make in GENOMES.values():
        genome = make()
        start = genome.start()
        assert ((start >= 0.0) & (start <= 1.0)).all()
        assert genome.size == start.size


def latch(network: NetworkParameters) -> NetworkParameters:
    """An I term that jumps to one value and stays there, whatever the error."""
    return _with_traces(network, 40.0)


def leaky(network: NetworkParameters) -> NetworkParameters:
    return _with_traces(network, 1.0, decay=0.98)


def _with_traces(network, factor, decay=None):
    return replace(
        network,
        trace_own_weight=np.clip(factor * network.trace_own_weight, -1.0, 1.0),
        trace_cross_weight=np.clip(factor * network.trace_cross_weight, -1.0, 1.0),
        trace_decay=network.trace_decay if decay is None else network.trace_decay * decay,
    )


def test_a_latch_and_a_leak_are_no_integrator(start_network):
    losses = integrator_loss(pack([start_network, latch(start_network), leaky(start_network)]))
    assert losses[0] < 1.0
    assert losses[1] > 5.0 * losses[0]
    assert losses[2] > 5.0 * losses[0]


def test_imitation_prefers_the_start_to_silence(start_network):
    silent = replace(start_network, readout_weight=0.0 * start_network.readout_weight)
    losses = imitation_loss(
        pack([start_network, silent]), small_errors(np.random.default_rng(0), 4, 600)
    )
    assert losses[0] < 0.5 * losses[1]


def test_fitness_does_not_depend_on_the_company(start_network):
    genome = GENOMES["edge"]()
    other = genome.decode(np.clip(genome.start() + 0.02, 0.0, 1.0))
    trials = draw_trials(np.random.default_rng(3), 2, 1)
    together = fitness(pack([start_network, other]), trials, FitnessWeights())
    alone = fitness(pack([other]), trials, FitnessWeights())
    assert together[1] == alone[0]


def test_a_resumed_run_is_the_run_that_never_stopped(tmp_path):
    whole = Evolution(TINY, tmp_path / "whole").run(quietly)
    first = EvolutionConfig(**(vars(TINY) | {"generations": 2}))
    Evolution(first, tmp_path / "parts").run(quietly)
    resumed = Evolution(TINY, tmp_path / "parts", resume=True)
    assert resumed.progress.generation == 2
    parts = resumed.run(quietly)
    assert parts.losses == whole.losses
    assert parts.selection == whole.selection
    assert (parts.best_vector == whole.best_vector).all()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    Evolution(TINY, tmp_path).run(quietly)
    other = EvolutionConfig(**(vars(TINY) | {"seed": 9}))
    with pytest.raises(CheckpointError, match="seed was 1, is 9"):
        Evolution(other, tmp_path, resume=True)
    (tmp_path / "losses.npz").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="losses.npz: cannot be read"):
        Evolution(TINY, tmp_path, resume=True)
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match="state.json: cannot be read"):
        Evolution(TINY, tmp_path, resume=True)


def test_nothing_to_resume_is_said(tmp_path):
    with pytest.raises(CheckpointError, match="state.json"):
        Evolution(TINY, tmp_path / "absent", resume=True)


def test_checkpoints_hold_no_pickle(tmp_path):
    Evolution(TINY, tmp_path).run(quietly)
    assert json.loads((tmp_path / "state.json").read_text())["generation"] == 4
    with np.load(tmp_path / "losses.npz", allow_pickle=False) as history:
        assert history["losses"].shape == (4, 4)


def test_held_out_domains_are_fixed_and_of_their_own_stream():
    one, two = held_out_domains(4, 20.0), held_out_domains(4, 20.0)
    assert (one.plants == two.plants).all()
    selection = selection_trials().random
    assert not np.isin(one.plants[:, 0], selection.plants[:, 0]).any()
    assert stream(1, HELD_OUT).random() != stream(1, SELECTION).random()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"population": 2}, "population = 2"),
        ({"profile": "x"}, "profile = 'x'"),
        ({"sigma": 0.0}, "sigma"),
    ],
)
def test_wrong_settings_are_named(changes, text):
    with pytest.raises(ConfigurationError, match=text):
        Evolution(EvolutionConfig(**(vars(TINY) | changes)))


def test_ballast_of_the_criterion():
    assert BALLAST == (0.0, 2.0, -2.0, 4.5, -4.5)
