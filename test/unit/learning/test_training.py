"""A run that was stopped and one that was not end in the same bits."""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from snn_ros.configuration import ConfigurationError
from snn_ros.learning.checkpoint import CheckpointError
from snn_ros.learning.curves import curves, read_log
from snn_ros.learning.loop import CHECKPOINT, LOG, TrainingConfig, TrainingError, train
from snn_ros.learning.order import StepSampler, batch_of
from snn_ros.learning.schedule import one_cycle, one_cycle_momentum

DATA = torch.linspace(-2.0, 2.0, 64)[:, None]
CONFIG = TrainingConfig(
    steps=40, batch_size=8, learning_rate=0.05, average_decay=0.9, checkpoint_every=5,
    evaluate_every=10,
)  # fmt: skip


class Stop(Exception):
    pass


class Parabola:
    """Learns x² with dropout and batch normalisation: both have state of their own."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(
            nn.Linear(1, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1)
        )

    def loss(self, batch: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        loss = nn.functional.mse_loss(self.model(batch), batch**2)
        return loss, {"samples": float(len(batch))}

    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        torch.rand(3)  # must not change the run
        return {"error": float(nn.functional.mse_loss(model(DATA), DATA**2))}


def batches(first: int) -> Iterator[Tensor]:
    for indices in StepSampler(first, CONFIG.steps, len(DATA), CONFIG.batch_size, CONFIG.seed):
        yield DATA[indices]


def trained(folder: Path, config: TrainingConfig = CONFIG) -> dict[str, Tensor]:
    return train(Parabola(), batches, config, folder).state_dict()


def stop_at(stop: int):
    def watch(step: int, _figures: Mapping[str, float]) -> None:
        if step == stop:
            raise Stop

    return watch


@pytest.mark.parametrize("stop", [3, 5, 17, 39])
def test_a_stopped_run_goes_on_exactly(tmp_path: Path, stop: int) -> None:
    whole = trained(tmp_path / "whole")
    with pytest.raises(Stop):
        train(Parabola(), batches, CONFIG, tmp_path / "stopped", stop_at(stop))
    torch.manual_seed(99)  # another process has other random numbers
    resumed = trained(tmp_path / "stopped")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    logs = [read_log(tmp_path / name / LOG) for name in ("whole", "stopped")]
    for one, other in zip(*logs, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_it_learns(tmp_path: Path) -> None:
    trained(tmp_path)
    log = read_log(tmp_path / LOG)
    assert [entry["step"] for entry in log] == list(range(1, 41))
    errors = [entry["evaluation.error"] for entry in log if "evaluation.error" in entry]
    assert len(errors) == 4
    assert errors[-1] < 0.5 * errors[0]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = trained(tmp_path)
    again = train(Parabola(), lambda _: pytest.fail("no more batches"), CONFIG, tmp_path)
    assert all(torch.equal(first[name], again.state_dict()[name]) for name in first)


def test_the_average_lags_behind(tmp_path: Path) -> None:
    task = Parabola()
    average = train(task, batches, CONFIG, tmp_path)
    pairs = zip(average.parameters(), task.model.parameters(), strict=True)
    assert any(not torch.equal(mean, value) for mean, value in pairs)


def test_another_run_is_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    other = TrainingConfig(**{**CONFIG.__dict__, "learning_rate": 0.1})
    with pytest.raises(CheckpointError, match=r"learning_rate = 0\.1, there 0\.05"):
        trained(tmp_path, other)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    task = Parabola()
    task.model = nn.Linear(1, 1)
    with pytest.raises(CheckpointError, match="does not fit this network"):
        train(task, batches, CONFIG, tmp_path)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    file = tmp_path / CHECKPOINT
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="no checkpoint of a training run"):
        trained(tmp_path)


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="loss = nan at step 0"):
        train(Parabola(), lambda _: iter([torch.full((4, 1), torch.nan)]), CONFIG, tmp_path)


def test_batches_that_end_early(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="after step 2 of 40"):
        train(Parabola(), lambda _: iter([DATA[:4], DATA[4:8]]), CONFIG, tmp_path)


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="batch_size = 0"):
        trained(tmp_path, TrainingConfig(steps=1, batch_size=0))


def test_curves_of_a_log_cut_short_by_a_kill(tmp_path: Path) -> None:
    trained(tmp_path)
    with (tmp_path / LOG).open("a") as file:
        file.write(json.dumps({"step": 41, "loss": 1.0})[:-5])
    entries = read_log(tmp_path / LOG)
    assert entries[-1]["step"] == 40
    figure = curves(entries, ["loss", "evaluation.error"])
    assert len(figure.axes) == 2
    np.testing.assert_allclose(figure.axes[1].lines[0].get_xdata(), [10, 20, 30, 40])


@given(count=st.integers(1, 40), batch_size=st.integers(1, 12), seed=st.integers(0, 5))
def test_an_epoch_sees_every_sample_once(count: int, batch_size: int, seed: int) -> None:
    if batch_size > count:
        with pytest.raises(ValueError, match="batch_size"):
            batch_of(0, count, batch_size, seed)
        return
    steps = count // batch_size
    seen = np.concatenate([batch_of(step, count, batch_size, seed) for step in range(steps)])
    assert len(set(seen.tolist())) == len(seen) == steps * batch_size


def test_epochs_differ_and_seeds_differ() -> None:
    orders = [tuple(batch_of(step, 32, 32, seed)) for step, seed in ((0, 1), (1, 1), (0, 2))]
    assert len(set(orders)) == 3


def test_one_cycle() -> None:
    rates = [one_cycle(step, 101) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[40] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1e-5)
    assert all(a < b for a, b in pairwise(rates[:41]))
    assert all(a > b for a, b in pairwise(rates[40:]))
    assert 0.0 < one_cycle(0, 1) <= 1.0
    momenta = [one_cycle_momentum(step, 101) for step in (0, 40, 100)]
    assert momenta == pytest.approx([0.95, 0.85, 0.95])
