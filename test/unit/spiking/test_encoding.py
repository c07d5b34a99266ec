"""Encoders: rates come out as asked, edges are certain, draws come from the generator given."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snn_ros.spiking.encoding import (
    InvalidRateError,
    direct_encode,
    poisson_encode,
    poisson_spikes,
)

STEPS, TIME_STEP = 20_000, 0.5e-3


def generators(seed):
    return np.random.default_rng(seed), torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_spike_rates_are_the_rates_asked_for(kind):
    rates = np.array([0.0, 5.0, 32.0, 63.75, 2000.0], np.float32)
    numpy_generator, torch_generator = generators(1)
    if kind == "numpy":
        spikes = poisson_encode(rates, STEPS, TIME_STEP, numpy_generator)
    else:
        tensor = poisson_encode(torch.from_numpy(rates), STEPS, TIME_STEP, torch_generator)
        spikes = tensor.numpy()
    assert spikes.dtype == np.float32
    assert set(np.unique(spikes)) == {0.0, 1.0}
    counts = spikes.sum(0)
    assert counts[0] == 0
    assert counts[4] == STEPS  # probability 1 in every step
    expected = rates * TIME_STEP * STEPS
    deviation = np.sqrt(expected * (1 - rates * TIME_STEP))
    assert np.all(np.abs(counts - expected)[1:4] < 5 * deviation[1:4])


def test_spikes_of_a_poisson_train_are_independent_from_step_to_step():
    spikes = poisson_encode(np.array([400.0]), STEPS, TIME_STEP, np.random.default_rng(2))[:, 0]
    assert abs(np.corrcoef(spikes[1:], spikes[:-1])[0, 1]) < 5 / np.sqrt(STEPS)


@given(
    uniform=arrays(np.float32, (7, 4), elements=st.floats(0, 1, width=32, exclude_max=True)),
    probabilities=arrays(np.float32, 4, elements=st.floats(0, 1, width=32)),
)
@settings(deadline=None)
def test_numpy_and_torch_agree_on_equal_draws(uniform, probabilities):
    ours = poisson_spikes(probabilities, uniform)
    theirs = poisson_spikes(torch.from_numpy(probabilities), torch.from_numpy(uniform))
    np.testing.assert_array_equal(ours, theirs.numpy())
    np.testing.assert_array_equal(ours, (uniform < probabilities).astype(np.float32))


def test_equal_seeds_give_equal_spikes_and_the_global_generator_is_left_alone():
    rates = torch.full((50,), 300.0)
    before = torch.get_rng_state()
    runs = [poisson_encode(rates, 100, TIME_STEP, generators(seed)[1]) for seed in (5, 5, 6)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("bad", [-1.0, 2001.0, float("nan")])
def test_a_rate_that_no_probability_can_express_is_refused(bad):
    generator = np.random.default_rng(0)
    with pytest.raises(InvalidRateError, match=f"2000.*{bad}"):
        poisson_encode(np.array([1.0, bad]), 3, TIME_STEP, generator)


def test_direct_encoding_repeats_without_copying():
    values = np.arange(6.0).reshape(2, 3)
    repeated = direct_encode(values, 4)
    assert repeated.shape == (4, 2, 3)
    assert np.shares_memory(repeated, values)
    assert all(np.array_equal(step, values) for step in repeated)
    tensor = torch.from_numpy(values).requires_grad_()
    direct_encode(tensor, 4).sum().backward()
    assert torch.equal(tensor.grad, torch.full((2, 3), 4.0, dtype=torch.float64))
