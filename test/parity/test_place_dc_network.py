"""Competing spiking cells against the authors' equations and program in Brian2, spike by spike."""

import itertools

import numpy as np
import pytest
from support.place_vectors import below, cases, read, sets

from snn_ros.place_recognition.dc_kernel import GE_E, GE_I, GI_E, THETA, TRACE, V_E, V_I
from snn_ros.place_recognition.dc_network import build_networks
from snn_ros.place_recognition.input_spikes import spikes_in_order

TRACES = {
    "E_v_mV": V_E, "E_ge": GE_E, "E_gi": GI_E, "E_theta_mV": THETA, "E_timer_ms": TRACE,
    "I_v_mV": V_I, "I_ge": GE_I,
}  # fmt: skip
STEPS_PER_MS = 10
REST, STIMULUS, PRESENTATION = 5000, 3500, 5000  # steps
CAPACITY = 2000


def inputs(lines, steps, first, last):
    """The spikes of the steps first..last-1; in the same step in the order of the lines."""
    within = (steps >= first) & (steps < last)
    order = np.lexsort((lines[within], steps[within]))
    return [spikes_in_order(lines[within][order], steps[within][order] - first, last - first)]


def network(vectors, weights, theta):
    return build_networks(vectors(weights)[None], vectors("delay_step")[None], vectors(theta)[None])


def listed(presentations):
    """(spikes, 2) step and cell of all presentations."""
    return np.concatenate([out.raster[0, : out.spikes[0]] for out in presentations])


def assert_spikes(raster, cells, vectors, name):
    """Cells of I come after those of E in a raster."""
    for kind, first in (("E", 0), ("I", cells)):
        ours = raster[(raster[:, 1] >= first) & (raster[:, 1] < first + cells)]
        neuron = vectors.get(f"{kind}_spike_neuron", vectors.get(f"{kind}_neuron"))
        step = vectors.get(f"{kind}_spike_step", vectors.get(f"{kind}_step"))
        theirs = np.stack([step, neuron], axis=1).astype(np.int64)
        ours = ours - [0, first]
        theirs, ours = (a[np.lexsort((a[:, 1], a[:, 0]))] for a in (theirs, ours))
        np.testing.assert_array_equal(ours, theirs, f"{name}: {kind}")


@pytest.mark.parametrize("mode", ["train", "test"])
def test_equations(parity_dir, mode):
    for path in cases(parity_dir, "equations"):
        vectors = read(path)
        for name in sets(vectors):
            case, expected = below(vectors, name), below(vectors, f"{name}/{mode}")
            cells = case["theta_initial_mV"].size
            net = network(case.get, "w_initial", "theta_initial_mV")
            spikes = inputs(case["input_line"], case["input_step"], 0, int(case["steps"]))
            out = net.present(spikes, mode == "train", raster_capacity=CAPACITY, traced=True)
            assert_spikes(listed([out]), cells, expected, name)
            for trace, row in TRACES.items():
                if trace in expected:
                    np.testing.assert_allclose(
                        out.trace[0, row],
                        expected[trace],
                        rtol=0,
                        atol=1e-4,
                        err_msg=f"{name} {trace}",
                    )
            if "w_final" in expected:
                np.testing.assert_allclose(
                    net.weights()[0], expected["w_final"], rtol=0, atol=1e-12
                )


def test_weights_each_millisecond(parity_dir):
    for path in cases(parity_dir, "equations"):
        vectors = read(path)
        for name in sets(vectors):
            case = below(vectors, name)
            expected = case["train/w_each_ms"]
            for ms in range(0, expected.shape[2], 50):
                net = network(case.get, "w_initial", "theta_initial_mV")
                steps = ms * STEPS_PER_MS
                if steps:
                    net.present(inputs(case["input_line"], case["input_step"], 0, steps), True)
                np.testing.assert_allclose(
                    net.weights()[0], expected[..., ms], rtol=0, atol=1e-7, err_msg=f"{name} {ms}"
                )


@pytest.mark.parametrize("mode", ["train", "test"])
def test_whole_program(parity_dir, mode):
    for path in cases(parity_dir, "network_trace"):
        vectors = below(read(path), mode)
        cells, learns = vectors["theta_initial_mV"].size, mode == "train"
        net = network(vectors.get, "w_initial", "theta_initial_mV")
        starts = [0, *range(REST, int(vectors["steps"]), PRESENTATION), int(vectors["steps"])]
        outs = []
        for first, last in itertools.pairwise(starts):
            if first and learns:
                net.normalise()
            spikes = inputs(vectors["x_neuron"], vectors["x_step"], first, last)
            outs.append(net.present(spikes, learns, raster_capacity=CAPACITY))
        assert len(outs) == vectors["presentations"] + 1
        assert_spikes(listed(outs), cells, vectors, mode)
        np.testing.assert_allclose(net.weights()[0], vectors["w_final"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(net.theta[0], vectors["theta_final_mV"], rtol=0, atol=1e-9)
        counts = vectors["counts_last_epoch" if learns else "counts"]
        ours = [
            counted(listed(outs), cells, vectors, k) for k in range(int(vectors["presentations"]))
        ]
        np.testing.assert_array_equal(ours[-len(counts) :], counts)


def counted(raster, cells, vectors, presentation):
    """The authors read the counter at the end of a stimulus: late spikes go to the next image."""
    read_at = REST + PRESENTATION * presentation + STIMULUS
    before = read_at - PRESENTATION if presentation else 0
    within = (raster[:, 0] >= before) & (raster[:, 0] < read_at) & (raster[:, 1] < cells)
    return np.bincount(raster[within, 1], minlength=cells)
