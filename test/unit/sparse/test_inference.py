"""A compiled network gives what the network gives."""

import gc

import pytest
import torch
from support.sparse_networks import Network, Pillars, assert_identical, given, on_the_grid
from torch import nn

from snn_ros.sparse.backends import compiled
from snn_ros.sparse.backends.compiled import InstructionSet
from snn_ros.sparse.backends.kernels import Execution, Method
from snn_ros.sparse.backends.levels import Level
from snn_ros.sparse.backends.network import InferenceNetwork, Precision, compile_network
from snn_ros.sparse.backends.program import NotCompiled
from snn_ros.sparse.convolution import StridedConvolution, SubmanifoldConvolution
from snn_ros.sparse.layers import SparseSequential
from snn_ros.spiking.folding import FoldingError
from snn_ros.spiking.modules import IntegerSpike

built = pytest.mark.skipif(not compiled.is_available(), reason="kernels are not built")


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@built
@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize(
    "name", ["batch of two", "odd extents", "single voxel", "empty element", "no voxels"]
)
def test_exact_weights_give_identical_results(precision, name):
    network, x = on_the_grid(Network()), given(name)
    with torch.no_grad():
        expected = network(x)
    for kernels in InstructionSet:
        for threads in (1, 2):
            compiled = compile_network(
                network, precision=precision, execution=Execution(threads, kernels)
            )
            assert isinstance(compiled, InferenceNetwork)
            assert_identical(compiled(x), expected)
            assert_identical(compiled(x), expected)  # buffers are used again


@built
def test_results_outlive_the_next_call():
    compiled = compile_network(on_the_grid(Network()))
    first = compiled(given())
    kept = first.stages[1].features.clone()
    compiled(given("odd extents"))
    assert torch.equal(first.stages[1].features, kept)


@built
def test_a_call_leaves_no_rulebooks_behind_for_the_garbage_collector():
    compiled = compile_network(on_the_grid(Network()))
    gc.collect()
    gc.disable()
    try:
        compiled(given())
        assert [kept for kept in gc.get_objects() if type(kept) is Level] == []
    finally:
        gc.enable()


@built
def test_the_method_of_each_layer_is_chosen_on_the_clock_and_changes_nothing():
    network, x = on_the_grid(Network()), given()
    compiled = compile_network(network, x, precision=Precision.INT8)
    assert isinstance(compiled, InferenceNetwork)
    plan = {layer.name: layer for layer in compiled.plan}
    assert len(plan) == 6
    assert plan["stem.0"].method is Method.FLOATS
    spiking = plan["block.body.1"]
    assert set(spiking.milliseconds) == {Method.COUNTS, Method.EVENTS}
    assert spiking.milliseconds[spiking.method] == min(spiking.milliseconds.values())
    with torch.no_grad():
        expected = network(x)
        fired = network.block.body[0](network.down(network.stem(x)).features)
    assert spiking.density == pytest.approx((fired != 0).float().mean().item())
    assert spiking.silent == pytest.approx((fired == 0).all(1).float().mean().item())
    assert_identical(compiled(x), expected)


@built
def test_float32_layers_go_through_events_where_that_is_faster_and_change_nothing(monkeypatch):
    network, x = on_the_grid(Network()), given()
    for fastest in (Method.FLOATS, Method.FLOAT_EVENTS):
        compiled = compile_network(network)
        monkeypatch.setattr(
            "snn_ros.sparse.backends.network._Run._milliseconds",
            lambda run, place, fastest=fastest: (
                run.convolve(place),
                float(run.network._methods[place] is not fastest),
            )[1],
        )
        compiled.choose_methods(x)
        chosen = {layer.name: layer.method for layer in compiled.plan}
        assert chosen["stem.0"] is Method.FLOATS  # takes membranes
        assert chosen["block.body.1"] is fastest
        with torch.no_grad():
            assert_identical(compiled(x), network(x))


@built
def test_real_weights_are_close_where_no_cell_decides():
    network = SparseSequential(
        SubmanifoldConvolution(5, 24), nn.BatchNorm1d(24), StridedConvolution(24, 7, 3, 2, 1)
    ).eval()
    x = given("dense and large")
    with torch.no_grad():
        expected = network(x)
    made = compile_network(network)(x)
    torch.testing.assert_close(made.features, expected.features, rtol=0, atol=1e-5)


@built
@pytest.mark.parametrize("precision", Precision)
def test_seen_from_above(precision):
    network, x = on_the_grid(Pillars()), given()
    network.finish[1].weight.data = torch.randint(-9, 10, (3, 6)).float()
    network.finish[1].bias.data.fill_(0.25)
    with torch.no_grad():
        features, sites, coarse = network(x)
    made_features, made_sites, made_coarse = compile_network(network, precision=precision)(x)
    assert torch.equal(made_features, features)
    assert torch.equal(made_sites.coordinates, sites.coordinates)
    assert made_sites.spatial_shape == sites.spatial_shape == (7, 8)
    assert torch.equal(made_coarse.features, coarse.features)
    assert torch.equal(made_coarse.sites.coordinates, coarse.sites.coordinates)


@built
def test_what_cannot_be_compiled_is_named():
    with pytest.raises(NotCompiled, match=r"1: Tanh"):
        compile_network(SparseSequential(SubmanifoldConvolution(5, 4), nn.Tanh()).eval())
    with pytest.raises(NotCompiled, match="max_count = 200"):
        compile_network(
            SparseSequential(SubmanifoldConvolution(5, 4), IntegerSpike(200)),
            precision=Precision.INT8,
        )
    with pytest.raises(FoldingError, match="training mode"):
        compile_network(SparseSequential(SubmanifoldConvolution(5, 4), nn.BatchNorm1d(4)))


def test_without_the_kernels_torch_does_the_work(monkeypatch):
    monkeypatch.setattr("snn_ros.sparse.backends.network.is_available", lambda: False)
    network, x = on_the_grid(Network()), given()
    with torch.no_grad():
        assert_identical(compile_network(network)(x), network(x))
