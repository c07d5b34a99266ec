"""Surrogate gradients: the forward is the step, the backward the stated formula."""

import math

import numpy as np
import pytest
import torch

from snn_ros.spiking.current_lif import CurrentLIFParameters, CurrentLIFState, current_lif_step
from snn_ros.spiking.lif import LIFParameters, LIFState, lif_step
from snn_ros.spiking.surrogate import (
    ArctanSurrogate,
    SigmoidSurrogate,
    StraightThroughSurrogate,
)

SURROGATES = [SigmoidSurrogate(4.0), ArctanSurrogate(2.0), StraightThroughSurrogate(1.0)]


def test_forward_is_the_step_with_both_conventions_at_zero():
    distance = torch.tensor([-1.0, -1e-45, 0.0, 1e-45, 1.0])
    for surrogate in SURROGATES:
        assert surrogate(distance).tolist() == [0, 0, 1, 1, 1]
        assert surrogate(distance, inclusive=False).tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("surrogate", "antiderivative"),
    [
        (SigmoidSurrogate(4.0), lambda x: torch.sigmoid(4.0 * x)),
        (SigmoidSurrogate(1.5), lambda x: torch.sigmoid(1.5 * x)),
        (ArctanSurrogate(2.0), lambda x: torch.atan(math.pi / 2 * 2.0 * x) / math.pi + 0.5),
        (ArctanSurrogate(0.7), lambda x: torch.atan(math.pi / 2 * 0.7 * x) / math.pi + 0.5),
        (StraightThroughSurrogate(), lambda x: x),
        (StraightThroughSurrogate(0.5), lambda x: x.clamp(-0.5, 0.5)),
    ],
)
def test_backward_is_the_derivative_of_the_smooth_curve(surrogate, antiderivative):
    x = torch.linspace(-3, 3, 400, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(400, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((surrogate(x) * weights).sum(), x)
    (expected,) = torch.autograd.grad((antiderivative(x) * weights).sum(), x)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("scale_input", [True, False])
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_gradient_through_time_equals_the_chain_rule_by_hand(reset, detach, scale_input):
    """Three steps of one cell against the written-out recursion of dv/dx."""
    surrogate = SigmoidSurrogate(4.0)
    p = LIFParameters(decay=0.6, scale_input=scale_input, reset=reset, detach_reset=detach)
    gain = 0.4 if scale_input else 1.0
    values = [1.6, 0.7, 0.9]
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    state, last = LIFState.at_rest(x[0]), None
    for value in x:
        last, state = lif_step(value, state, p, surrogate)
    last.backward()

    membrane, slopes = 0.0, np.zeros(3)  # slopes: d membrane / d x
    for step, value in enumerate(values):
        charged = p.decay * membrane + gain * value
        charged_slopes = p.decay * slopes
        charged_slopes[step] += gain
        y = 1 / (1 + math.exp(-4 * (charged - 1)))
        spike_slopes = 4 * y * (1 - y) * charged_slopes
        s = float(charged >= 1)
        through_reset = 0.0 if detach else spike_slopes
        if reset == "hard":
            membrane = (1 - s) * charged
            slopes = (1 - s) * charged_slopes - through_reset * charged
        else:
            membrane = charged - s
            slopes = charged_slopes - through_reset
    np.testing.assert_allclose(x.grad.numpy(), spike_slopes, rtol=1e-12)


@pytest.mark.parametrize("detach", [True, False])
def test_gradient_of_the_current_based_cell_through_its_late_reset(detach):
    """v2 = decay v1 + x2 + i1 current_decay - s1 th: dv2/dx1 with and without the reset's path."""
    p = CurrentLIFParameters(membrane_decay=0.5, current_decay=0.25, detach_reset=detach)
    x = torch.tensor([1.25, 0.5], dtype=torch.float64, requires_grad=True)
    surrogate = StraightThroughSurrogate()
    _, state = current_lif_step(x[0], CurrentLIFState.at_rest(x[0]), p, surrogate)
    _, state = current_lif_step(x[1], state, p, surrogate)
    state.membrane.backward()
    assert x.grad.tolist() == [0.75 if detach else -0.25, 1.0]
