"""The training loop: seeded, resumable at any step, and the same whether it was stopped or not."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from snn_ros.configuration import check, setting
from snn_ros.errors import SnnRosError
from snn_ros.learning.checkpoint import Run, load_checkpoint, save_checkpoint
from snn_ros.learning.curves import Log
from snn_ros.learning.schedule import one_cycle, one_cycle_momentum

Batch = TypeVar("Batch", contravariant=True)

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"


class TrainingError(SnnRosError):
    """Training went wrong, or cannot go on."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; AdamW on one cycle of learning rate and momentum."""

    steps: int = setting(dataclasses.MISSING, "batches in the whole run", minimum=1)
    batch_size: int = setting(4, "samples per step", minimum=1)
    learning_rate: float = setting(3e-3, "at the peak", minimum=0.0)
    weight_decay: float = setting(0.01, "decoupled, per step of full rate", minimum=0.0)
    warm_up: float = setting(0.4, "share of the run until the peak", minimum=0.0, maximum=1.0)
    gradient_norm: float = setting(10.0, "largest; gradients are scaled down to it", minimum=0.0)
    average_decay: float = setting(
        0.0, "of the moving average of parameters that is evaluated; 0: none",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    checkpoint_every: int = setting(100, "steps", minimum=1)
    evaluate_every: int = setting(1000, "steps; also after the last", minimum=1)
    seed: int = setting(1, "of everything drawn", minimum=0)


class Task(Protocol[Batch]):
    """What is learned.

    Attributes:
        model: the network; its buffers are trained state, too.
    """

    model: nn.Module

    def loss(self, batch: Batch) -> tuple[Tensor, Mapping[str, float]]:
        """The loss of a batch, and figures for the log."""

    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """Scores of a network (``model`` or its average) on what it never trains on."""


def train(
    task: Task[Batch],
    batches: Callable[[int], Iterable[Batch]],
    config: TrainingConfig,
    folder: Path,
    watch: Callable[[int, Mapping[str, float]], None] = lambda _step, _figures: None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Train to the end, from the folder's checkpoint if there is one.

    Ctrl-C or a kill loses the steps since the last checkpoint, and nothing else: they are done
    again with the same outcome.

    Args:
        task: what is learned.
        batches: the batches from a step on; those of a step are always the same, e.g. by
            ``StepSampler``.
        config: how.
        folder: of checkpoint and log.
        watch: called after each step with the next step and the figures of this one.
        settings: what else makes another run, e.g. of the data; kept in the checkpoint.

    Returns:
        The network that is to be used: the average if there is one.

    Raises:
        ConfigurationError: a value is out of bounds.
        CheckpointError: the checkpoint belongs to another run.
        TrainingError: the loss is not finite, or the batches ended early.
    """
    check(config)
    torch.manual_seed(config.seed)
    averaged = copy.deepcopy(task.model) if config.average_decay else None
    run = Run(task.model, _optimiser(task.model, config), averaged)
    identity = dataclasses.asdict(config) | dict(settings or {})
    checkpoint, step = folder / CHECKPOINT, 0
    if checkpoint.exists():
        step = load_checkpoint(checkpoint, run, identity)
    final = run.average or task.model
    with Log(folder / LOG, step) as log:
        for batch in batches(step) if step < config.steps else ():
            began = time.perf_counter()
            figures = dict(_step(task, batch, run, step, config))
            step += 1
            done = step == config.steps
            if done or step % config.evaluate_every == 0:
                figures |= {f"evaluation.{k}": v for k, v in _evaluated(task, final).items()}
            log.add(step, figures | {"seconds": time.perf_counter() - began})
            if done or step % config.checkpoint_every == 0:
                save_checkpoint(checkpoint, run, step, identity)
            watch(step, figures)
            if done:
                break
    if step < config.steps:
        raise TrainingError(f"batches ended after step {step} of {config.steps}")
    return final


def _optimiser(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW; what has one dimension (biases, normalisation) does not decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=1.0)


def _step(
    task: Task[Batch], batch: Batch, run: Run, step: int, config: TrainingConfig
) -> dict[str, float]:
    rate = config.learning_rate * one_cycle(step, config.steps, warm_up=config.warm_up)
    momentum = one_cycle_momentum(step, config.steps, warm_up=config.warm_up)
    for group in run.optimiser.param_groups:
        group["lr"], group["betas"] = rate, (momentum, 0.99)
    task.model.train()
    run.optimiser.zero_grad(set_to_none=True)
    loss, figures = task.loss(batch)
    if not torch.isfinite(loss):
        raise TrainingError(f"loss = {loss.item()} at step {step}")
    loss.backward()
    norm = nn.utils.clip_grad_norm_(task.model.parameters(), config.gradient_norm)
    run.optimiser.step()
    if run.average is not None:
        _average(run.average, task.model, config.average_decay)
    return {"loss": loss.item(), "rate": rate, "gradient_norm": float(norm), **figures}


@torch.no_grad()
def _average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the average towards the network; statistics of normalisation are taken over."""
    for mean, value in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(value, 1.0 - decay)
    for statistic, newest in zip(average.buffers(), model.buffers(), strict=True):
        statistic.copy_(newest)


def _evaluated(task: Task[Any], model: nn.Module) -> Mapping[str, float]:
    """Scores, without a trace in the run: what is drawn afterwards is the same without it."""
    state, training = torch.get_rng_state(), model.training
    model.eval()
    with torch.no_grad():
        scores = task.evaluate(model)
    model.train(training)
    torch.set_rng_state(state)
    return scores
