"""Evolve the spiking networks of a system and write their weights.

The run is a function of its seed. It keeps a checkpoint, from which --resume goes on, and draws
its progress into the checkpoint's folder.

Profiles of blimp_control are edge and paper (altitude), yaw and surge. The last two take minutes
and keep no checkpoint.

Example:
  snn-ros evolve blimp_control --profile edge --generations 1000 --seed 1
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from snn_ros.errors import SnnRosError

if TYPE_CHECKING:
    from snn_ros.blimp_control.training import Evolution, EvolutionConfig, Progress


class UnsupportedOption(SnnRosError):
    """An option that the chosen profile does not have."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("system", choices=sorted(SYSTEMS))
    parser.add_argument("--profile", default="edge", help="which network (default: edge)")
    parser.add_argument("--generations", type=int, default=1000, help="default: 1000")
    parser.add_argument("--population", type=int, default=48, help="default: 48")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="default: build/evolve/SYSTEM_PROFILE"
    )
    parser.add_argument(
        "--quantised", action="store_true", help="round every candidate to integer arithmetic"
    )
    parser.add_argument("--sigma", type=float, default=0.02, help="first step, default: 0.02")
    parser.add_argument(
        "--variant",
        default="",
        metavar="PD+I",
        help="published hidden layers, each lif, r_lif, iwta or r_iwta, with the published genome; "
        "profile paper only, and --sigma 0.002 suits it",
    )
    parser.add_argument("--recurrence", default="blocks", help="blocks (default) or full")
    parser.add_argument("--bounds", default="paper", help="of a variant: paper (default) or code")
    parser.add_argument(
        "--sub-ticks", type=int, default=1, help="network ticks per 0.1 s (default: 1)"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: weights/SYSTEM_PROFILE.safetensors"
    )


def run(arguments: argparse.Namespace) -> int:
    """Evolve, then write weights, manifest and model card."""
    SYSTEMS[arguments.system](arguments)
    return 0


def _blimp_control(arguments: argparse.Namespace) -> None:
    from snn_ros.blimp_control.heads import AXES

    if arguments.profile in AXES:
        _blimp_head(arguments)
    else:
        _blimp_altitude(arguments)


def _blimp_head(arguments: argparse.Namespace) -> None:
    from snn_ros.blimp_control import head_training, weights
    from snn_ros.blimp_control.head_flight import PLANTS
    from snn_ros.blimp_control.head_training import HeadEvolutionConfig
    from snn_ros.blimp_control.heads import AXES
    from snn_ros.blimp_control.model_card import head_card

    unsupported = ("checkpoint", "resume", "quantised", "variant")
    if any(getattr(arguments, name) for name in unsupported) or arguments.sub_ticks != 1:
        raise UnsupportedOption(
            f"--profile {arguments.profile}: takes no --checkpoint, --resume, --quantised, "
            "--variant or --sub-ticks"
        )
    axis = AXES[arguments.profile]
    output = arguments.output or Path("weights") / f"blimp_control_{axis.name}.safetensors"
    config = HeadEvolutionConfig(
        profile=axis.name,
        generations=arguments.generations,
        population=arguments.population,
        seed=arguments.seed,
        sigma=arguments.sigma,
    )
    with tqdm(total=config.generations, unit="gen", disable=None) as bar:

        def report(progress: Progress) -> None:
            bar.update()
            bar.set_postfix(selection=f"{progress.best_loss:.3f}")

        network, progress = head_training.evolve_head(config, report)
    found = head_training.head_scores(axis, network, head_training.held_out_trials(axis))
    scores = found.figures()
    command = (
        f"snn-ros evolve blimp_control --profile {axis.name} --generations "
        f"{config.generations} --population {config.population} --seed {config.seed}"
        + f" --sigma {config.sigma:g}"
        * (config.sigma != HeadEvolutionConfig.sigma)
    )
    training = {"command": command, **vars(config), "plant": PLANTS[axis.name]._asdict()}
    weights.save(output, network, axis.name, training, scores)
    card = head_card(output.stem, axis, network.cells, progress, command, scores)
    output.with_suffix(".md").write_text(card)
    print(f"weights {output}, selection loss {progress.best_loss:.3f}")
    print("\n".join(f"{key:24} {value:.3f}" for key, value in scores.items()))


def _blimp_altitude(arguments: argparse.Namespace) -> None:
    from snn_ros.blimp_control import weights
    from snn_ros.blimp_control.evaluation import domain_scores
    from snn_ros.blimp_control.model_card import fitness_curve, model_card
    from snn_ros.blimp_control.plant import PLANTS
    from snn_ros.blimp_control.training import Evolution, EvolutionConfig, held_out_domains

    variant = f"_{arguments.variant.replace('+', '_')}" if arguments.variant else ""
    name = f"blimp_control_{arguments.profile}{variant}"
    folder = arguments.checkpoint or Path("build/evolve") / name
    output = arguments.output or Path("weights") / f"{name}.safetensors"
    config = EvolutionConfig(
        profile=arguments.profile,
        generations=arguments.generations,
        population=arguments.population,
        seed=arguments.seed,
        sigma=arguments.sigma,
        quantised=arguments.quantised,
        variant=arguments.variant,
        recurrence=arguments.recurrence,
        bounds=arguments.bounds,
        sub_ticks=arguments.sub_ticks,
    )
    evolution = Evolution(config, folder, resume=arguments.resume)
    _run_with_bar(evolution, config.generations)
    progress = evolution.progress
    network = evolution.network(progress.best_vector)
    scores = domain_scores(network, held_out_domains()).figures()
    command = _command(config)
    plants = {plant: parameters._asdict() for plant, parameters in PLANTS.items()}
    training = {"command": command, **vars(config), "plants": plants}
    weights.save(output, network, config.profile, training, scores)
    card = model_card(output.stem, config, progress, command, scores)
    output.with_suffix(".md").write_text(card)
    curve = folder / "fitness.png"
    fitness_curve(progress, config.imitation_generations, curve)
    print(f"weights {output}, curve {curve}, selection loss {progress.best_loss:.3f}")
    print("\n".join(f"{key:24} {value:.3f}" for key, value in scores.items()))


def _command(config: EvolutionConfig) -> str:
    """The command that makes a run again; options that most runs leave alone only where set."""
    usual = type(config)()
    always = ("profile", "generations", "population", "seed")
    seldom = ("sigma", "variant", "recurrence", "bounds", "sub_ticks")
    names = [*always, *(n for n in seldom if getattr(config, n) != getattr(usual, n))]
    options = "".join(f" --{n.replace('_', '-')} {getattr(config, n)}" for n in names)
    return "snn-ros evolve blimp_control" + options + " --quantised" * config.quantised


def _run_with_bar(evolution: Evolution, generations: int) -> None:
    done = evolution.progress.generation
    with tqdm(total=generations, initial=done, unit="gen", disable=None) as bar:

        def report(progress: Progress) -> None:
            bar.update()
            bar.set_postfix(selection=f"{progress.best_loss:.3f}")

        evolution.run(report)


SYSTEMS: dict[str, Callable[[argparse.Namespace], None]] = {"blimp_control": _blimp_control}
