"""Our cells against what the authors' own code computed: spikes exact, gradients to rounding."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from snn_ros.spiking.firing import spike_count
from snn_ros.spiking.gru import SpikingGRUCell
from snn_ros.spiking.integer_lif import unrolled_count
from snn_ros.spiking.lif import LIFParameters, LIFState, lif_step
from snn_ros.spiking.modules import LIF, run_sequence
from snn_ros.spiking.surrogate import ArctanSurrogate, SigmoidSurrogate, StraightThroughCount

GRADIENT_TOLERANCE = 1e-6
PLANNING_CELLS = {
    "sigmoid_detach": (SigmoidSurrogate(4.0), True),
    "sigmoid_nodetach": (SigmoidSurrogate(4.0), False),
    "atan_detach": (ArctanSurrogate(2.0), True),
    "atan_nodetach_single": (ArctanSurrogate(2.0), False),
}
STEPS = {"sigmoid": SigmoidSurrogate(4.0), "atan": ArctanSurrogate(2.0)}
INTEGER_CELLS_SHARED = {"x", "upstream", "y", "grad_sum", "grad_weighted"}
PUBLISHED_MAX_COUNT = 4  # fixed in the authors' code, whatever its constructor is given


def neuron_files(parity_dir: Path, system: str) -> list[Path]:
    found = sorted((parity_dir / system).glob("neuron_[A-Z].npz"))
    if not found:
        pytest.skip(f"authors' vectors: no neuron_*.npz in {parity_dir / system}")
    return found


def tensors(path: Path) -> dict[str, torch.Tensor]:
    with np.load(path) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def assert_equal(actual, expected, name):
    torch.testing.assert_close(actual, expected, rtol=0, atol=0, msg=lambda m: f"{name}: {m}")


def assert_gradient(actual, expected, name, tolerance=GRADIENT_TOLERANCE):
    torch.testing.assert_close(
        actual, expected, rtol=0, atol=tolerance, msg=lambda m: f"{name}: {m}"
    )


def integer_case(name: str) -> tuple[int, float]:
    """Largest count and end of the gradient's window of a prefix `D<n>` or `fn_lens<n>`."""
    kind, number = re.fullmatch(r"(D|fn_lens)(\d+)", name).groups()
    return (int(number) if kind == "D" else PUBLISHED_MAX_COUNT), float(number)


def test_integer_cells_of_lidar_detection(parity_dir):
    for path in neuron_files(parity_dir, "lidar_detection"):
        vectors = tensors(path)
        cases = {name.split(".")[0] for name in vectors} - INTEGER_CELLS_SHARED
        assert {"D4", "fn_lens1"} <= cases
        for case in sorted(cases):
            max_count, gradient_limit = integer_case(case)
            x = vectors["x"].clone().requires_grad_()
            counts = StraightThroughCount(gradient_limit)(x, max_count)
            (gradient,) = torch.autograd.grad(counts.sum(), x)
            expected = vectors[f"{case}.y"]
            assert_equal(counts.detach(), expected, f"{path.name} {case}.y")
            assert_equal(gradient, vectors[f"{case}.grad_sum"], f"{path.name} {case}.grad_sum")
            for form in (spike_count, unrolled_count):
                for array in (vectors["x"], vectors["x"].numpy()):
                    np.testing.assert_array_equal(form(array, max_count), expected, case)


def test_published_integer_cell_of_lidar_detection(parity_dir):
    for path in neuron_files(parity_dir, "lidar_detection"):
        vectors = tensors(path)
        x = vectors["x"].clone().requires_grad_()
        counts = StraightThroughCount()(x, PUBLISHED_MAX_COUNT)
        assert_equal(counts.detach(), vectors["y"], path.name)
        for loss, name in (
            (counts.sum(), "grad_sum"),
            ((counts * vectors["upstream"]).sum(), "grad_weighted"),
        ):
            (gradient,) = torch.autograd.grad(loss, x, retain_graph=True)
            assert_equal(gradient, vectors[name], f"{path.name} {name}")


