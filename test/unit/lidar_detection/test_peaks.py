"""Peaks of heat, looked for only where a box is likely, are those of the whole map."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import max_pool2d

from snn_ros.lidar_detection.edge_decoding import _are_peaks
from snn_ros.sparse.tensor import Sites


def peaks_of_the_map(sites, heat):
    place = tuple(sites.coordinates.long().T)
    dense = heat.new_zeros(sites.batch_size, *sites.spatial_shape, heat.shape[1])
    dense[place] = heat
    highest = max_pool2d(dense.movedim(-1, 1), 3, stride=1, padding=1).movedim(1, -1)
    return heat >= highest[place]


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 9)),
    levels=st.sampled_from([2, 5, 1000]),  # of heat: few give ties
    threshold=st.sampled_from([0.0, 0.4, 2.0]),
)
def test_peaks(seed, shape, levels, threshold):
    generator = torch.Generator().manual_seed(seed)
    coordinates = (torch.rand(shape, generator=generator) < 0.6).nonzero().int()
    sites = Sites(coordinates, shape[1:], shape[0])
    heat = torch.randint(levels, (len(coordinates), 3), generator=generator) / levels
    rows, labels = (heat >= threshold).nonzero().T
    expected = peaks_of_the_map(sites, heat)[rows, labels]
    assert torch.equal(_are_peaks(sites, heat, rows, labels), expected)


def test_no_peak_beside_heat_that_is_not_a_number():
    sites = Sites(torch.tensor([[0, 0, 0], [0, 0, 1], [0, 0, 3]]).int(), (1, 4), 1)
    heat = torch.tensor([[0.9], [torch.nan], [0.8]])
    rows = torch.tensor([0, 2])
    assert _are_peaks(sites, heat, rows, torch.zeros_like(rows)).tolist() == [False, True]
