"""Evolution of the spiking controllers with CMA-ES.

Phase 1 imitates the PID in open loop, phase 2 flies random worlds in closed loop. The trials of a
generation are the same for all its candidates and new in the next one. Now and then the mean of
the search is scored on a fixed selection set; the best of those is the result. The held-out set
that scores the result is drawn from another stream and never looked at here.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cma
import numpy as np

from snn_ros.blimp_control.domains import Domains, random_domains
from snn_ros.blimp_control.fitness import (
    IMITATION_PHASE,
    FitnessWeights,
    Trials,
    draw_trials,
    fitness,
)
from snn_ros.blimp_control.fixed_point import quantised
from snn_ros.blimp_control.genome import GENOMES, Genome
from snn_ros.blimp_control.parameters import (
    BLOCKS,
    FULL,
    MAX_SUB_TICKS,
    FloatArray,
    NetworkParameters,
)
from snn_ros.blimp_control.published_genome import (
    CODE_BOUNDS,
    PAPER_BOUNDS,
    VARIANTS,
    published_genome,
)
from snn_ros.blimp_control.simulator import pack
from snn_ros.configuration import ConfigurationError, check, setting
from snn_ros.errors import SnnRosError

TRAINING, SEARCH, SELECTION, HELD_OUT = range(4)  # independent random streams
_FULL_COVARIANCE = 500  # genes; beyond, only the diagonal of the covariance is learnt
_FIXED_SEED = 20230912  # of the selection and the held-out set, whatever the run's seed


class CheckpointError(SnnRosError):
    """A checkpoint is missing, damaged or of another run."""


@dataclass(frozen=True)
class EvolutionConfig:
    """One evolution run."""

    profile: str = setting("edge", "which network", choices=tuple(GENOMES))
    generations: int = setting(1000, "of both phases together", minimum=1)
    imitation_generations: int = setting(60, "length of phase 1", minimum=0)
    population: int = setting(48, "candidates per generation", minimum=4, maximum=10000)
    seed: int = setting(1, "of search and trials", minimum=0)
    sigma: float = setting(
        0.02, "initial step in the unit cube of the genes", minimum=1e-6, maximum=1.0
    )
    random_domains: int = setting(24, "randomised worlds per generation", minimum=1)
    calm_domains: int = setting(4, "calm worlds per plant and generation", minimum=1)
    quantised: bool = setting(False, "round every candidate to what integers can hold")
    selection_every: int = setting(20, "generations between two selections", minimum=1)
    variant: str = setting(
        "",
        "published hidden layers of the PD and the I network; empty: the profile's own genome",
        choices=("", *VARIANTS),
    )
    recurrence: str = setting(BLOCKS, "wiring of recurrent variants", choices=(BLOCKS, FULL))
    bounds: str = setting(PAPER_BOUNDS, "of a variant", choices=(PAPER_BOUNDS, CODE_BOUNDS))
    sub_ticks: int = setting(
        1, "ticks of the network per tick of 0.1 s", minimum=1, maximum=MAX_SUB_TICKS
    )


@dataclass
class Progress:
    """State of a run between two generations.

    Attributes:
        generation: number of finished generations.
        losses: (generation, 3) best, median and mean loss of each generation.
        selection: rows of generation and loss on the selection set.
        best_vector: genes of the best selection so far.
        best_loss: its loss on the selection set.
    """

    generation: int
    losses: list[tuple[float, float, float]]
    selection: list[tuple[int, float]]
    best_vector: FloatArray
    best_loss: float


def genome_of(config: EvolutionConfig) -> Genome:
    """The search space of a run.

    Raises:
        ConfigurationError: the profile has no variants.
    """
    if not config.variant:
        return replace(GENOMES[config.profile](), sub_ticks=config.sub_ticks)
    if config.profile != "paper":
        problem = f"variant = {config.variant!r}: profile must be 'paper', is {config.profile!r}"
        raise ConfigurationError("EvolutionConfig", [problem])
    return published_genome(config.variant, config.recurrence, config.bounds, config.sub_ticks)


def stream(seed: int, purpose: int, generation: int = 0) -> np.random.Generator:
    """The generator of one purpose; streams never overlap."""
    return np.random.default_rng([seed, purpose, generation])


def held_out_domains(count: int = 512, duration: float = 200.0) -> Domains:
    """The fixed domains that no search and no selection has seen."""
    return random_domains(stream(_FIXED_SEED, HELD_OUT), count, duration)


def selection_trials() -> Trials:
    """The fixed trials on which results are compared during a run."""
    return draw_trials(stream(_FIXED_SEED, SELECTION), 192, 8)


class Evolution:
    """One CMA-ES run that can stop and go on.

    Args:
        config: of the run.
        folder: where checkpoints go; None keeps none.
        resume: go on from the checkpoint in ``folder``.

    Raises:
        CheckpointError: there is nothing to resume from, or it belongs to another run.
    """

    def __init__(
        self, config: EvolutionConfig, folder: Path | None = None, *, resume: bool = False
    ) -> None:
        self.config = check(config)
        self.genome = genome_of(config)
        self.folder = folder
        self._selection = selection_trials()
        self._history: list[FloatArray] = []  # losses of every generation
        self._random = stream(config.seed, SEARCH)
        self._search = cma.CMAEvolutionStrategy(
            self.genome.start(),
            config.sigma,
            {
                "bounds": [0.0, 1.0],
                "popsize": config.population,
                "randn": lambda *size: self._random.standard_normal(size),
                "seed": np.nan,
                "verbose": -9,
                "maxiter": np.inf,
                "tolflatfitness": np.inf,
                "CMA_mirrors": 0,
                "CMA_diagonal": self.genome.size > _FULL_COVARIANCE,
            },
        )
        start = self.genome.start()
        self.progress = Progress(0, [], [], start, np.inf)
        if resume:
            self._restore()
        else:
            self._select(start)

    def run(self, report: Callable[[Progress], None]) -> Progress:
        """Run to the last generation; ``report`` is called after each one."""
        while self.progress.generation < self.config.generations:
            self.step()
            report(self.progress)
        return self.progress

    def step(self) -> None:
        """One generation."""
        config, generation = self.config, self.progress.generation
        vectors = self._ask(generation)
        trials = draw_trials(
            stream(config.seed, TRAINING, generation),
            config.random_domains,
            config.calm_domains,
            sluggish=config.random_domains // 3,
        )
        imitating = generation < config.imitation_generations
        weights = IMITATION_PHASE if imitating else FitnessWeights()
        losses = fitness(pack([self.network(v) for v in vectors]), trials, weights)
        losses = np.where(np.isfinite(losses), losses, 1e9)
        self._search.tell(list(vectors), list(losses))
        self.progress.losses.append(
            (float(losses.min()), float(np.median(losses)), float(losses.mean()))
        )
        self.progress.generation = generation + 1
        self._history.append(losses)
        last = self.progress.generation == config.generations
        if last or self.progress.generation % config.selection_every == 0:
            self._select(np.asarray(self._search.result.xfavorite))
            self._save()

    def network(self, vector: FloatArray) -> NetworkParameters:
        """The network of a vector of genes, as this run flies it."""
        network = self.genome.decode(vector)
        return quantised(network) if self.config.quantised else network

    def _select(self, vector: FloatArray) -> None:
        network = pack([self.network(vector)])
        loss = float(fitness(network, self._selection, FitnessWeights())[0])
        self.progress.selection.append((self.progress.generation, loss))
        if loss < self.progress.best_loss:
            self.progress.best_loss = loss
            self.progress.best_vector = np.array(vector)

    def _ask(self, generation: int) -> FloatArray:
        """Candidates of a generation, a function of the seed and of all losses before."""
        self._random = stream(self.config.seed, SEARCH, generation)
        return np.array(self._search.ask())

    def _save(self) -> None:
        """Write the losses so far; with the seed they determine the state of the search."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        np.savez(self.folder / "losses.npz", losses=np.array(self._history))
        state = asdict(self.progress) | {
            "best_vector": self.progress.best_vector.tolist(),
            "config": asdict(self.config),
        }
        temporary = self.folder / "state.json.new"
        temporary.write_text(json.dumps(state))
        temporary.replace(self.folder / "state.json")

    def _restore(self) -> None:
        """Ask and tell again what was asked and told, without flying."""
        if self.folder is None:
            raise CheckpointError("resume needs the folder of a checkpoint")
        state = self._read_state(self.folder / "state.json")
        file = self.folder / "losses.npz"
        try:
            with np.load(file) as history:
                self._history = list(history["losses"][: state["generation"]])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as err:
            raise CheckpointError(f"{file}: cannot be read: {err}") from err
        for generation, losses in enumerate(self._history):
            self._search.tell(list(self._ask(generation)), list(losses))
        self.progress = Progress(
            state["generation"],
            [tuple(row) for row in state["losses"]],
            [tuple(row) for row in state["selection"]],
            np.array(state["best_vector"]),
            state["best_loss"],
        )

    def _read_state(self, file: Path) -> dict[str, Any]:
        try:
            state = json.loads(file.read_text())
        except (OSError, ValueError) as err:
            raise CheckpointError(f"{file}: cannot be read: {err}") from err
        mine, theirs = asdict(self.config), asdict(EvolutionConfig()) | state["config"]
        different = [
            f"{name} was {theirs.get(name)!r}, is {value!r}"
            for name, value in mine.items()
            if name != "generations" and theirs.get(name) != value
        ]
        if different:
            raise CheckpointError(f"{file}: another run: " + "; ".join(different))
        return dict(state)
