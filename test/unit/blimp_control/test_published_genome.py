"""The published genome: its length, its bounds, its sharing of weights, and a short run."""

import numpy as np
import pytest

from snn_ros.blimp_control.fitness import integrator_loss
from snn_ros.blimp_control.genome import GENOMES
from snn_ros.blimp_control.parameters import BOUNDS
from snn_ros.blimp_control.published_genome import CELLS, published_genome
from snn_ros.blimp_control.simulator import pack
from snn_ros.blimp_control.training import Evolution, EvolutionConfig, genome_of
from snn_ros.cli import main
from snn_ros.configuration import ConfigurationError


def length(genome, head):
    return sum(gene.start.size for gene in genome.genes if gene.name.startswith(f"{head}."))


@pytest.mark.parametrize(
    ("hidden_layer", "recurrence", "genes"),
    [
        ("lif", "blocks", 301),
        ("iwta", "blocks", 421),
        ("r_lif", "blocks", 301 + 80),
        ("r_iwta", "blocks", 501),
        ("r_lif", "full", 301 + 1600),
        ("r_iwta", "full", 421 + 1600),
    ],
)
def test_genomes_have_the_published_length(hidden_layer, recurrence, genes):
    genome = published_genome(f"{hidden_layer}+{hidden_layer}", recurrence)
    assert (length(genome, "pd"), length(genome, "i")) == (genes, genes)
    assert genome.size == 2 * genes


def test_the_chosen_pair_is_lif_and_iwta():
    assert published_genome("lif+iwta").size == 301 + 421


@pytest.mark.parametrize("recurrence", ["blocks", "full"])
@pytest.mark.parametrize(
    ("bounds", "recurrent", "error_weight", "least_threshold"),
    [("paper", 1.0, 2.0, 0.05), ("code", 0.2, 1.5, 0.8)],
)
def test_corners_of_the_search_are_the_published_bounds(
    recurrence, bounds, recurrent, error_weight, least_threshold
):
    genome = published_genome("r_lif+r_iwta", recurrence, bounds)
    low, high = (genome.decode(np.full(genome.size, unit)) for unit in (0.0, 1.0))
    assert (low.recurrent_weight.min(), high.recurrent_weight.max()) == (-recurrent, recurrent)
    assert np.abs(high.encoder_error_weight).max() == error_weight
    assert low.threshold[:CELLS].min() == pytest.approx(least_threshold)
    assert np.abs(low.readout_weight).max() == 1.0
    assert BOUNDS["recurrent_weight"] == (-1.0, 1.0)


def test_the_i_readout_of_the_paper_cannot_integrate():
    genome = published_genome("lif+iwta")
    slowest = genome.decode(np.zeros(genome.size)).readout_decay  # a gene of 0 is the least leak
    assert slowest[1] == pytest.approx(0.3)
    assert slowest[0] > 0.9999


def test_encoder_and_readout_mirror_and_networks_stay_apart():
    genome = published_genome("r_iwta+r_iwta", "full")
    network = genome.decode(np.random.default_rng(0).uniform(size=genome.size))
    mirrored = network.mirrored()
    for name in ("encoder_error_weight", "readout_weight"):
        assert (getattr(mirrored, name) == -getattr(network, name)).all()
    for name in ("encoder_bias", "encoder_decay", "encoder_threshold"):
        assert (getattr(mirrored, name) == getattr(network, name)).all()
    assert (mirrored.own_weight != network.own_weight).all()  # hidden cells are free
    assert not network.recurrent_weight[:CELLS, CELLS:].any()
    assert not network.recurrent_weight[CELLS:, :CELLS].any()


def test_the_start_is_the_constructive_network_as_far_as_the_bounds_let_it():
    constructive = GENOMES["paper"]()
    wanted = constructive.decode(constructive.start())
    genome = published_genome("r_lif+r_iwta")
    start = genome.decode(genome.start())
    for name, array in wanted.arrays().items():
        if name != "readout_weight":
            np.testing.assert_allclose(getattr(start, name), array, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(start.readout_weight, np.clip(wanted.readout_weight, -1.0, 1.0))
    assert not start.recurrent_weight.any()
    assert integrator_loss(pack([start]))[0] < 1.0


@pytest.mark.parametrize("profile", sorted(GENOMES))
@pytest.mark.parametrize("sub_ticks", [2, 5])
def test_the_start_still_integrates_in_sub_ticks(profile, sub_ticks):
    genome = genome_of(EvolutionConfig(profile=profile, sub_ticks=sub_ticks))
    network = genome.decode(genome.start())
    assert network.sub_ticks == sub_ticks
    assert integrator_loss(pack([network]))[0] < 1.0


def test_a_variant_learns_to_imitate(tmp_path):
    config = EvolutionConfig(
        profile="paper", variant="r_lif+r_iwta", sub_ticks=2, sigma=0.002, generations=10,
        imitation_generations=10, population=12, random_domains=1, calm_domains=1,
        selection_every=10,
    )  # fmt: skip
    evolution = Evolution(config, tmp_path)
    median = [row[1] for row in evolution.run(lambda _: None).losses]
    assert np.mean(median[-3:]) < np.mean(median[:3])
    found = evolution.network(evolution._search.result.xfavorite)
    assert (found.variant, found.sub_ticks) == ("r_lif+r_iwta", 2)
    resumed = Evolution(config, tmp_path, resume=True)
    assert resumed.progress.losses == evolution.progress.losses


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"variant": "lif"}, "variant = 'lif'"),
        ({"variant": "lif+iwta"}, "variant = 'lif\\+iwta': profile must be 'paper', is 'edge'"),
        ({"recurrence": "none"}, "recurrence = 'none'"),
        ({"bounds": "mine"}, "bounds = 'mine'"),
        ({"sub_ticks": 0}, "sub_ticks = 0: must be at least 1"),
    ],
)
def test_wrong_settings_are_named(changes, text):
    with pytest.raises(ConfigurationError, match=text):
        Evolution(EvolutionConfig(**changes))


def test_the_command_refuses_what_does_not_fit(capsys):
    words = ["evolve", "blimp_control", "--variant", "r_lif+iwta"]
    assert main(words) == 1
    assert "profile must be 'paper', is 'edge'" in capsys.readouterr().err
    assert main(["evolve", "blimp_control", "--sub-ticks", "0"]) == 1
    assert "sub_ticks = 0" in capsys.readouterr().err
