"""Rulebooks against a dictionary of sites and the definition, pair by pair."""

import itertools

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.sparse.rulebook import (
    NO_NEIGHBOUR,
    Kernel,
    strided_rulebook,
    submanifold_rulebook,
)

EXAMPLES = settings(max_examples=60, deadline=None)


@st.composite
def coordinates_of(draw, axes):
    """Distinct sites in any order, and the extents they lie in."""
    shape = draw(st.tuples(*[st.integers(1, 5)] * axes))
    cells = st.tuples(st.integers(0, 2), *(st.integers(0, extent - 1) for extent in shape))
    rows = draw(st.lists(cells, unique=True, max_size=40))
    return torch.tensor(rows, dtype=torch.int32).reshape(-1, 1 + axes), shape


@st.composite
def strided_case(draw):
    axes = draw(st.sampled_from([2, 3]))
    per_axis = [
        st.tuples(*[st.integers(low, high)] * axes) for low, high in ((1, 3), (1, 3), (0, 2))
    ]
    return *draw(coordinates_of(axes)), Kernel(*map(draw, per_axis))


@st.composite
def submanifold_case(draw):
    axes = draw(st.sampled_from([2, 3]))
    size = draw(st.tuples(*[st.sampled_from([1, 3, 5])] * axes))
    return *draw(coordinates_of(axes)), size


def pairs_of(rulebook):
    """{(offset, input row, output row)}; none may occur twice."""
    found = [
        (offset, *pair)
        for offset, inputs, outputs in rulebook.segments()
        for pair in zip(inputs.tolist(), outputs.tolist(), strict=True)
    ]
    assert len(set(found)) == len(found) == rulebook.pairs
    return set(found)


def brute_force(coordinates, kernel, outputs):
    """Pairs by the definition: out[q] sees in[stride q + k - padding]."""
    row_of = {tuple(row): index for index, row in enumerate(coordinates.tolist())}
    offsets = list(itertools.product(*map(range, kernel.size)))
    pairs = set()
    for out_row, (batch, *cell) in enumerate(outputs.tolist()):
        for number, offset in enumerate(offsets):
            seen = [
                q * stride + k - padding
                for q, stride, k, padding in zip(
                    cell, kernel.stride, offset, kernel.padding, strict=True
                )
            ]
            if (in_row := row_of.get((batch, *seen))) is not None:
                pairs.add((number, in_row, out_row))
    return pairs


@given(submanifold_case())
@EXAMPLES
def test_submanifold_pairs_are_those_of_the_definition(case):
    coordinates, shape, size = case
    rulebook = submanifold_rulebook(coordinates, shape, size)
    kernel = Kernel(size, (1,) * len(size), tuple(extent // 2 for extent in size))
    assert pairs_of(rulebook) == brute_force(coordinates, kernel, coordinates)
    assert rulebook.num_inputs == rulebook.num_outputs == len(coordinates)


@given(strided_case())
@EXAMPLES
def test_strided_pairs_and_sites_are_those_of_the_definition(case):
    coordinates, shape, kernel = case
    rulebook, outputs = strided_rulebook(coordinates, shape, kernel)
    extents = kernel.output_shape(shape)
    every_cell = torch.tensor(list(itertools.product(range(3), *map(range, extents))))
    every_cell = every_cell.reshape(-1, 1 + len(shape))
    seen = brute_force(coordinates, kernel, every_cell)
    active = sorted({out_row for _, _, out_row in seen})
    assert outputs.tolist() == every_cell[active].tolist()
    assert pairs_of(rulebook) == brute_force(coordinates, kernel, outputs)


@given(strided_case())
@EXAMPLES
def test_a_transposed_rulebook_swaps_the_pairs(case):
    rulebook, _ = strided_rulebook(*case)
    swapped = {(offset, out, row) for offset, row, out in pairs_of(rulebook)}
    assert pairs_of(rulebook.transposed()) == swapped


@given(strided_case())
@EXAMPLES
def test_an_output_row_occurs_once_per_offset(case):
    """What makes index_add_ deterministic."""
    for rulebook in (
        strided_rulebook(*case)[0],
        submanifold_rulebook(*case[:2], (3,) * len(case[1])),
    ):
        for _, inputs, outputs in rulebook.segments():
            assert len(outputs.unique()) == len(outputs)
            assert len(inputs.unique()) == len(inputs)


@given(strided_case())
@EXAMPLES
def test_the_table_of_neighbours_has_the_same_pairs(case):
    strided, _ = strided_rulebook(*case)
    same = submanifold_rulebook(*case[:2], (3,) * len(case[1]))
    for rulebook in (strided, strided.transposed(), same):
        table = rulebook.neighbours
        assert table.shape == (rulebook.offsets, rulebook.num_outputs)
        offsets, outputs = (table != NO_NEIGHBOUR).nonzero().T
        found = zip(
            offsets.tolist(), table[offsets, outputs].tolist(), outputs.tolist(), strict=True
        )
        assert set(found) == pairs_of(rulebook)
