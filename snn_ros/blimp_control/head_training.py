"""Evolution of a spiking head with CMA-ES: imitation of its PD, then closed loop.

Phase 1 compares short means of the command with the PD's on the errors of the PD's own flights.
Phase 2 flies: error over the PD's in the same trial, with imitation, roughness and spikes as minor
terms. Every flight runs the network that flies on the blimp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cma
import numpy as np

from snn_ros.blimp_control.genome import Gene, Genome, mirror, share
from snn_ros.blimp_control.head_flight import AxisFlight, Trial, draw_trials, fly_axis
from snn_ros.blimp_control.heads import AXES, Axis, Head
from snn_ros.blimp_control.parameters import FloatArray, NetworkParameters
from snn_ros.blimp_control.training import HELD_OUT, SEARCH, SELECTION, TRAINING, Progress, stream
from snn_ros.configuration import check, setting

PAIRS = 16
FINE = 6  # pairs that code linearly around zero; the others set in one after the other
_SELECTION_EVERY = 10  # generations
_SELECTION_TRIALS, _HELD_OUT_TRIALS = 16, 64
_FIXED_SEED = 20230913  # of the selection and the held-out trials, whatever the run's seed
_LIKENESS, _ROUGHNESS, _SPIKES = 0.3, 0.1, 0.2  # per u, per u and tick, per spike, cell and tick
_MEAN_TICKS = 5  # of commands that are compared; single ticks of spiking networks say little


@dataclass(frozen=True)
class HeadEvolutionConfig:
    """One run."""

    profile: str = setting("yaw", "which head", choices=tuple(AXES))
    generations: int = setting(200, "of both phases together", minimum=1)
    imitation_generations: int = setting(60, "length of phase 1", minimum=0)
    population: int = setting(20, "candidates per generation", minimum=4, maximum=10000)
    seed: int = setting(1, "of search and trials", minimum=0)
    sigma: float = setting(
        0.02, "initial step in the unit cube of the genes", minimum=1e-6, maximum=1.0
    )
    trials: int = setting(5, "flights per candidate and generation", minimum=1)


@dataclass(frozen=True)
class HeadScores:
    """A head beside its PD on the same trials; (Q,) errors in rad or m/s.

    Attributes:
        rmse: of the network.
        pd_rmse: of the PD.
    """

    rmse: FloatArray
    pd_rmse: FloatArray

    def figures(self) -> dict[str, float]:
        """Means, and the ratio trial by trial."""
        ratio = self.rmse / self.pd_rmse
        return {
            "trials": float(ratio.size),
            "rmse": float(self.rmse.mean()),
            "pd_rmse": float(self.pd_rmse.mean()),
            "rmse_ratio_median": float(np.median(ratio)),
            "rmse_ratio_worst": float(ratio.max()),
        }


def head_genome(axis: Axis) -> Genome:
    """The search space of a head; its start codes the PD's line with fine and staged pairs."""
    staged = PAIRS - FINE
    brake = axis.derivative / axis.proportional
    error_weight = np.full(PAIRS, 3.0)
    level = 0.12 + 0.1 * np.arange(staged)  # network units, where each staged pair sets in
    leak = np.repeat([0.02, 0.3], [FINE, staged])
    bias = np.concatenate([np.linspace(0.4, 0.5, FINE), 0.3 - 3.0 * level])
    readout = np.repeat([axis.proportional / 6.0 / FINE, 0.1 * axis.proportional], [FINE, staged])
    one = np.ones(PAIRS)
    genes = [
        Gene("error_weight", 0.0, 8.0, error_weight),
        Gene("bias", -4.0, 1.0, bias),
        Gene("encoder_leak", 1e-3, 1.0, leak, True),
        Gene("own", -2.0, 2.0, 1.1 * one),
        Gene("cross", -2.0, 2.0, -0.4 * one),
        Gene("synapse_decay", 0.0, 0.95, 0.01 * one),
        Gene("membrane_decay", 0.0, 0.98, 0.1 * one),
        Gene("readout", -2.0, 2.0, readout),
        Gene("readout_decay", 0.0, 0.9, np.array([0.3])),
    ]
    if brake > 0.0:
        genes.append(Gene("rate_weight", -2.0, 16.0, brake * error_weight))
    return Genome(axis.name, tuple(genes))


def head_network(genome: Genome, vector: FloatArray) -> NetworkParameters:
    """The network of a vector of genes in [0, 1]."""
    g = genome.values(vector)
    cells = 2 * PAIRS
    zeros = np.zeros(cells)
    return NetworkParameters(
        encoder_error_weight=mirror(g["error_weight"]),
        encoder_rate_weight=mirror(g.get("rate_weight", np.zeros(PAIRS))),
        encoder_bias=share(g["bias"]),
        encoder_decay=1.0 - share(g["encoder_leak"]),
        encoder_threshold=np.ones(cells),
        source=np.arange(cells),
        own_weight=share(g["own"]),
        cross_weight=share(g["cross"]),
        synapse_decay=share(g["synapse_decay"]),
        membrane_decay=share(g["membrane_decay"]),
        threshold=0.5 * np.ones(cells),
        trace_own_weight=zeros,
        trace_cross_weight=zeros,
        trace_decay=zeros,
        readout_weight=mirror(g["readout"]),
        readout_decay=np.array([g["readout_decay"][0], 0.0]),
        fast=cells,
    )


