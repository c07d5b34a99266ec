"""The torch layers are the step functions, also when compiled; sequences keep time apart."""

import pytest
import torch

from snn_ros.spiking.current_lif import CurrentLIFParameters
from snn_ros.spiking.gru import SpikingGRUCell
from snn_ros.spiking.integer_lif import IntegerLIFParameters
from snn_ros.spiking.lif import LIFParameters, LIFState, lif_step
from snn_ros.spiking.modules import (
    LIF,
    CurrentLIF,
    IntegerLIF,
    IntegerSpike,
    Threshold,
    run_sequence,
)
from snn_ros.spiking.surrogate import SigmoidSurrogate

CELLS = {
    "lif": lambda: LIF(LIFParameters(detach_reset=True), SigmoidSurrogate()),
    "soft lif": lambda: LIF(LIFParameters(reset="soft")),
    "current lif": lambda: CurrentLIF(CurrentLIFParameters(membrane_decay=0.8, current_decay=0.3)),
    "integer lif": lambda: IntegerLIF(IntegerLIFParameters(max_count=3)),
}


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 1.5


def test_a_layer_is_its_step_function():
    x = noise(4, 7)
    state = LIFState(noise(4, 7, seed=1))
    spikes, after = LIF()(x, state)
    expected, expected_after = lif_step(x, state, LIFParameters())
    assert torch.equal(spikes, expected)
    assert torch.equal(after.membrane, expected_after.membrane)


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_can_be_split_anywhere(name):
    cell, x = CELLS[name](), noise(9, 2, 5)
    whole, last = run_sequence(cell, x)
    first, state = run_sequence(cell, x[:4])
    second, last_of_second = run_sequence(cell, x[4:], state)
    assert torch.equal(whole, torch.cat([first, second]))
    assert all(torch.equal(a, b) for a, b in zip(last, last_of_second, strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_a_change_reaches_no_earlier_step_and_no_other_sample(name):
    cell, x = CELLS[name](), noise(6, 3, 4)
    changed = x.clone()
    changed[2, 1] += 3.0
    before, after = run_sequence(cell, x)[0], run_sequence(cell, changed)[0]
    differs = (before != after).any(-1)
    assert not differs[:2].any()
    assert not differs[:, [0, 2]].any()
    assert differs[2, 1]


@pytest.mark.parametrize("name", CELLS)
def test_a_compiled_step_gives_equal_spikes_states_and_gradients(name):
    cell = CELLS[name]()
    compiled = torch.compile(cell, backend="aot_eager", fullgraph=True)
    results = []
    for run in (cell, compiled):
        x = noise(3, 8).requires_grad_()
        spikes, state = run(x)
        spikes, state = run(x, state)
        loss = (spikes * noise(3, 8, seed=2)).sum() + sum(part.square().sum() for part in state)
        results.append((spikes, *state, *torch.autograd.grad(loss, x)))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_integer_spike_is_one_step_of_integer_lif_from_rest():
    x = noise(50) * 4
    counts, _ = IntegerLIF(IntegerLIFParameters(max_count=4))(x)
    assert torch.equal(IntegerSpike(4)(x), counts)
    assert torch.equal(Threshold()(x), (x >= 0).float())


def test_gru_step_follows_its_equations():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        cell = SpikingGRUCell(3, 5).double()
    x, hidden = noise(40, 3).double(), noise(40, 5, seed=1).double()
    (w_r, w_z, w_n), (b_r, b_z, b_n) = cell.linear_ih.weight.split(5), cell.linear_ih.bias.split(5)
    (u_r, u_z, u_n), (c_r, c_z, c_n) = cell.linear_hh.weight.split(5), cell.linear_hh.bias.split(5)

    def step(value):
        return (value >= 0).double()

    r = step(x @ w_r.T + b_r + hidden @ u_r.T + c_r)
    z = step(x @ w_z.T + b_z + hidden @ u_z.T + c_z)
    n = step(x @ w_n.T + b_n + r * (hidden @ u_n.T + c_n))
    assert torch.equal(cell(x, hidden), (1 - z) * n + z * hidden)
    assert 0 < r.mean() < 1
    assert 0 < z.mean() < 1