@pytest.mark.parametrize("case", PLANNING_CELLS)
def test_leaky_cells_of_planning(parity_dir, case):
    surrogate, detach_reset = PLANNING_CELLS[case]
    parameters = LIFParameters(decay=0.5, detach_reset=detach_reset)
    for path in neuron_files(parity_dir, "sad_planning"):
        vectors = tensors(path)
        x = vectors["x"].clone().requires_grad_()
        state, spikes, membranes = LIFState.at_rest(x[0]), [], []
        for value in x:
            s, state = lif_step(value, state, parameters, surrogate)
            spikes.append(s)
            membranes.append(state.membrane)
        spikes = torch.stack(spikes)
        assert_equal(spikes.detach(), vectors[f"{case}.spikes"], path.name)
        assert_equal(torch.stack(membranes).detach(), vectors[f"{case}.v"], path.name)
        for loss, name in (
            (spikes.sum(), "grad_sum"),
            ((spikes * vectors["w"]).sum(), "grad_weighted"),
        ):
            (gradient,) = torch.autograd.grad(loss, x, retain_graph=True)
            assert_gradient(gradient, vectors[f"{case}.{name}"], f"{path.name} {name}")

        if (second_call := vectors.get(f"{case}.spikes_second_call_no_reset")) is not None:
            spikes, _ = run_sequence(LIF(parameters, surrogate), vectors["x"], state)
            assert_equal(spikes.detach(), second_call, f"{path.name} second call")
        rates = json.loads(path.with_name(f"neuron_info{path.stem[-2:]}.json").read_text())
        assert vectors[f"{case}.spikes"].mean().item() == pytest.approx(rates[case], rel=1e-6)


def test_leaky_cell_with_overwritten_membrane_of_planning(parity_dir):
    cell = LIF(LIFParameters(decay=0.5), ArctanSurrogate(2.0))
    for path in neuron_files(parity_dir, "sad_planning"):
        vectors = tensors(path)
        expected = vectors["overwrite.spikes"]
        state = LIFState(vectors["overwrite.state"].softmax(2))
        spikes, state = run_sequence(cell, vectors["x"][: len(expected)], state)
        assert_equal(spikes, expected, path.name)
        assert_equal(state.membrane, vectors["overwrite.v"], path.name)


@pytest.mark.parametrize("case", STEPS)
def test_stateless_steps_of_planning(parity_dir, case):
    for path in neuron_files(parity_dir, "sad_planning"):
        vectors = tensors(path)
        x = vectors["step.x"].clone().requires_grad_()
        spikes = STEPS[case](x)
        (gradient,) = torch.autograd.grad(spikes.sum(), x)
        assert_equal(spikes.detach(), vectors[f"step.{case}.y"], path.name)
        assert_gradient(gradient, vectors[f"step.{case}.grad"], path.name)


def test_spiking_gru_of_planning(parity_dir):
    for path in neuron_files(parity_dir, "sad_planning"):
        vectors = tensors(path)
        cell = SpikingGRUCell(vectors["gru.x"].shape[-1], vectors["gru.h0"].shape[-1])
        cell.load_state_dict(
            {name: vectors[f"gru.param.{name}"] for name, _ in cell.named_parameters()}
        )
        x = vectors["gru.x"].clone().requires_grad_()
        initial = vectors["gru.h0"].clone().requires_grad_()
        hidden, outputs = initial, []
        for value in x:
            hidden = cell(value, hidden)
            outputs.append(hidden)
        outputs = torch.stack(outputs)
        assert_equal(outputs.detach(), vectors["gru.h"], path.name)
        outputs.sum().backward()
        gradients = {"grad_x": x.grad, "grad_h0": initial.grad}
        gradients |= {f"grad_param.{name}": p.grad for name, p in cell.named_parameters()}
        for name, gradient in gradients.items():
            expected = vectors[f"gru.{name}"]
            tolerance = GRADIENT_TOLERANCE * max(1.0, expected.abs().max().item())
            assert_gradient(gradient, expected, f"{path.name} {name}", tolerance)


def test_no_array_of_planning_goes_unread(parity_dir):
    known = {"x", "w", *PLANNING_CELLS, "overwrite", "step", "gru"}
    for path in neuron_files(parity_dir, "sad_planning"):
        assert {name.split(".")[0] for name in tensors(path)} == known