def evolve_head(
    config: HeadEvolutionConfig, report: Callable[[Progress], None] = lambda _: None
) -> tuple[NetworkParameters, Progress]:
    """Run a whole evolution; a function of its configuration alone.

    Args:
        config: of the run.
        report: called after each generation.

    Returns:
        The best network on the selection trials, and how it was found.
    """
    config = check(config)
    axis = AXES[config.profile]
    genome = head_genome(axis)
    selection = draw_trials(axis, stream(_FIXED_SEED, SELECTION), _SELECTION_TRIALS)
    random = stream(config.seed, SEARCH)
    search = cma.CMAEvolutionStrategy(
        genome.start(),
        config.sigma,
        {
            "bounds": [0.0, 1.0],
            "popsize": config.population,
            "randn": lambda *size: random.standard_normal(size),
            "seed": np.nan,
            "verbose": -9,
            "maxiter": np.inf,
            "tolflatfitness": np.inf,
        },
    )
    progress = Progress(0, [], [], genome.start(), np.inf)

    def select(vector: FloatArray) -> None:
        loss = flight_loss(axis, head_network(genome, vector), selection, _fly_pd(axis, selection))
        progress.selection.append((progress.generation, loss))
        if loss < progress.best_loss:
            progress.best_loss, progress.best_vector = loss, np.array(vector)

    select(genome.start())
    while progress.generation < config.generations:
        trials = draw_trials(
            axis, stream(config.seed, TRAINING, progress.generation), config.trials
        )
        loss = imitation_loss if progress.generation < config.imitation_generations else flight_loss
        flown = _fly_pd(axis, trials)
        vectors = search.ask()
        losses = np.array([loss(axis, head_network(genome, v), trials, flown) for v in vectors])
        search.tell(vectors, losses.tolist())
        progress.losses.append(
            (float(losses.min()), float(np.median(losses)), float(losses.mean()))
        )
        progress.generation += 1
        if progress.generation % _SELECTION_EVERY == 0 or progress.generation == config.generations:
            select(np.asarray(search.result.xfavorite))
        report(progress)
    return head_network(genome, progress.best_vector), progress


def imitation_loss(
    axis: Axis, network: NetworkParameters, trials: Sequence[Trial], flown: Sequence[AxisFlight]
) -> float:
    """Mean distance in u of the network from the PD on the errors of the PD's flights."""
    del trials
    head = Head(axis, network)
    total = 0.0
    for flight in flown:
        head.reset()
        answers = [
            head.step(*inputs)
            for inputs in zip(flight.seen_error.tolist(), flight.seen_rate.tolist(), strict=True)
        ]
        total += _distance(np.array(answers), flight.u)
    return total / len(flown)


def flight_loss(
    axis: Axis, network: NetworkParameters, trials: Sequence[Trial], flown: Sequence[AxisFlight]
) -> float:
    """Error over the PD's, with imitation, roughness and spikes as minor terms."""
    head = Head(axis, network)
    total = 0.0
    for trial, reference in zip(trials, flown, strict=True):
        head.reset()
        flight = fly_axis(axis, head.step, trial)
        pd = np.array(
            [
                axis.command(*inputs)
                for inputs in zip(
                    flight.seen_error.tolist(), flight.seen_rate.tolist(), strict=True
                )
            ]
        )
        total += flight.rmse / reference.rmse
        total += _LIKENESS * _distance(flight.u, pd)
        total += _ROUGHNESS * float(np.abs(np.diff(flight.u)).mean())
    encoder, hidden, ticks = head.network.take_counts()
    rate = float(encoder.sum() + hidden.sum()) / (ticks * network.cells)
    return total / len(trials) + _SPIKES * rate


def held_out_trials(axis: Axis) -> list[Trial]:
    """Fixed flights that neither search nor selection has seen."""
    return draw_trials(axis, stream(_FIXED_SEED, HELD_OUT), _HELD_OUT_TRIALS)


def head_scores(axis: Axis, network: NetworkParameters, trials: Sequence[Trial]) -> HeadScores:
    """Network and PD on the same trials."""
    head = Head(axis, network)
    rmse = []
    for trial in trials:
        head.reset()
        rmse.append(fly_axis(axis, head.step, trial).rmse)
    pd_rmse = [flight.rmse for flight in _fly_pd(axis, trials)]
    return HeadScores(np.array(rmse), np.array(pd_rmse))


def _fly_pd(axis: Axis, trials: Sequence[Trial]) -> list[AxisFlight]:
    return [fly_axis(axis, axis.command, trial) for trial in trials]


def _distance(u: FloatArray, wanted: FloatArray) -> float:
    """Mean difference in u between short means."""
    window = np.ones(_MEAN_TICKS) / _MEAN_TICKS
    return float(np.abs(np.convolve(u - wanted, window, "valid")).mean())
