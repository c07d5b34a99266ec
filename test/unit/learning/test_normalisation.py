"""Statistics of batch normalisation measured anew."""

from __future__ import annotations

import torch
from torch import nn

from snn_ros.learning.normalisation import measure_normalisation


def test_statistics_are_the_plain_mean_over_the_batches() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, momentum=0.02))
    network[1].running_mean += 5.0  # of another network
    batches = [torch.randn(50, 3) + shift for shift in (0.0, 1.0, 3.0)]
    with torch.no_grad():
        inner = torch.stack([network[0](batch) for batch in batches])
    measure_normalisation(network, network, batches)
    torch.testing.assert_close(network[1].running_mean, inner.mean(dim=(0, 1)))
    torch.testing.assert_close(network[1].running_var, inner.var(dim=1).mean(dim=0))
    assert network[1].momentum == 0.02
    assert not network.training
