"""Triton's kernel, run by its interpreter on the CPU, computes what the reference computes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sparse import SITES, layers, sparse

from snn_ros.sparse.backends.triton_kernels import convolve
from snn_ros.sparse.convolution import InverseConvolution, StridedConvolution
from snn_ros.sparse.functional import sparse_convolution
from snn_ros.sparse.layers import ChannelAffine
from snn_ros.sparse.rulebook import NO_NEIGHBOUR
from snn_ros.spiking.firing import spike_count
from snn_ros.spiking.modules import IntegerSpike

TEST = Path(__file__).resolve().parent.parent.parent
UNWRITTEN = float("nan")


def kernel_weight(weight):
    """(Cout, *kernel, Cin) as the kernel takes it."""
    return weight.detach().flatten(1, -2).permute(1, 2, 0).contiguous()


def add_neighbours(features, weight, neighbours):
    """(V', Cout) in float64: the sum of a convolution, without ado."""
    rows = torch.cat([features.double(), features.new_zeros(1, features.shape[1]).double()])
    return sum(
        rows[sources.long()] @ matrix.double()  # a source of -1 is the row of zeros
        for sources, matrix in zip(neighbours, weight, strict=True)
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    num_inputs=st.sampled_from([0, 1, 50]),
    num_outputs=st.sampled_from([0, 1, 64, 70]),
    offsets=st.sampled_from([1, 4, 9]),
    channels_in=st.sampled_from([1, 3, 32, 70]),
    channels_out=st.sampled_from([1, 16, 33, 70]),
    dtype=st.sampled_from([torch.int8, torch.float16, torch.float32]),
    largest=st.sampled_from([1, 4, 127]),
)
def test_whole_numbers_are_exact_in_every_number_format(
    seed, num_inputs, num_outputs, offsets, channels_in, channels_out, dtype, largest
):
    draw = torch.Generator().manual_seed(seed)
    sources = torch.randint(-1, num_inputs, (offsets, num_outputs), generator=draw)
    neighbours = torch.where(
        torch.rand(sources.shape, generator=draw) < 0.5, NO_NEIGHBOUR, sources
    ).int()
    counts = torch.randint(0, largest + 1, (num_inputs, channels_in), generator=draw)
    weight = torch.randint(-127, 128, (offsets, channels_in, channels_out), generator=draw)
    scale, shift = torch.rand(2, channels_out, generator=draw) * torch.tensor([[0.02], [1.0]])
    shortcut = torch.randn(num_outputs, channels_out, generator=draw)

    expected = add_neighbours(counts, weight, neighbours).float() * scale + shift + shortcut
    membrane = torch.full((num_outputs, channels_out), UNWRITTEN)
    spikes = torch.full((num_outputs, channels_out), -1, dtype=torch.int8)
    convolve(
        counts.to(dtype), neighbours, weight.to(dtype), scale, shift,
        shortcut=shortcut, membrane=membrane, counts=spikes, max_count=largest,
    )  # fmt: skip
    assert torch.equal(membrane, expected)
    assert torch.equal(spikes.float(), spike_count(expected, largest))


@pytest.mark.parametrize(
    "name", ["odd extents", "borders", "single voxel in a corner", "no voxels", "2D"]
)
def test_every_shape_of_kernel_on_real_numbers(name):
    _, shape, _ = SITES[name]
    x = sparse(name, 5)
    made = layers(len(shape))
    del made["submanifold 5"]  # slow in the interpreter, and no network has it
    halving = StridedConvolution(5, 5, 2, 2, dimensions=len(shape))
    inverse = InverseConvolution(5, 7, dimensions=len(shape))
    with torch.no_grad():
        cases = [(x, layer) for layer in made.values()] + [(halving(x), inverse)]
        for given_x, layer in cases:
            rulebook, _ = layer.rulebook(given_x)
            expected = sparse_convolution(given_x.features, layer.weight, rulebook)
            membrane = torch.full_like(expected, UNWRITTEN)
            convolve(
                given_x.features, rulebook.neighbours, kernel_weight(layer.weight),
                torch.ones(7), torch.zeros(7), membrane=membrane,
            )  # fmt: skip
            torch.testing.assert_close(membrane, expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_what_stands_behind_is_rounded_as_in_torch():
    """Scales of no short binary form: a contracted product and sum would differ somewhere."""
    x = sparse("odd extents", 5)
    x = x.with_features(torch.randint(0, 5, x.features.shape).float())
    layer = layers(3)["submanifold 3"]
    layer.weight.data = torch.randint_like(layer.weight, -127, 128)
    affine, cell = ChannelAffine(torch.rand(7) / 300, torch.rand(7)), IntegerSpike(4)
    shortcut = torch.randn(len(x.features), 7)
    expected = shortcut + affine(layer(x).features)
    membrane, spikes = torch.full_like(expected, UNWRITTEN), torch.full_like(expected, UNWRITTEN)
    convolve(
        x.features, layer.rulebook(x)[0].neighbours, kernel_weight(layer.weight),
        affine.scale, affine.shift,
        shortcut=shortcut, membrane=membrane, counts=spikes, max_count=cell.max_count,
    )  # fmt: skip
    assert torch.equal(membrane, expected)
    assert torch.equal(spikes, cell(expected))
    assert len(spikes.unique()) == 5


@pytest.mark.parametrize(
    ("name", "wrong", "text"),
    [
        ("features", torch.zeros(4, 3, dtype=torch.int8), "float32"),
        ("features", torch.zeros(3, 4).T, "strides"),
        ("neighbours", torch.zeros(2, 6, dtype=torch.int64), "int32"),
        ("scale", torch.zeros(4), r"\(5,\)"),
        ("shortcut", torch.zeros(5, 5), r"\(6, 5\)"),
        ("counts", torch.zeros(6, 4), r"\(6, 5\)"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(name, wrong, text):
    tensors = {
        "features": torch.zeros(4, 3),
        "neighbours": torch.zeros(2, 6, dtype=torch.int32),
        "weight": torch.zeros(2, 3, 5),
        "scale": torch.zeros(5),
        "shift": torch.zeros(5),
    }
    with pytest.raises(ValueError, match=f"{name} of .*{text}"):
        convolve(**(tensors | {name: wrong}))


def test_the_kernel_compiles_for_cuda(tmp_path):
    """To machine code of two generations, which needs no GPU."""
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    subprocess.run(
        [sys.executable, "-m", "support.triton_to_cuda"],
        check=True, cwd=TEST, env=environment | {"PYTHONPATH": f"{TEST}:{TEST.parent}"},
    )  # fmt: skip
